/* SPDX-License-Identifier: BSD-2-Clause */
/* One route's questions to its next hop: does it have this recipient? MAIL, RCPT, RSET; never DATA. */
#ifndef RELAY_PROBER_H
#define RELAY_PROBER_H

#include "ipc/message_recipient.h"
#include "relay/hop_route.h"

struct prober;

enum {
	PROBER_CONNECTIONS = 2,  /* beside those of deliveries, so that neither waits for the other */
	PROBER_WAITING_MAX = 1000,
	PROBER_REST_MS = 1000,   /* a connection failed: until then nobody can say */
};

/* Once for each question, perhaps from inside prober_ask(). The texts are for the call. */
typedef void prober_told_fn(const struct message_recipient_told *told, void *context);

struct prober *prober_new(struct hop_route *route); /* the route outlives it */
void prober_free(struct prober **prober);           /* what is still asked is UNSURE */
/* In the end UNSURE: when wait_ms are over, the hop cannot be reached, or too many ask. */
void prober_ask(struct prober *prober, const char *path, uint64_t wait_ms, prober_told_fn *told,
	void *context);
size_t prober_asking(const struct prober *prober);  /* questions without an answer */
void prober_quit(struct prober *prober);            /* idle connections say QUIT */

#endif
