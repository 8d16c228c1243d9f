/* SPDX-License-Identifier: BSD-2-Clause */
/* The fake of auth: it answers as the test has set it. */
#include "smtp_rig_parts.h"

#include "client/auth_link.h"
#include "io/sock.h"
#include "ipc/message_login.h"

#include <stdio.h>

static void
pack_identity(struct rig *rig, struct buf *to, const char *login)
{
	static const char *const alice[] = { "alice@example.org", "ali@example.org" };
	static const char *const bob[] = { "bob@example.org" };
	bool is_alice = strcmp(login, "alice") == 0;
	struct identity identity = { .login = login,
		.mechanism = "PLAIN",
		.addresses = { is_alice ? alice : bob, is_alice ? 2 : 1 },
		.limits = "",
		.protocols = IDENTITY_SMTP,
		.epoch = is_alice ? rig->epoch : 1 };

	identity_pack(to, &identity);
}

static void
answer_done(struct rig *rig, uint32_t request, const char *login)
{
	struct buf identity = BUF_INIT(0);
	struct buf content = BUF_INIT(0);
	struct message_login_done done = { .grant = SPAN_LITERAL("granted") };

	pack_identity(rig, &identity, login);
	done.identity = buf_span(&identity);
	message_login_done_pack(&content, &done);
	channel_answer(rig->auth, request, MSG_LOGIN_DONE, &content, -1);
	buf_fini(&identity);
	buf_fini(&content);
}

static void
answer_failed(struct rig *rig, uint32_t request, enum login_failure failure)
{
	struct buf content = BUF_INIT(0);
	struct message_login_failed failed = { .failure = failure,
		.delay_ms = rig->login_delay_ms,
		.login = "alice",
		.text = failure == LOGIN_LIMIT ? "Too many sessions of this login" : "wrong" };

	message_login_failed_pack(&content, &failed);
	channel_answer(rig->auth, request, MSG_LOGIN_FAILED, &content, -1);
	buf_fini(&content);
}

static void
answer_challenge(struct rig *rig, uint32_t request, struct span bytes)
{
	struct buf content = BUF_INIT(0);
	struct message_login_challenge challenge = { .challenge = bytes };

	message_login_challenge_pack(&content, &challenge);
	channel_answer(rig->auth, request, MSG_LOGIN_CHALLENGE, &content, -1);
	buf_fini(&content);
}

static void
check_plain(struct rig *rig, uint32_t request, struct span message)
{
	if (span_equal(message, span_of("\0alice\0alicepw", 14)))
		answer_done(rig, request, "alice");
	else if (span_equal(message, span_of("\0bob\0bobpw", 10)))
		answer_done(rig, request, "bob");
	else if (span_equal(message, span_of("\0limit\0x", 8)))
		answer_failed(rig, request, LOGIN_LIMIT);
	else
		answer_failed(rig, request, LOGIN_BAD_CREDENTIALS);
}

static bool
on_login_start(struct rig *rig, struct channel_message *message, struct arena *arena)
{
	struct message_login_start start;

	assert_true(message_login_start_unpack(message->bytes, arena, &start));
	rig->logins++;
	snprintf(rig->last_session, sizeof rig->last_session, "%s", start.session);
	snprintf(rig->last_mechanism, sizeof rig->last_mechanism, "%s", start.mechanism);
	rig->last_tls = start.tls;
	rig->last_exporter = start.bind_exporter.length;
	if (rig->auth_mode == RIG_AUTH_SILENT)
		return true;
	if (rig->auth_mode == RIG_AUTH_GARBAGE) {
		channel_answer(rig->auth, message->request, MSG_LOGIN_DONE, NULL, -1);
	} else if (rig->auth_mode == RIG_AUTH_DOWN) {
		answer_failed(rig, message->request, LOGIN_TEMPORARY);
	} else if (strcmp(start.mechanism, "PLAIN") == 0 || strcmp(start.mechanism, "LOGIN") == 0) {
		check_plain(rig, message->request, start.initial);
	} else {
		rig->scram_request = message->request;
		answer_challenge(rig, message->request,
			start.has_initial ? SPAN_LITERAL("two") : SPAN_EMPTY);
	}
	return true;
}

/* A mechanism of three messages, the last of which tells who it is. */
static bool
on_login_step(struct rig *rig, struct span bytes, struct arena *arena)
{
	struct message_login_step step;

	assert_true(message_login_step_unpack(bytes, arena, &step));
	assert_int_equal(step.exchange, rig->scram_request);
	if (span_is(step.response, "one"))
		answer_challenge(rig, step.exchange, SPAN_LITERAL("two"));
	else if (span_is(step.response, "alice"))
		answer_done(rig, step.exchange, "alice");
	else
		answer_failed(rig, step.exchange, LOGIN_BAD_CREDENTIALS);
	return true;
}

