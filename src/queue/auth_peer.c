/* SPDX-License-Identifier: BSD-2-Clause */
/* The channel to auth: what was withdrawn comes in, what the administrator has seen to goes out. */
#include "queue/auth_peer.h"

#include "base/memory.h"
#include "ipc/message_login.h"

struct auth_peer {
	struct loop *loop;
	struct revoked *revoked;
	struct channel *channel; /* NULL: it is away */
	const struct auth_peer_events *events;
	void *context;
};

struct auth_peer *
auth_peer_new(struct loop *loop, struct revoked *revoked, const struct auth_peer_events *events,
	void *context)
{
	struct auth_peer *peer = mem_alloc(sizeof(*peer));
	*peer = (struct auth_peer){
		.loop = loop, .revoked = revoked, .events = events, .context = context };
	return peer;
}

void
auth_peer_free(struct auth_peer **peer)
{
	if (*peer)
		channel_free(&(*peer)->channel);
	mem_free(peer);
}

static bool
on_message(void *context, struct channel_message *message)
{
	struct auth_peer *peer = context;
	struct arena *arena = arena_new(0);
	struct message_revoke revoke;
	bool told = message->id == MSG_REVOKED_TOLD && message->bytes.length == 0;
	bool good = told || (message->id == MSG_REVOKE &&
				    message_revoke_unpack(message->bytes, arena, &revoke));
	if (told) {
		revoked_know(peer->revoked);
		peer->events->on_known(peer->context);
	} else if (good && revoke.credential) {
		revoked_add_credential(peer->revoked, revoke.credential);
	} else if (good) {
		revoked_add(peer->revoked, span_text(revoke.login), revoke.epoch);
	}
	arena_free(&arena);
	return good;
}

static void
on_closed(void *context, const struct fault *why)
{
	struct auth_peer *peer = context;
	(void)why;
	channel_free(&peer->channel);
	peer->events->on_lost(peer->context);
}

void
auth_peer_set(struct auth_peer *peer, int fd)
{
	static const struct channel_events events = { .on_message = on_message,
		.on_closed = on_closed };
	channel_free(&peer->channel);
	if (fd >= 0)
		peer->channel = channel_new(
			peer->loop, fd, ROLE_QUEUE, ROLE_AUTH, &events, peer);
}

void
auth_peer_tell_seen(struct auth_peer *peer, const char *login)
{
	struct buf lower = BUF_INIT(MESSAGE_NAME_MAX_BYTES + 1);
	struct buf content = BUF_INIT(0);
	for (; *login; login++)
		buf_add_byte(&lower, text_lower(*login));
	buf_add_byte(&lower, '\0');
	if (peer->channel && !lower.overflow) {
		struct message_held_seen seen = { .login = buf_span(&lower).start };
		message_held_seen_pack(&content, &seen);
		channel_send(peer->channel, MSG_HELD_SEEN, &content, -1);
	}
	buf_fini(&content);
	buf_fini(&lower);
}
