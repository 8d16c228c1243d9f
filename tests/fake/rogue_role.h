/* SPDX-License-Identifier: BSD-2-Clause */
/* A role in the hands of an enemy: what its parts share. */
#ifndef FAKE_ROGUE_ROLE_H
#define FAKE_ROGUE_ROLE_H

#include "proc/role.h"

struct forger;

/*
 * As smtp: logs in as who stands in words ("LOGIN PASSWORD SENDER OTHER-SENDER"), and then, each time it is
 * asked for its status, tries to have mail queued that this login may not send.
 */
struct forger *forger_new(struct role_context *context, const char *words);
void forger_free(struct forger **forger);
/* Takes fd; of auth and queue it makes channels. */
void forger_link(struct forger *forger, const struct message_link *link, int fd);
/* Answers the request with {"name of a try": code of the reply, …}. */
void forger_try(struct forger *forger, uint32_t request);

#endif
