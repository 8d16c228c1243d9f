/* SPDX-License-Identifier: BSD-2-Clause */
/* The SMTP dialogue: the table of commands, and the replies that belong to no single one. */
#include "smtp/smtp.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "policy/limits.h"
#include "policy/rights.h"
#include "policy/rights_stage.h"
#include "policy/tidy.h"
#include "smtp/authentication.h"
#include "smtp/greeting.h"
#include "smtp/service.h"
#include "smtp/transaction.h"
#include "wire/octet.h"

enum {
	TEXT_MAX_BYTES = 1024,
	SWALLOW_EXTRA_BYTES = 1024 * 1024, /* beyond the largest message */
	WORD_MAX_BYTES = 10, /* no verb is longer; what is may be a stray credential */
};

static const struct chain_link chain_links[] = { { &rights_stage_type, NULL },
	{ &limits_stage_type, NULL },
	{ &tidy_stage_type, NULL } };

/* ---- replies ------------------------------------------------------------------------------------- */

static void
send_reply(struct smtp *smtp, const struct smtp_reply *reply)
{
	struct buf *bytes = &smtp->service->reply;

	buf_clear(bytes);
	smtp_reply_format(reply, bytes);
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

void
smtp_reply_verdict(struct smtp *smtp, const struct verdict *verdict)
{
	smtp_reply(smtp, verdict->code, verdict->enhanced, verdict->text);
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

	return smtp_reply_printf(out, 421, is_theirs ? "4.7.0" : "4.3.2", "%s %s", hostname,
		gate_answer_text(why));
}

/* ---- states -------------------------------------------------------------------------------------- */

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
			kv_str("from", state_names[smtp->state]),
			kv_str("to", state_names[state]));
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
		smtp_reply(smtp, reply->code, reply->enhanced, reply->text);
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
	size_t taken;

	if (smtp->swallow == 0)
		return transaction_content(smtp, bytes);
	taken = bytes.length < smtp->swallow ? bytes.length : (size_t)smtp->swallow;
	smtp->swallow -= taken;
	if (smtp->swallow == 0) {
		smtp_reply(smtp, smtp->swallow_code, smtp->swallow_enhanced, smtp->swallow_text);
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

/* ---- commands ------------------------------------------------------------------------------------ */

static void
on_hello(struct smtp *smtp, const struct smtp_command *command)
{
	greeting_hello(smtp, command->host, command->verb == SMTP_VERB_EHLO);
}

static void
on_mail(struct smtp *smtp, const struct smtp_command *command)
{
	transaction_mail(smtp, &command->mail);
}

static void
on_rcpt(struct smtp *smtp, const struct smtp_command *command)
{
	transaction_rcpt(smtp, &command->rcpt);
}

static void
on_data(struct smtp *smtp, const struct smtp_command *command)
{
	(void)command;
	transaction_data(smtp);
}

static void
on_bdat(struct smtp *smtp, const struct smtp_command *command)
{
	transaction_bdat(smtp, &command->bdat);
}

static void
on_rset(struct smtp *smtp, const struct smtp_command *command)
{
	(void)command;
	transaction_end(smtp);
	smtp_reply(smtp, 250, "2.0.0", "Ok");
}

static void
on_noop(struct smtp *smtp, const struct smtp_command *command)
{
	(void)command;
	smtp_reply(smtp, 250, "2.0.0", "Ok");
}

static void
on_quit(struct smtp *smtp, const struct smtp_command *command)
{
	(void)command;
	session_bye(smtp->session, SESSION_END_QUIT, NULL);
}

static void
on_help(struct smtp *smtp, const struct smtp_command *command)
{
	(void)command;
	greeting_help(smtp);
}

/* RFC 5321 3.5.3: whether there is such a user is nobody's business. */
static void
on_vrfy(struct smtp *smtp, const struct smtp_command *command)
{
	(void)command;
	smtp_reply(smtp, 252, "2.5.2", "Cannot verify, but will accept messages and try to deliver");
}

static void
on_starttls(struct smtp *smtp, const struct smtp_command *command)
{
	(void)command;
	if (session_is_secure(smtp->session)) {
		smtp_reply(smtp, 503, "5.5.1", "TLS is active already");
	} else if (!session_listener(smtp->session)->tls) {
		smtp_reply(smtp, 502, "5.5.1", "TLS is not offered here");
	} else if (smtp->mail.identity) {
		smtp_reply(smtp, 503, "5.5.1", "Not after a login");
	} else {
		smtp_reply(smtp, 220, "2.0.0", "Go ahead");
		session_start_tls(smtp->session);
	}
}

static void
on_auth(struct smtp *smtp, const struct smtp_command *command)
{
	authentication_start(smtp, &command->auth);
}

enum {
	NEEDS_TLS = 1,   /* where the listener demands it: RFC 3207 4 */
	NEEDS_LOGIN = 2, /* where nobody may submit without: RFC 4954 6 */
	IN_ANY = (1u << SMTP_STATE_COUNT) - 1,
	IN_NEW = 1u << SMTP_STATE_NEW,
	IN_READY = 1u << SMTP_STATE_READY,
	IN_SENDER = 1u << SMTP_STATE_SENDER,
	IN_RECIPIENTS = 1u << SMTP_STATE_RECIPIENTS,
	IN_CHUNKS = 1u << SMTP_STATE_CHUNKS,
};

static const struct row {
	void (*run)(struct smtp *smtp, const struct smtp_command *command);
	unsigned states;
	unsigned needs;
	const char *otherwise; /* in another state */
} rows[SMTP_VERB_COUNT] = {
	[SMTP_VERB_EHLO] = { on_hello, IN_ANY, 0, "" },
	[SMTP_VERB_HELO] = { on_hello, IN_ANY, NEEDS_TLS, "" },
	[SMTP_VERB_MAIL] = { on_mail, IN_READY, NEEDS_TLS | NEEDS_LOGIN,
		"EHLO first, and one MAIL at a time" },
	[SMTP_VERB_RCPT] = { on_rcpt, IN_SENDER | IN_RECIPIENTS, NEEDS_TLS | NEEDS_LOGIN,
		"MAIL first" },
	[SMTP_VERB_DATA] = { on_data, IN_SENDER | IN_RECIPIENTS, NEEDS_TLS | NEEDS_LOGIN,
		"MAIL and RCPT first, and no BDAT" },
	[SMTP_VERB_BDAT] = { on_bdat, IN_SENDER | IN_RECIPIENTS | IN_CHUNKS,
		NEEDS_TLS | NEEDS_LOGIN, "MAIL and RCPT first" },
	[SMTP_VERB_RSET] = { on_rset, IN_ANY, NEEDS_TLS, "" },
	[SMTP_VERB_NOOP] = { on_noop, IN_ANY, 0, "" },
	[SMTP_VERB_QUIT] = { on_quit, IN_ANY, 0, "" },
	[SMTP_VERB_HELP] = { on_help, IN_ANY, NEEDS_TLS, "" },
	[SMTP_VERB_VRFY] = { on_vrfy, IN_ANY, NEEDS_TLS | NEEDS_LOGIN, "" },
	[SMTP_VERB_STARTTLS] = { on_starttls, IN_NEW | IN_READY, 0, "Not in a transaction" },
	[SMTP_VERB_AUTH] = { on_auth, IN_READY, NEEDS_TLS, "EHLO first, and not in a transaction" },
	[SMTP_VERB_UNOFFERED] = { NULL, IN_ANY, NEEDS_TLS | NEEDS_LOGIN, "" },
	[SMTP_VERB_UNKNOWN] = { NULL, IN_ANY, 0, "" },
	[SMTP_VERB_FOREIGN] = { NULL, IN_ANY, 0, "" },
};

static bool
has_needs(struct smtp *smtp, const struct row *row, struct smtp_reply *reply_out)
{
	static const struct smtp_reply tls = { 530, "5.7.0", "Must issue a STARTTLS command first" };
	static const struct smtp_reply login = { 530, "5.7.0", "Authentication required" };
	bool secure = session_is_secure(smtp->session);
	struct offer offer;

	if (row->needs & NEEDS_TLS && smtp->mail.listener->require_tls && !secure) {
		*reply_out = tls;
		return false;
	}
	if (!(row->needs & NEEDS_LOGIN) || smtp->mail.identity ||
		rights_of(&smtp->mail) & RIGHT_SUBMIT)
		return true;
	login_offer(session_login(smtp->session), &offer);
	*reply_out = offer.after_tls ? tls : login;
	return false;
}

static bool
fits_state(struct smtp *smtp, const struct row *row, struct smtp_reply *reply_out)
{
	if (row->states & 1u << smtp->state)
		return true;
	*reply_out = (struct smtp_reply){ 503, "5.5.1", row->otherwise };
	return false;
}

/* Where the chunk of a refused BDAT ends is known only if its size could be read. */
static void
refuse_command(struct smtp *smtp, const struct smtp_command *command, bool parsed,
	const struct smtp_reply *reply)
{
	if (command->verb == SMTP_VERB_BDAT && parsed) {
		smtp_swallow(smtp, command->bdat.size, reply);
		return;
	}
	smtp->data_refused = command->verb == SMTP_VERB_DATA;
	if (command->verb == SMTP_VERB_RCPT && smtp->transaction)
		smtp->transaction->refused++;
	smtp_reply(smtp, reply->code, reply->enhanced, reply->text);
	if (command->verb == SMTP_VERB_BDAT)
		session_bye(smtp->session, SESSION_END_POSITION, NULL);
}

static void
on_line(struct span line, void *context)
{
	struct smtp *smtp = context;
	bool utf8 = smtp->transaction && smtp->transaction->mail->smtputf8;
	struct smtp_command command;
	struct smtp_reply reply;
	bool parsed = smtp_command_parse(line, smtp->offers, utf8, &command, &reply);
	const struct row *row = &rows[command.verb];
	struct smtp_reply refusal;

	if (command.verb == SMTP_VERB_FOREIGN) {
		session_abort(smtp->session, SESSION_END_FOREIGN);
		return;
	}
	/* The client did not wait for 354: this is the message, and not to be run. */
	if (command.verb == SMTP_VERB_UNKNOWN && smtp->data_refused) {
		smtp_reply(smtp, reply.code, reply.enhanced, reply.text);
		session_bye(smtp->session, SESSION_END_POSITION, NULL);
		return;
	}
	smtp->data_refused = false;
	if (smtp->state == SMTP_STATE_NEW && !fits_state(smtp, row, &refusal))
		refuse_command(smtp, &command, parsed, &refusal);
	else if (!has_needs(smtp, row, &refusal))
		refuse_command(smtp, &command, parsed, &refusal);
	else if (!parsed)
		refuse_command(smtp, &command, parsed, &reply);
	else if (!fits_state(smtp, row, &refusal))
		refuse_command(smtp, &command, parsed, &refusal);
	else
		row->run(smtp, &command);
}

static void
on_long_line(void *context)
{
	smtp_reply(context, 500, "5.5.2", "Line too long");
}

/* ---- the session --------------------------------------------------------------------------------- */

static void
set_tls(struct smtp *smtp)
{
	const struct tls_session *tls = session_tls(smtp->session);

	smtp->mail.tls_version = tls ? tls_session_version(tls) : "";
	smtp->mail.tls_cipher = tls ? tls_session_cipher(tls) : "";
	smtp->mail.tls_group = tls ? tls_session_group(tls) : "";
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
		.certificate = "" };
	network_address_of(&client->of.any, smtp->mail.client_network);
	set_tls(smtp);
	smtp->chain = chain_new(
		&smtp->mail, chain_links, sizeof chain_links / sizeof *chain_links);
	return smtp;
}

