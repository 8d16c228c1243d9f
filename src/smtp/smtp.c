/* SPDX-License-Identifier: BSD-2-Clause */
/* The SMTP session: replies, states, what begins and ends with it. */
#include "smtp/smtp.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"
#include "policy/device_stage.h"
#include "policy/limits.h"
#include "policy/rights.h"
#include "policy/rights_stage.h"
#include "policy/tidy.h"
#include "smtp/authentication.h"
#include "smtp/dialogue.h"
#include "smtp/greeting.h"
#include "smtp/network_login.h"
#include "smtp/recipient_stage.h"
#include "smtp/service.h"
#include "smtp/transaction.h"

enum {
	TEXT_MAX_BYTES = 1024,
	CODE_CLOSING = 421,
	SWALLOW_EXTRA_BYTES = 1024 * 1024, /* beyond the largest message */
};

/* ---- replies --------------------------------------------------------------------------------- */

static void
send_reply(struct smtp *smtp, const struct smtp_reply *reply)
{
	struct buf *bytes = &smtp->service->reply;

	buf_clear(bytes);
	/* Of a text that is too long the code alone is left, for something is owed. */
	if (!smtp_reply_format(reply, bytes))
		smtp_reply_format(&(struct smtp_reply){ reply->code, reply->enhanced, "" }, bytes);
	session_send(smtp->session, buf_span(bytes));
}

void
smtp_reply(struct smtp *smtp, unsigned code, const char *enhanced, const char *text)
{
	const struct smtp_reply reply = { .code = code, .enhanced = enhanced, .text = text };

	if (code >= 500 && ++smtp->errors >= smtp->mail.listener->errors)
		session_bye(smtp->session, SESSION_END_ERRORS, NULL);
	else
		send_reply(smtp, &reply);
}

void
smtp_replyf(struct smtp *smtp, unsigned code, const char *enhanced, const char *format, ...)
{
	char text[TEXT_MAX_BYTES];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	smtp_reply(smtp, code, enhanced, text);
}

/* RFC 5321 3.8: whoever says 421 closes. */
static void
reply_of_policy(struct smtp *smtp, const struct smtp_reply *reply)
{
	smtp_reply(smtp, reply->code, reply->enhanced, reply->text);
	if (reply->code == CODE_CLOSING)
		session_bye(smtp->session, SESSION_END_POLICY, NULL);
}

struct smtp_reply
smtp_verdict_reply(const struct verdict *verdict)
{
	return (struct smtp_reply){ .code = verdict->code,
		.enhanced = verdict->enhanced,
		.text = verdict->lines ? verdict->lines : verdict->text };
}

void
smtp_reply_verdict(struct smtp *smtp, const struct verdict *verdict)
{
	const struct smtp_reply reply = smtp_verdict_reply(verdict);

	reply_of_policy(smtp, &reply);
}

/* Which code ends a session; 0 says nothing. */
static const struct bye_row {
	unsigned code;
	const char *enhanced;
} byes[SESSION_END_COUNT] = {
	[SESSION_END_QUIT] = { 221, "2.0.0" },
	[SESSION_END_EARLY] = { 554, "5.5.1" },
	[SESSION_END_IDLE] = { 421, "4.4.2" },
	[SESSION_END_SLOW] = { 421, "4.4.2" },
	[SESSION_END_LATE] = { 421, "4.4.2" },
	[SESSION_END_ERRORS] = { 421, "4.7.0" },
	[SESSION_END_LOGINS] = { 421, "4.7.0" },
	[SESSION_END_MESSAGES] = { 421, "4.7.0" },
	[SESSION_END_REVOKED] = { 421, "4.7.0" },
	[SESSION_END_KICKED] = { 421, "4.7.0" },
	[SESSION_END_STOPPING] = { 421, "4.3.2" },
};

