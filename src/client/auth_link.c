/* SPDX-License-Identifier: BSD-2-Clause */
/* The channel to auth as all sessions of a front end use it. */
#include "client/auth_link.h"

#include <string.h>

#include "base/log.h"
#include "client/peer.h"
#include "client/session_private.h"

struct auth_link {
	struct front *front;
	struct peer peer;
	struct loop_timer sweep;
};

static bool on_message(void *context, struct channel_message *message);

static const struct channel_events events = { .on_message = on_message };

/* Identities that have got old are asked for anew. */
static void
on_sweep(void *context)
{
	struct auth_link *link = context;
	struct channel *channel = auth_link_channel(link);
	uint64_t now = loop_now_ms(link->front->loop);

	loop_timer_start(&link->sweep, AUTH_LINK_SWEEP_MS);
	for (struct session *session = link->front->sessions; session && channel;
		session = session_next(session)) {
		struct standing *standing = session_standing(session);

		if (standing->name && now - standing->fetched_ms >= AUTH_LINK_RENEW_MS)
			standing_refetch(standing, channel);
	}
}

struct auth_link *
auth_link_new(struct front *front)
{
	struct auth_link *link = mem_alloc(sizeof *link);

	link->front = front;
	peer_init(&link->peer, front->loop, front->role, ROLE_AUTH, &events, link);
	loop_timer_init(&link->sweep, front->loop, on_sweep, link);
	loop_timer_start(&link->sweep, AUTH_LINK_SWEEP_MS);
	return link;
}

void
auth_link_free(struct auth_link **link)
{
	if (!*link)
		return;
	loop_timer_stop(&(*link)->sweep);
	peer_fini(&(*link)->peer);
	mem_free(link);
}

struct channel *
auth_link_channel(const struct auth_link *link)
{
	return peer_channel(&link->peer);
}

void
auth_link_forget(struct auth_link *link, uint32_t request)
{
	peer_forget(&link->peer, request);
}

void
auth_link_set(struct auth_link *link, int fd)
{
	struct channel *channel;

	peer_set(&link->peer, fd);
	channel = auth_link_channel(link);
	for (struct session *session = link->front->sessions; session;
		session = session_next(session))
		if (session_standing(session)->name)
			standing_announce(session_standing(session), channel);
	channel_send(channel, MSG_SESSIONS_ANNOUNCED, NULL, -1);
}

static bool
kick(struct front *front, struct span bytes, struct arena *arena)
{
	struct message_session_kick kick;

	if (!message_session_kick_unpack(bytes, arena, &kick))
		return false;
	for (struct session *session = front->sessions; session; session = session_next(session)) {
		if (strcmp(session_id(session), kick.session) == 0) {
			session_leave(session, SESSION_END_KICKED, kick.text);
			break;
		}
	}
	return true;
}

static bool
revoke(struct front *front, struct span bytes, struct arena *arena)
{
	struct message_revoke revoke;

	if (!message_revoke_unpack(bytes, arena, &revoke))
		return false;
	for (struct session *session = front->sessions; session; session = session_next(session)) {
		struct standing *standing = session_standing(session);

		if (!standing->name || strcmp(standing->name, revoke.login) != 0)
			continue;
		if (revoke.epoch == 0) {
			standing_refetch(standing, auth_link_channel(front->auth));
		} else if (standing->epoch < revoke.epoch) {
			log_event(EV_CLIENT_REVOKED, kv_str("sid", session_id(session)),
				kv_str("login", standing->name));
			session_leave(session, SESSION_END_REVOKED, NULL);
		}
	}
	return true;
}

static bool
on_message(void *context, struct channel_message *message)
{
	struct auth_link *link = context;
	struct arena *arena = arena_new(0);
	bool good = false;

	if (message->id == MSG_SESSION_KICK)
		good = kick(link->front, message->bytes, arena);
	else if (message->id == MSG_REVOKE)
		good = revoke(link->front, message->bytes, arena);
	arena_free(&arena);
	return good;
}
