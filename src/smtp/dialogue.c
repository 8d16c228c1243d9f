/* SPDX-License-Identifier: BSD-2-Clause */
/* The commands of SMTP, one row each: who may say what, when. */
#include "smtp/dialogue.h"

#include "base/log.h"
#include "policy/rights.h"
#include "smtp/authentication.h"
#include "smtp/greeting.h"
#include "smtp/network_login.h"
#include "smtp/transaction.h"
#include "wire/octet.h"
#include "wire/smtp_lenient.h"

enum {
	WORD_MAX_BYTES = 10, /* no verb is longer; what is may be a stray credential */
	TOLD_MAX_BYTES = 512, /* of a line that filters hear */
	CODE_UNOFFERED = 502, /* another: there is something wrong with the line itself */
};

/* ---- commands -------------------------------------------------------------------------------- */

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
	smtp_reply(
		smtp, 252, "2.5.2", "Cannot verify, but will accept messages and try to deliver");
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
	NEEDS_TLS = 1,	 /* where the listener demands it: RFC 3207 4 */
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
	static const struct smtp_reply tls = { 530, "5.7.0",
		"Must issue a STARTTLS command first" };
	static const struct smtp_reply login = { 530, "5.7.0", "Authentication required" };
	bool secure = session_is_secure(smtp->session);
	struct offer offer;

	if (row->needs & NEEDS_TLS && smtp->mail.listener->require_tls && !secure) {
		*reply_out = tls;
		return false;
	}
	if (!(row->needs & NEEDS_LOGIN) || smtp->mail.identity || network_login_is_due(smtp) ||
		rights_of(&smtp->mail) & RIGHT_SUBMIT)
		return true;
	login_offer(session_login(smtp->session), &offer);
	/* Where nobody can log in, the policy says what is missing. */
	if (offer.count == 0 && !offer.after_tls)
		return true;
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

/* A client that may not submit at all: what the policy says of it. RCPT and DATA say nothing new. */
static void
log_stranger(const struct smtp *smtp, const struct smtp_reply *reply)
{
	struct verdict verdict = rights_check_sender(&smtp->mail, "");

	if (verdict.kind == VERDICT_REJECT)
		log_event(EV_SMTP_REFUSED, kv_str("sid", smtp->mail.id),
			kv_str("client", smtp->mail.client_address), kv_str("login", ""),
			kv_str("at", "mail"), kv_int("code", reply->code),
			kv_str("text", reply->text), kv_str("where", verdict.where));
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

/* Letters only, and no more than a verb has. */
static size_t
word_length(struct span line)
{
	size_t at = 0;

	while (at < line.length && octet_is_alpha(line.start[at]))
		at++;
	if (at > WORD_MAX_BYTES || (at < line.length && !octet_is_blank(line.start[at])))
		return 0;
	return at;
}

/*
 * What filters may hear of a command that is not known or not offered; empty: nothing. What stands
 * behind an unknown word may be a password, and with BURL (RFC 4468) a key to somebody's mail.
 */
static struct span
tellable(const struct smtp *smtp, struct span line, const struct smtp_command *command,
	const struct smtp_reply *reply)
{
	size_t word = word_length(line);

	if (smtp->state == SMTP_STATE_NEW)
		return SPAN_EMPTY;
	if (command->verb == SMTP_VERB_UNKNOWN)
		return span_first(line, smtp->after_auth ? 0 : word);
	if (command->verb != SMTP_VERB_UNOFFERED || reply->code != CODE_UNOFFERED)
		return SPAN_EMPTY;
	return span_first(line, span_is_nocase(command->word, "BURL") ? word : TOLD_MAX_BYTES);
}

static void
on_unknown_verdict(void *context, const struct verdict *verdict)
{
	struct smtp *smtp = context;

	if (verdict_is_refusal(verdict))
		smtp_reply_verdict(smtp, verdict);
	else
		smtp_reply(smtp, smtp->refusal.code, smtp->refusal.enhanced, smtp->refusal.text);
	smtp_go_on(smtp);
}

/* A command that cannot be read, or is nobody's. */
static void
refuse_line(struct smtp *smtp, struct span line, const struct smtp_command *command,
	const struct smtp_reply *reply)
{
	struct span told = tellable(smtp, line, command, reply);

	if (told.length == 0) {
		refuse_command(smtp, command, false, reply);
		return;
	}
	smtp->refusal = *reply;
	smtp_wait(smtp);
	chain_unknown(smtp->chain, told, on_unknown_verdict, smtp);
}

static void
run(struct smtp *smtp, struct span line)
{
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
	if (command.verb != SMTP_VERB_UNKNOWN)
		smtp->after_auth = command.verb == SMTP_VERB_AUTH;
	if (smtp->state == SMTP_STATE_NEW && !fits_state(smtp, row, &refusal))
		refuse_command(smtp, &command, parsed, &refusal);
	else if (!has_needs(smtp, row, &refusal)) {
		if (command.verb == SMTP_VERB_MAIL)
			log_stranger(smtp, &refusal);
		refuse_command(smtp, &command, parsed, &refusal);
	} else if (!parsed)
		refuse_line(smtp, line, &command, &reply);
	else if (!fits_state(smtp, row, &refusal))
		refuse_command(smtp, &command, parsed, &refusal);
	else if (command.verb == SMTP_VERB_MAIL && network_login_is_due(smtp))
		network_login_start(smtp, line);
	else
		row->run(smtp, &command);
}

void
dialogue_on_line(struct span line, void *context)
{
	struct smtp *smtp = context;
	const struct settings_listener *listener = smtp->mail.listener;
	struct buf strict = BUF_INIT(SMTP_COMMAND_MAX_BYTES);

	if (listener->lenient && smtp_lenient_rewrite(line, listener->qualify_domain, &strict))
		run(smtp, buf_span(&strict));
	else
		run(smtp, line);
	buf_fini(&strict);
}

void
dialogue_on_long_line(void *context)
{
	smtp_reply(context, 500, "5.5.2", "Line too long");
}

/*
 * AUTH with an initial response; and what can be no command, for somebody may have sent a password
 * where none was asked for.
 */
size_t
dialogue_secret_from(struct span line)
{
	size_t at = word_length(line);
	bool is_auth;

	if (at == 0)
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