static void
close_session(void *context)
{
	struct smtp *smtp = context;

	transaction_end(smtp);
	chain_free(&smtp->chain);
	authentication_fini(smtp);
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

/*
 * AUTH with an initial response; and what can be no command, for somebody may have sent a password
 * where none was asked for.
 */
static size_t
secret_from(struct span line)
{
	size_t at = 0;
	bool is_auth;

	while (at < line.length && octet_is_alpha(line.start[at]))
		at++;
	if (at > WORD_MAX_BYTES || (at < line.length && !octet_is_blank(line.start[at])))
		return 0;
	is_auth = span_is_nocase(span_first(line, at), "AUTH");
	while (at < line.length && octet_is_blank(line.start[at]))
		at++;
	while (at < line.length && !octet_is_blank(line.start[at]))
		at++;
	while (at < line.length && octet_is_blank(line.start[at]))
		at++;
	return is_auth ? at : line.length;
}

const struct session_protocol smtp_protocol = {
	.name = "smtp",
	.open = open_session,
	.close = close_session,
	.on_ready = on_ready,
	.on_secure = on_secure,
	.on_line = on_line,
	.on_long_line = on_long_line,
	.on_content = on_content,
	.on_bye = on_bye,
	.on_identity = authentication_on_identity,
	.on_challenge = authentication_on_challenge,
	.on_login = authentication_on_login,
	.secret_from = secret_from,
	.is_foreign = smtp_command_is_foreign,
	.refuse = refuse,
};
