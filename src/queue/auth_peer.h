/* SPDX-License-Identifier: BSD-2-Clause */
/* The channel to auth: what was withdrawn comes in, what the administrator has seen to goes out. */
#ifndef QUEUE_AUTH_PEER_H
#define QUEUE_AUTH_PEER_H

#include "ipc/channel.h"
#include "queue/revoked.h"

struct auth_peer;

struct auth_peer_events {
	void (*on_known)(void *context); /* all that was withdrawn before has been told */
	void (*on_lost)(void *context);  /* the channel closed by itself */
};

/* revoked outlives it, and is filled by what auth says. */
struct auth_peer *auth_peer_new(struct loop *loop, struct revoked *revoked,
	const struct auth_peer_events *events, void *context);
void auth_peer_free(struct auth_peer **peer);
/* auth is (again) there: takes fd. -1: it is away. */
void auth_peer_set(struct auth_peer *peer, int fd);
/* Held mail of this login was released or deleted as a whole; any case of its letters. */
void auth_peer_tell_seen(struct auth_peer *peer, const char *login);

#endif