static void
on_bye(enum session_end why, const char *text, void *context)
{
	struct smtp *smtp = context;
	char line[TEXT_MAX_BYTES];
	struct smtp_reply reply = { .code = byes[why].code, .enhanced = byes[why].enhanced };

	if (reply.code == 0)
		return;
	snprintf(line, sizeof line, "%s %s", smtp->mail.settings->hostname, text);
	reply.text = line;
	send_reply(smtp, &reply);
}

static bool
refuse(enum gate_answer why, const char *hostname, struct buf *out)
{
	bool is_theirs = why == GATE_ADDRESS || why == GATE_FAILURES;

	/* Coming again would not help. */
	if (why == GATE_NETWORK)
		return smtp_reply_printf(
			out, 554, "5.7.1", "%s %s", hostname, gate_answer_text(why));
	return smtp_reply_printf(
		out, 421, is_theirs ? "4.7.0" : "4.3.2", "%s %s", hostname, gate_answer_text(why));
}

/* ---- states ---------------------------------------------------------------------------------- */

static const char *const state_names[SMTP_STATE_COUNT] = { [SMTP_STATE_NEW] = "new",
	[SMTP_STATE_READY] = "ready",
	[SMTP_STATE_SENDER] = "sender",
	[SMTP_STATE_RECIPIENTS] = "recipients",
	[SMTP_STATE_CONTENT] = "content",
	[SMTP_STATE_CHUNKS] = "chunks",
	[SMTP_STATE_ENDING] = "ending" };

void
smtp_enter(struct smtp *smtp, enum smtp_state state)
{
	if (state != smtp->state)
		log_event(EV_SMTP_STATE, kv_str("sid", smtp->mail.id),
			kv_str("from", state_names[smtp->state]), kv_str("to", state_names[state]));
	smtp->state = state;
}

void
smtp_wait(struct smtp *smtp)
{
	session_expect(smtp->session, SESSION_WAITING);
}

void
smtp_go_on(struct smtp *smtp)
{
	if (session_phase(smtp->session) == SESSION_WAITING ||
		session_phase(smtp->session) == SESSION_CONTENT)
		session_expect(smtp->session, SESSION_COMMAND);
}

void
smtp_swallow(struct smtp *smtp, uint64_t size, const struct smtp_reply *reply)
{
	if (size == 0 || size > smtp->mail.listener->message_size + SWALLOW_EXTRA_BYTES) {
		reply_of_policy(smtp, reply);
		if (size)
			session_bye(smtp->session, SESSION_END_POSITION, NULL);
		smtp_go_on(smtp);
		return;
	}
	smtp->swallow = size;
	smtp->swallow_code = reply->code;
	snprintf(smtp->swallow_enhanced, sizeof smtp->swallow_enhanced, "%s", reply->enhanced);
	mem_free(&smtp->swallow_text);
	smtp->swallow_text = mem_strdup(reply->text);
	session_expect(smtp->session, SESSION_CONTENT);
}

static size_t
on_content(struct span bytes, void *context)
{
	struct smtp *smtp = context;
	struct smtp_reply reply;
	size_t taken;

	if (smtp->swallow == 0)
		return transaction_content(smtp, bytes);
	taken = bytes.length < smtp->swallow ? bytes.length : (size_t)smtp->swallow;
	smtp->swallow -= taken;
	if (smtp->swallow == 0) {
		reply = (struct smtp_reply){ smtp->swallow_code, smtp->swallow_enhanced,
			smtp->swallow_text };
		reply_of_policy(smtp, &reply);
		smtp_go_on(smtp);
	}
	return taken;
}

uint64_t
smtp_size_limit(const struct smtp *smtp)
{
	uint64_t limit = limits_of(&smtp->mail)->message_size;

	if (rights_of(&smtp->mail) & RIGHT_BYPASS_SIZE)
		return 0;
	return limit && limit < smtp->mail.listener->message_size
		       ? limit
		       : smtp->mail.listener->message_size;
}

/* ---- the session ----------------------------------------------------------------------------- */

