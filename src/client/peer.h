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
	struct channel *channel; /* NULL: it is away */
	struct channel_events events;
	void *context;
};

/* The events' on_message and on_room get the context; on_closed is peer.c's own. */
void peer_init(struct peer *peer, struct loop *loop, enum role self, enum role role,
	const struct channel_events *events, void *context);
/* What is still asked is answered by NULL. */
void peer_fini(struct peer *peer);
/* It is (again) there; takes fd. What was asked of the one before is answered by NULL, now. */
void peer_set(struct peer *peer, int fd);
/* NULL while it is away. */
struct channel *peer_channel(const struct peer *peer);
/*
 * Nobody waits for this answer any more. Whoever asked must say so before it is gone: a channel that
 * has broken still owes its answers until the end of the turn, when it shows as away already.
 */
void peer_forget(struct peer *peer, uint32_t request);

#endif
