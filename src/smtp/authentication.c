/* SPDX-License-Identifier: BSD-2-Clause */
/* AUTH: words and codes around an exchange. */
#include "smtp/authentication.h"

#include "base/log.h"
#include "smtp/network_login.h"
#include "smtp/service.h"

/* RFC 4954 4 and 6. The text is the same whatever was wrong with name or password. */
static const struct smtp_reply replies[LOGIN_END_COUNT] = {
	[LOGIN_END_DONE] = { 235, "2.7.0", "Authentication successful" },
	[LOGIN_END_ABORTED] = { 501, "5.7.0", "Authentication aborted" },
	[LOGIN_END_BASE64] = { 501, "5.5.2", "Cannot read the authentication exchange" },
	[LOGIN_END_LONG] = { 500, "5.5.6", "Authentication exchange line is too long" },
	[LOGIN_END_CREDENTIALS] = { 535, "5.7.8", "Authentication credentials invalid" },
	[LOGIN_END_MECHANISM] = { 504, "5.5.4", "Authentication mechanism not offered" },
	[LOGIN_END_TEMPORARY] = { 454, "4.7.0", "Temporary authentication failure" },
	[LOGIN_END_WEAK] = { 534, "5.7.9", "Authentication mechanism is too weak" },
	[LOGIN_END_LIMIT] = { 454, "4.7.0", NULL },
	[LOGIN_END_REFUSED] = { 454, "4.7.0", "Temporary authentication failure" },
};

void
authentication_start(struct smtp *smtp, const struct smtp_auth *auth)
{
	struct offer offer;

	login_offer(session_login(smtp->session), &offer);
	if (smtp->mail.identity) {
		smtp_reply(smtp, 503, "5.5.1", "Already authenticated");
	} else if (!smtp->mail.esmtp && !smtp->mail.listener->lenient) {
		smtp_reply(smtp, 503, "5.5.1", "EHLO first");
	} else if (offer.after_tls || offer_is_after_tls(&offer, auth->mechanism)) {
		smtp_reply(smtp, 538, "5.7.11", "Encryption required: STARTTLS first");
	} else if (offer.count == 0) {
		smtp_reply(smtp, 502, "5.5.1", "Authentication is not offered here");
	} else {
		smtp_wait(smtp);
		login_start(session_login(smtp->session), auth->mechanism, auth->has_initial,
			auth->initial);
	}
}

void
authentication_on_challenge(struct span base64, void *context)
{
	struct smtp *smtp = context;
	struct buf *line = &smtp->service->reply;

	/* RFC 4954 4: one line, however long; and a blank even if nothing follows. */
	buf_clear(line);
	buf_add_text(line, "334 ");
	buf_add_span(line, base64);
	buf_add_text(line, "\r\n");
	session_send(smtp->session, buf_span(line));
}

/* ---- identities ------------------------------------------------------------------------------ */

bool
authentication_on_identity(struct span packed, struct session_identity *who_out, void *context)
{
	struct smtp *smtp = context;
	struct arena *arena = arena_new(0);
	struct identity *identity = arena_alloc(arena, sizeof *identity);

	if (!identity_unpack(packed, arena, identity)) {
		arena_free(&arena);
		return false;
	}
	arena_free(&smtp->who_next);
	smtp->who_next = arena;
	smtp->identity_next = identity;
	*who_out = (struct session_identity){
		.login = identity->login,
		.credential = identity->credential,
		.epoch = identity->epoch,
	};
	/* A renewal: in a transaction the policy still looks at the old one. */
	if (smtp->mail.identity && !smtp->transaction)
		authentication_renew(smtp);
	return true;
}

void
authentication_renew(struct smtp *smtp)
{
	if (!smtp->who_next)
		return;
	arena_free(&smtp->who);
	smtp->who = smtp->who_next;
	smtp->mail.identity = smtp->identity_next;
	smtp->who_next = NULL;
	smtp->identity_next = NULL;
}

void
authentication_fini(struct smtp *smtp)
{
	smtp->mail.identity = NULL;
	arena_free(&smtp->who);
	arena_free(&smtp->who_next);
}

/* ---- the end --------------------------------------------------------------------------------- */

static void
reply_end(struct smtp *smtp, enum login_end end, const char *text)
{
	const struct smtp_reply *reply = &replies[end];

	smtp_reply(smtp, reply->code, reply->enhanced, reply->text ? reply->text : text);
	smtp_go_on(smtp);
}

static void
on_auth_verdict(void *context, const struct verdict *verdict)
{
	struct smtp *smtp = context;

	if (verdict_is_refusal(verdict)) {
		log_event(EV_SMTP_REFUSED, kv_str("sid", smtp->mail.id), kv_str("at", "auth"),
			kv_int("code", verdict->code), kv_str("text", verdict->text),
			kv_str("where", verdict->where));
		session_leave(smtp->session, SESSION_END_REVOKED, verdict->text);
		smtp_reply_verdict(smtp, verdict);
		smtp_go_on(smtp);
		return;
	}
	reply_end(smtp, LOGIN_END_DONE, NULL);
}

void
authentication_on_login(enum login_end end, const char *text, void *context)
{
	struct smtp *smtp = context;

	if (end != LOGIN_END_DONE)
		arena_free(&smtp->who_next);
	if (network_login_is_waiting(smtp)) {
		network_login_on_end(smtp, end, text);
		return;
	}
	if (end != LOGIN_END_DONE) {
		smtp_wait(smtp);
		reply_end(smtp, end, text && text[0] ? text : replies[LOGIN_END_TEMPORARY].text);
		return;
	}
	authentication_renew(smtp);
	smtp_wait(smtp);
	chain_auth(smtp->chain, on_auth_verdict, smtp);
}
