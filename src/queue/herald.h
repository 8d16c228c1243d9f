/* SPDX-License-Identifier: BSD-2-Clause */
/* Tells the owner of a login and the postmaster, once each, that the login's mail is held. */
#ifndef QUEUE_HERALD_H
#define QUEUE_HERALD_H

#include "queue/spool.h"

struct settings;
struct herald;

struct herald_means {
	struct spool *spool;
	int64_t (*now)(void *context);                            /* the queue's time */
	void (*on_message)(void *context, struct parcel *parcel); /* a notice is in */
	void *context;
};

/* One message that was queued, held because its login has met its budget. */
struct herald_news {
	const struct settings *settings;
	const struct parcel *parcel;
	const char *owner;      /* the primary address; "" for none */
	const char *reason;
	uint64_t since_ms;      /* as auth said: the same for all that is held for one reason */
};

struct herald *herald_new(const struct herald_means *means);
/* Not before the spool is closed. */
void herald_free(struct herald **herald);
/*
 * Says it once for each login and time, over restarts too: the spool knows the ids of its notices.
 * What could not be queued is said with the next message that is held.
 */
void herald_tell(struct herald *herald, const struct herald_news *news);
size_t herald_busy(const struct herald *herald); /* notices under way to the spool */

#endif
