/* SPDX-License-Identifier: BSD-2-Clause */
/* Who a session is logged in as, and whether that still holds. */
#ifndef CLIENT_STANDING_H
#define CLIENT_STANDING_H

#include "base/secret.h"
#include "ipc/message_login.h"

struct channel;
struct session;

/* Part of a session; read by the protocol, written by standing.c alone. */
struct standing {
	struct session *session;
	char *name;           /* canonical; NULL: not logged in */
	char *credential;     /* label of the app password it logged in with; "" for none */
	uint64_t epoch;
	struct secret *grant; /* signed by auth, for the queue */
	uint64_t fetched_ms;  /* steady: when auth said so last */
	int64_t since_ms;     /* wall clock */
	uint32_t refetch;     /* number of the question under way, 0 if none */
	bool refetch_again;   /* what is under way may be answered by what was before */
};

void standing_init(struct standing *standing, struct session *session);
/* Tells auth that the session is over. */
void standing_fini(struct standing *standing);
/* What auth says of who this is; false if it cannot be read. */
bool standing_take(struct standing *standing, const struct message_login_done *done);
/* Tells auth, which has started anew, that this session is there. */
void standing_announce(const struct standing *standing, struct channel *auth);
/* Asks auth for the identity as it is now; if none holds, the session leaves at its next command. */
void standing_refetch(struct standing *standing, struct channel *auth);

#endif
