/* SPDX-License-Identifier: BSD-2-Clause */
/* Banner, EHLO, HELO, help. */
#include "smtp/greeting.h"

#include "smtp/service.h"
#include "smtp/transaction.h"

enum { KEYWORDS_MAX_BYTES = 2048 };

/* RFC 5321 3.1: a session that is not wanted is told so by the code of its greeting. */
static void
on_connect_verdict(void *context, const struct verdict *verdict)
{
	struct smtp *smtp = context;
	const struct settings_listener *listener = smtp->mail.listener;

	if (verdict_is_refusal(verdict)) {
		smtp_reply(smtp, verdict->kind == VERDICT_REJECT ? 554 : 421, NULL, verdict->text);
		session_bye(smtp->session, SESSION_END_REFUSED, NULL);
		return;
	}
	smtp_replyf(smtp, 220, NULL, "%s %s", smtp->mail.settings->hostname,
		listener->banner[0] ? listener->banner : "ESMTP");
	smtp_go_on(smtp);
}

void
greeting_banner(struct smtp *smtp)
{
	smtp_wait(smtp);
	chain_connect(smtp->chain, on_connect_verdict, smtp);
}

/* ---- EHLO ------------------------------------------------------------------------------------ */

static void
add_auth(struct smtp *smtp, struct buf *text)
{
	struct offer offer;

	login_offer(session_login(smtp->session), &offer);
	if (offer.count == 0 || smtp->mail.identity)
		return;
	buf_add_text(text, "\nAUTH");
	for (size_t i = 0; i < offer.count; i++)
		buf_printf(text, " %s", offer.mechanisms[i]);
	/* As clients of before RFC 2554 read it. */
	if (smtp->mail.listener->lenient && offer_find(&offer, SPAN_LITERAL("LOGIN")))
		buf_add_text(text, "\nAUTH=LOGIN");
}

static void
reply_ehlo(struct smtp *smtp)
{
	struct buf text = BUF_INIT(KEYWORDS_MAX_BYTES);

	smtp->offers = SMTP_OFFER_SIZE | SMTP_OFFER_8BITMIME | SMTP_OFFER_SMTPUTF8 |
		       SMTP_OFFER_DSN | SMTP_OFFER_AUTH;
	buf_printf(&text,
		"%s\nPIPELINING\nSIZE %llu\n8BITMIME\nSMTPUTF8\nCHUNKING\nDSN"
		"\nENHANCEDSTATUSCODES",
		smtp->mail.settings->hostname, (unsigned long long)smtp_size_limit(smtp));
	if (session_listener(smtp->session)->tls && !session_is_secure(smtp->session) &&
		!smtp->mail.identity)
		buf_add_text(&text, "\nSTARTTLS");
	add_auth(smtp, &text);
	buf_add_text(&text, "\nHELP");
	smtp_reply(smtp, 250, NULL, buf_text(&text));
	buf_fini(&text);
}

static void
on_helo_verdict(void *context, const struct verdict *verdict)
{
	struct smtp *smtp = context;

	if (verdict_is_refusal(verdict)) {
		smtp_enter(smtp, SMTP_STATE_NEW);
		smtp_reply_verdict(smtp, verdict);
	} else {
		smtp_enter(smtp, SMTP_STATE_READY);
		/* Old devices say HELO and then what only EHLO allows. */
		smtp->offers = smtp->mail.listener->lenient
				       ? SMTP_OFFER_SIZE | SMTP_OFFER_8BITMIME | SMTP_OFFER_AUTH
				       : 0;
		if (smtp->mail.esmtp)
			reply_ehlo(smtp);
		else
			smtp_reply(smtp, 250, NULL, smtp->mail.settings->hostname);
	}
	smtp_go_on(smtp);
}

void
greeting_hello(struct smtp *smtp, struct span name, bool esmtp)
{
	transaction_end(smtp);
	mem_free(&smtp->helo);
	smtp->helo = mem_strndup(name.start, name.length);
	smtp->mail.helo = smtp->helo;
	smtp->mail.esmtp = esmtp;
	smtp_wait(smtp);
	chain_helo(smtp->chain, on_helo_verdict, smtp);
}

void
greeting_help(struct smtp *smtp)
{
	smtp_reply(smtp, 214, "2.0.0",
		"Commands: EHLO HELO STARTTLS AUTH MAIL RCPT DATA BDAT RSET VRFY NOOP HELP QUIT\n"
		"See RFC 5321 and RFC 6409");
}