static void
set_tls(struct smtp *smtp)
{
	const struct tls_session *tls = session_tls(smtp->session);
	struct certificate_names certificates;

	smtp->mail.tls_version = tls ? tls_session_version(tls) : "";
	smtp->mail.tls_cipher = tls ? tls_session_cipher(tls) : "";
	smtp->mail.tls_group = tls ? tls_session_group(tls) : "";
	smtp->mail.tls_bits = tls ? tls_session_bits(tls) : 0;
	smtp->mail.tls_name = tls ? tls_session_name(tls) : "";
	smtp->mail.certificate_subject = tls ? tls_session_subject(tls) : "";
	smtp->mail.certificate_issuer = tls ? tls_session_issuer(tls) : "";
	certificates = session_certificates(smtp->session);
	smtp->mail.certificates =
		(struct settings_texts){ certificates.items, certificates.count };
}

/* Who asks others comes behind those who need not; filters see what is sent, so they are the last. */
static void
open_chain(struct smtp *smtp)
{
	static const struct stage_type *const own[] = { &device_stage_type, &rights_stage_type,
		&limits_stage_type, &recipient_stage_type, &tidy_stage_type };
	enum { OWN = sizeof own / sizeof *own };
	struct chain_link links[OWN + FILTERS_MAX];
	struct milter filters[FILTERS_MAX];
	size_t count = filters_of(smtp->service->filters, &smtp->mail, filters);

	for (size_t i = 0; i < OWN; i++)
		links[i] = (struct chain_link){ own[i],
			own[i] == &recipient_stage_type ? smtp->service : NULL };
	for (size_t i = 0; i < count; i++)
		links[OWN + i] = (struct chain_link){ &milter_stage_type, &filters[i] };
	smtp->chain = chain_new(&smtp->mail, links, OWN + count);
}

static void *
open_session(struct session *session)
{
	struct smtp *smtp = mem_alloc(sizeof *smtp);
	const struct sock_address *client = session_client(session);

	smtp->session = session;
	smtp->service = session_front(session)->service;
	smtp->mail = (struct mail_session){ .settings = session_setup(session)->settings,
		.listener = session_listener(session)->settings,
		.id = session_id(session),
		.helo = "",
		.client_address = session_client_host(session),
		.client_port = sock_address_port(client),
		.local_address = session_server_host(session),
		.local_port = session_server_port(session) };
	network_address_of(&client->of.any, smtp->mail.client_network);
	set_tls(smtp);
	open_chain(smtp);
	return smtp;
}

static void
close_session(void *context)
{
	struct smtp *smtp = context;

	transaction_end(smtp);
	chain_free(&smtp->chain);
	authentication_fini(smtp);
	network_login_fini(smtp);
	mem_free(&smtp->helo);
	mem_free(&smtp->swallow_text);
	mem_free(&smtp);
}

static void
on_ready(void *context)
{
	struct smtp *smtp = context;

	set_tls(smtp);
	greeting_banner(smtp);
}

/* RFC 3207 4.2: nothing the client said before counts. */
static void
on_secure(void *context)
{
	struct smtp *smtp = context;

	transaction_end(smtp);
	mem_free(&smtp->helo);
	smtp->mail.helo = "";
	smtp->mail.esmtp = false;
	smtp->offers = 0;
	smtp_enter(smtp, SMTP_STATE_NEW);
	set_tls(smtp);
}

const struct session_protocol smtp_protocol = {
	.name = "smtp",
	.open = open_session,
	.close = close_session,
	.on_ready = on_ready,
	.on_secure = on_secure,
	.on_line = dialogue_on_line,
	.on_long_line = dialogue_on_long_line,
	.on_content = on_content,
	.on_bye = on_bye,
	.on_identity = authentication_on_identity,
	.on_challenge = authentication_on_challenge,
	.on_login = authentication_on_login,
	.secret_from = dialogue_secret_from,
	.is_foreign = smtp_command_is_foreign,
	.refuse = refuse,
};
