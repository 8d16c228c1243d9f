/* SPDX-License-Identifier: BSD-2-Clause */
/* The listening sockets: bound before anything is given up, kept across reloads and restarts. */
#ifndef SUPER_LISTENERS_H
#define SUPER_LISTENERS_H

#include "config/settings.h"
#include "io/sock_address.h"

struct listeners;

/*
 * Binds every address of the settings. What old (may be NULL) has for the same listener and address is
 * shared, so a port that was any free one stays. Where the port is bound by one of old that goes, "*:587"
 * for "10.1.0.1:587", both have it for a while. NULL with a fault; old serves on then.
 */
struct listeners *listeners_open(const struct settings *settings, struct listeners *old,
	struct fault *fault);
/* Those that stood beside one of old take connections from now on. */
void listeners_begin(struct listeners *listeners);
/* Closes; removes the files of unix sockets that kept (may be NULL) does not have. */
void listeners_free(struct listeners **listeners, const struct listeners *kept);
/* Borrowed; -1 if there is none. */
int listeners_fd(const struct listeners *listeners, const char *title, unsigned index);
/* Where it really is, as text: "127.0.0.1:40587", "*:25", "unix:/path". */
const char *listeners_address(const struct listeners *listeners, const char *title, unsigned index,
	char to[SOCK_TEXT_MAX_BYTES]);

#endif