static void
on_charge(struct rig *rig, const struct channel_message *message, struct arena *arena)
{
	struct buf content = BUF_INIT(0);
	struct message_charge charge;
	struct message_charged charged = { .verdict = rig->charge,
		.text = "messages-per-hour of limits \"default\"",
		.over_since_ms = rig->over_since_ms };

	assert_true(message_charge_unpack(message->bytes, arena, &charge));
	rig->marks = charge.marks.length;
	rig->charges++;
	rig->last_charge = message->request;
	message_charged_pack(&content, &charged);
	channel_answer(rig->auth, message->request, MSG_CHARGED, &content, -1);
	buf_fini(&content);
}

static void
on_refund(struct rig *rig, const struct channel_message *message, struct arena *arena)
{
	struct message_refund refund;

	assert_true(message_refund_unpack(message->bytes, arena, &refund));
	assert_int_equal(refund.charge, rig->last_charge);
	rig->refunds++;
}

static void
on_identity_get(struct rig *rig, const struct channel_message *message, struct arena *arena)
{
	struct message_session session;

	assert_true(message_session_unpack(message->bytes, arena, &session));
	assert_true(span_is(session.grant, "granted"));
	if (rig->forget_alice)
		answer_failed(rig, message->request, LOGIN_BAD_CREDENTIALS);
	else
		answer_done(rig, message->request, session.login);
}

void
rig_tell_recipient(struct rig *rig, struct channel *channel, const struct channel_message *message,
	struct arena *arena)
{
	const struct message_recipient_told told = { rig->finding,
		rig->finding_code ? rig->finding_code : "", "as the test says" };
	struct message_recipient_ask asked;
	struct buf content = BUF_INIT(0);

	assert_true(message_recipient_ask_unpack(message->bytes, arena, &asked));
	snprintf(rig->asked_path, sizeof rig->asked_path, "%s", asked.path);
	if (rig->finding_silent)
		return;
	message_recipient_told_pack(&content, &told);
	channel_answer(channel, message->request, MSG_RECIPIENT_TOLD, &content, -1);
	buf_fini(&content);
}

static bool
on_auth_message(void *context, struct channel_message *message)
{
	struct rig *rig = context;
	struct arena *arena = arena_new(0);
	struct message_session session;

	if (message->id == MSG_LOGIN_START)
		on_login_start(rig, message, arena);
	else if (message->id == MSG_LOGIN_STEP)
		on_login_step(rig, message->bytes, arena);
	else if (message->id == MSG_LOGIN_CANCEL)
		rig->cancels++;
	else if (message->id == MSG_SESSION_END)
		rig->ends++;
	else if (message->id == MSG_SESSIONS_ANNOUNCED)
		rig->announcements_done++;
	else if (message->id == MSG_CHARGE)
		on_charge(rig, message, arena);
	else if (message->id == MSG_REFUND)
		on_refund(rig, message, arena);
	else if (message->id == MSG_RECIPIENT_ASK && ++rig->asked_auth)
		rig_tell_recipient(rig, rig->auth, message, arena);
	else if (message->id == MSG_IDENTITY_GET)
		on_identity_get(rig, message, arena);
	else if (message->id == MSG_SESSION_ANNOUNCE)
		rig->announced += message_session_unpack(message->bytes, arena, &session) &&
				  strcmp(session.login, "alice") == 0;
	else
		fail_msg("auth got %s", message_rule(message->id)->name);
	arena_free(&arena);
	return true;
}

static void
on_auth_closed(void *context, const struct fault *why)
{
	struct rig *rig = context;

	(void)why;
	channel_free(&rig->auth);
}

void
rig_link_auth(struct rig *rig)
{
	static const struct channel_events events = { .on_message = on_auth_message,
		.on_closed = on_auth_closed };
	int fds[2];

	assert_true(sock_pair(fds, NULL));
	channel_free(&rig->auth);
	rig->auth = channel_new(rig->loop, fds[0], ROLE_AUTH, ROLE_SMTP, &events, rig);
	auth_link_set(rig->service.front->auth, fds[1]);
}

void
rig_kill_auth(struct rig *rig)
{
	channel_free(&rig->auth);
}

void
rig_revoke(struct rig *rig, const char *login, uint64_t epoch)
{
	struct message_revoke revoke = { .login = login, .epoch = epoch };
	struct buf content = BUF_INIT(0);

	message_revoke_pack(&content, &revoke);
	channel_send(rig->auth, MSG_REVOKE, &content, -1);
	buf_fini(&content);
	rig_turns(rig, 4);
}

void
rig_kick(struct rig *rig, const char *text)
{
	struct message_session_kick kick = { .session = rig->last_session, .text = text };
	struct buf content = BUF_INIT(0);

	message_session_kick_pack(&content, &kick);
	channel_send(rig->auth, MSG_SESSION_KICK, &content, -1);
	buf_fini(&content);
	rig_turns(rig, 4);
}
