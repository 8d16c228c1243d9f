/* SPDX-License-Identifier: BSD-2-Clause */
/* The account that a listener's clients count as by their network. */
#include "smtp/network_login.h"

#include "base/log.h"
#include "smtp/authentication.h"
#include "smtp/dialogue.h"

bool
network_login_is_due(const struct smtp *smtp)
{
	return smtp->mail.listener->identity[0] && !smtp->mail.identity;
}

bool
network_login_is_waiting(const struct smtp *smtp)
{
	return buf_length(&smtp->deferred) > 0;
}

void
network_login_fini(struct smtp *smtp)
{
	buf_fini(&smtp->deferred);
}

void
network_login_start(struct smtp *smtp, struct span line)
{
	buf_clear(&smtp->deferred);
	buf_add_span(&smtp->deferred, line);
	smtp_wait(smtp);
	login_by_network(session_login(smtp->session));
}

/* The line that waited; it may wait again, for the policy. */
static void
go_on(struct smtp *smtp)
{
	struct buf line = smtp->deferred;

	buf_init(&smtp->deferred, 0);
	smtp_go_on(smtp);
	if (session_phase(smtp->session) == SESSION_COMMAND)
		dialogue_on_line(buf_span(&line), smtp);
	buf_fini(&line);
}

static void
refuse(struct smtp *smtp, const struct verdict *verdict)
{
	log_event(EV_SMTP_REFUSED, kv_str("sid", smtp->mail.id),
		kv_str("client", smtp->mail.client_address),
		kv_str("login", smtp->mail.listener->identity), kv_str("at", "mail"),
		kv_int("code", verdict->code), kv_str("text", verdict->text),
		kv_str("where", verdict->where));
	buf_clear(&smtp->deferred);
	smtp_reply_verdict(smtp, verdict);
	smtp_go_on(smtp);
}

static void
on_verdict(void *context, const struct verdict *verdict)
{
	struct smtp *smtp = context;

	if (verdict_is_refusal(verdict))
		refuse(smtp, verdict);
	else
		go_on(smtp);
}

void
network_login_on_end(struct smtp *smtp, enum login_end end, const char *text)
{
	const char *where = smtp->mail.listener->where;
	struct verdict verdict;

	smtp_wait(smtp);
	if (end == LOGIN_END_DONE) {
		authentication_renew(smtp);
		chain_auth(smtp->chain, on_verdict, smtp);
		return;
	}
	if (end == LOGIN_END_REFUSED)
		verdict = verdict_refuse(550, "5.7.1", where,
			"The account of this network may not be used");
	else
		verdict = verdict_refuse(454, "4.7.0", where, "%s",
			end == LOGIN_END_LIMIT && text && text[0]
				? text
				: "The account of this network cannot be asked for");
	refuse(smtp, &verdict);
}
