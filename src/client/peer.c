/* SPDX-License-Identifier: BSD-2-Clause */
/* The channel to a role that may die and come back. */
#include "client/peer.h"

#include "base/log.h"

static bool
on_message(void *context, struct channel_message *message)
{
	struct peer *peer = context;

	return peer->events.on_message(peer->context, message);
}

static void
on_room(void *context)
{
	struct peer *peer = context;

	if (peer->events.on_room)
		peer->events.on_room(peer->context);
}

static void
on_closed(void *context, const struct fault *why)
{
	struct peer *peer = context;

	log_event(EV_CHANNEL_CLOSED, kv_str("peer", role_name(peer->role)), kv_fault(why));
	channel_free(&peer->channel);
}

static const struct channel_events own_events = {
	.on_message = on_message, .on_closed = on_closed, .on_room = on_room
};

void
peer_init(struct peer *peer, struct loop *loop, enum role self, enum role role,
	const struct channel_events *events, void *context)
{
	*peer = (struct peer){
		.loop = loop, .self = self, .role = role, .events = *events, .context = context
	};
}

void
peer_fini(struct peer *peer)
{
	channel_hang_up(&peer->channel);
}

void
peer_set(struct peer *peer, int fd)
{
	channel_hang_up(&peer->channel);
	peer->channel = channel_new(peer->loop, fd, peer->self, peer->role, &own_events, peer);
}

struct channel *
peer_channel(const struct peer *peer)
{
	return peer->channel && channel_is_open(peer->channel) ? peer->channel : NULL;
}

void
peer_forget(struct peer *peer, uint32_t request)
{
	if (peer->channel && request)
		channel_forget(peer->channel, request);
}
