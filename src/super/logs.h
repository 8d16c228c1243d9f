/* SPDX-License-Identifier: BSD-2-Clause */
/* The log files: opened for appending here, written by everybody. */
#ifndef SUPER_LOGS_H
#define SUPER_LOGS_H

#include "config/settings.h"

struct logs;

/* Opens the files that the settings name; the event log is standard error where they name none. */
struct logs *logs_open(const struct settings *settings, struct fault *fault);
void logs_free(struct logs **logs);
/*
 * Renames the files for which it is time; deletes old ones then, and once an hour. True if any was
 * renamed: they are to be opened anew.
 */
bool logs_roll(struct logs *logs, const struct settings *settings, int64_t now_ms);
/* From now on super's own lines go there. */
void logs_use(const struct logs *logs, const struct settings *settings);
int logs_event_fd(const struct logs *logs);                          /* borrowed */
/* Of a protocol that is served, or LOGS_RELAY; borrowed; -1: not logged. */
int logs_protocol_fd(const struct logs *logs, const char *protocol);
#define LOGS_RELAY "relay" /* the other way: what is said to next hops */
/* "smtp", "imap", "pop3". */
const char *logs_protocol_name(enum listener_protocol protocol);

#endif
