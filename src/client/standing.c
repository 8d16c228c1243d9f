/* SPDX-License-Identifier: BSD-2-Clause */
/* Who a session is logged in as. */
#include "client/standing.h"

#include "base/clock.h"
#include "base/log.h"
#include "client/auth_link.h"
#include "client/session_private.h"

enum { REFETCH_WAIT_MS = 30 * 1000 };

void
standing_init(struct standing *standing, struct session *session)
{
	standing->session = session;
}

void
standing_fini(struct standing *standing)
{
	struct message_session_end end = { .session = standing->session->id,
		.login = standing->name };
	struct channel *auth = auth_link_channel(standing->session->front->auth);
	struct buf content = BUF_INIT(0);

	auth_link_forget(standing->session->front->auth, standing->refetch);
	standing->refetch = 0;
	if (auth && standing->name) {
		message_session_end_pack(&content, &end);
		channel_send(auth, MSG_SESSION_END, &content, -1);
		buf_fini(&content);
	}
	mem_free(&standing->name);
	mem_free(&standing->credential);
	secret_free(&standing->grant);
}

bool
standing_take(struct standing *standing, const struct message_login_done *done)
{
	struct session *session = standing->session;
	struct session_identity who;

	if (!session->protocol->on_identity(done->identity, &who, session->context))
		return false;
	if (!standing->name)
		standing->since_ms = clock_wall_ms();
	mem_free(&standing->name);
	mem_free(&standing->credential);
	standing->name = mem_strdup(who.login);
	standing->credential = mem_strdup(who.credential);
	standing->epoch = who.epoch;
	secret_free(&standing->grant);
	standing->grant = secret_new(done->grant);
	standing->fetched_ms = loop_now_ms(session->front->loop);
	return true;
}

static void
pack_session(struct buf *content, const struct standing *standing)
{
	const struct session *session = standing->session;
	struct message_session message = { .session = session->id,
		.login = standing->name,
		.listener = session->listener->settings->title,
		.protocol = session->protocol->name,
		.client_address = session->client_host,
		.epoch = standing->epoch,
		.since_ms = standing->since_ms,
		.grant = secret_span(standing->grant) };

	message_session_pack(content, &message);
}

void
standing_announce(const struct standing *standing, struct channel *auth)
{
	struct buf content = BUF_INIT(0);

	pack_session(&content, standing);
	channel_send(auth, MSG_SESSION_ANNOUNCE, &content, -1);
	buf_fini(&content);
}

static void
on_renewed(struct standing *standing, struct span bytes)
{
	struct arena *arena = arena_new(0);
	struct message_login_done done;

	if (!message_login_done_unpack(bytes, arena, &done) || !standing_take(standing, &done))
		channel_drop(
			auth_link_channel(standing->session->front->auth), "malformed identity");
	arena_free(&arena);
}

static void
on_refused(struct standing *standing, struct span bytes)
{
	struct session *session = standing->session;
	struct arena *arena = arena_new(0);
	struct message_login_failed failed;

	/* A back end that is away takes nothing from anybody; the next sweep asks again. */
	if (message_login_failed_unpack(bytes, arena, &failed) &&
		failed.failure != LOGIN_TEMPORARY) {
		log_event(EV_CLIENT_REVOKED, kv_str("sid", session->id),
			kv_str("login", standing->name), kv_str("reason", failed.text));
		session_leave(session, SESSION_END_REVOKED, NULL);
	}
	arena_free(&arena);
}

static bool
on_answer(void *context, struct channel_message *answer)
{
	struct standing *standing = context;

	standing->refetch = 0;
	if (answer && answer->id == MSG_LOGIN_DONE)
		on_renewed(standing, answer->bytes);
	else if (answer && answer->id == MSG_LOGIN_FAILED)
		on_refused(standing, answer->bytes);
	if (answer && standing->refetch_again) {
		standing->refetch_again = false;
		standing_refetch(standing, auth_link_channel(standing->session->front->auth));
	}
	return true;
}

void
standing_refetch(struct standing *standing, struct channel *auth)
{
	struct buf content = BUF_INIT(0);

	standing->refetch_again = standing->refetch;
	if (standing->refetch || !auth)
		return;
	pack_session(&content, standing);
	standing->refetch = channel_ask(
		auth, MSG_IDENTITY_GET, &content, -1, REFETCH_WAIT_MS, on_answer, standing);
	buf_fini(&content);
}
