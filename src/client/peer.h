/* SPDX-License-Identifier: BSD-2-Clause */
/* The channel to a role that may die and come back: at any time there is one, or none. */
#ifndef CLIENT_PEER_H
#define CLIENT_PEER_H

#include "ipc/channel.h"

/* In its owner's storage. */
struct peer {
	struct loop *loop;
	enum role self;
	enum role role;
	struct channel *channel;  /* NULL: it is away */
	struct channel *replaced; /* closes at the end of this turn */
	struct channel_events events;
	void *context;
};

/* The events' on_message and on_room get the context; on_closed is peer.c's own. */
void peer_init(struct peer *peer, struct loop *loop, enum role self, enum role role,
	const struct channel_events *events, void *context);
void peer_fini(struct peer *peer);
/* It is (again) there; takes fd. What was asked of the one before is answered by NULL. */
void peer_set(struct peer *peer, int fd);
/* NULL while it is away. */
struct channel *peer_channel(const struct peer *peer);

#endif
