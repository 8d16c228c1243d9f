/* SPDX-License-Identifier: BSD-2-Clause */
/* Header fix-ups of RFC 6409 8. */
#include "policy/tidy.h"

#include "policy/rights.h"
#include "wire/mail_date.h"
#include "wire/message_id.h"

const char *
tidy_protocol(const struct mail_session *session, bool smtputf8)
{
	bool tls = session->tls_version[0];

	/* RFC 6531 4.3; the rows of RFC 3848. */
	if (smtputf8)
		return session->identity ? (tls ? "UTF8SMTPSA" : "UTF8SMTPA")
					 : (tls ? "UTF8SMTPS" : "UTF8SMTP");
	if (!session->esmtp)
		return "SMTP";
	return session->identity ? (tls ? "ESMTPSA" : "ESMTPA") : (tls ? "ESMTPS" : "ESMTP");
}

/* ---- trace (RFC 5321 4.4, RFC 8314 4.3) --------------------------------------------------------- */

static void
add_from_clause(struct buf *value, const struct mail_session *session)
{
	bool ip6 = span_has_byte(span_text(session->client_address), ':');

	buf_printf(value, "from %s ([%s%s]) ", session->helo[0] ? session->helo : "unknown",
		ip6 ? "IPv6:" : "", session->client_address);
}

static void
add_trace(struct mail *mail, struct buf *value)
{
	const struct mail_session *session = mail->session;
	char date[MAIL_DATE_SIZE];

	if (!session->listener->hide_client)
		add_from_clause(value, session);
	buf_printf(value, "by %s with %s", session->settings->hostname,
		tidy_protocol(session, mail->smtputf8));
	if (session->tls_version[0]) {
		buf_printf(value, " (%s) tls %s", session->tls_version, session->tls_cipher);
		if (session->tls_group[0])
			buf_printf(value, " group %s", session->tls_group);
	}
	buf_printf(value, " id %s", mail->id);
	/* One path at most, and none with several recipients: RFC 5321 7.2. */
	if (mail->recipient_count == 1)
		buf_printf(value, " for <%s>", mail->recipients[0].path);
	mail_date_format(mail->now_ms / 1000, 0, date);
	buf_printf(value, "; %s", date);
}

static bool
prepend_received(struct mail *mail)
{
	struct buf value = BUF_INIT(HEADER_FIELD_MAX_BYTES);
	bool added;

	add_trace(mail, &value);
	added = header_insert(&mail->header, 0, SPAN_LITERAL("Received"),
		header_fold(SPAN_LITERAL("Received"), buf_span(&value), mail->arena));
	buf_fini(&value);
	if (added)
		mail->trace = mail->header.fields[0].whole.start;
	return added;
}

/* ---- what a submission lacks --------------------------------------------------------------------- */

/* Adds the field, or puts a new value in the place of the one that is there. */
static bool
set_field(struct mail *mail, const char *name, struct span value)
{
	size_t at = header_find(&mail->header, name, 0);

	if (at == mail->header.count)
		return header_add(&mail->header, span_text(name), value);
	return header_replace(&mail->header, at, value);
}

static bool
fix_date(struct mail *mail)
{
	size_t at = header_find(&mail->header, "Date", 0);
	char date[MAIL_DATE_SIZE];
	int64_t seconds;

	if (at < mail->header.count && mail_date_parse(mail->header.fields[at].value, &seconds))
		return true;
	mail_date_format(mail->now_ms / 1000, 0, date);
	return set_field(mail, "Date", span_text(date));
}

bool
tidy_has_message_id(const struct mail *mail)
{
	size_t at = header_find(&mail->header, "Message-ID", 0);
	struct span id;

	return at < mail->header.count &&
	       message_id_parse(mail->header.fields[at].value, mail->smtputf8, &id);
}

static bool
fix_message_id(struct mail *mail)
{
	if (tidy_has_message_id(mail))
		return true;
	return set_field(mail, "Message-ID",
		span_text(arena_printf(mail->arena, "<%s@%s>", mail->id,
			mail->session->settings->hostname)));
}

static struct verdict
fix_submission(struct mail *mail)
{
	static const char *const single[] = { "Date", "Message-ID" };
	static const char *const private[] = { "Bcc", "Resent-Bcc", "Return-Path" };

	/* Which of several is meant nobody can know, and filters read different ones. */
	for (size_t i = 0; i < sizeof single / sizeof *single; i++)
		if (header_count(&mail->header, single[i]) > 1)
			return verdict_refuse(554, "5.6.0", "header grammar",
				"%s field refused: there are several", single[i]);
	for (size_t i = 0; i < sizeof private / sizeof *private; i++)
		header_delete_all(&mail->header, private[i]);
	if (fix_date(mail) && fix_message_id(mail))
		return VERDICT_PASS;
	return verdict_refuse(552, "5.3.4", "header size", "The header is too large");
}

/* ---- the stage ----------------------------------------------------------------------------------- */

static struct stage *
tidy_open(const struct mail_session *session, void *service)
{
	struct stage *stage = mem_alloc(sizeof *stage);

	(void)session;
	(void)service;
	stage->type = &tidy_stage_type;
	return stage;
}

static void
tidy_close(struct stage **stage)
{
	mem_free(stage);
}

static void
tidy_eom(struct stage *stage, struct mail *mail, stage_done_fn done, void *context)
{
	uint64_t hops = mail->session->listener->hops;
	struct verdict verdict = VERDICT_PASS;

	(void)stage;
	if (header_count(&mail->header, "Received") >= hops)
		verdict = verdict_refuse(554, "5.4.6", "hops",
			"Too many hops: the message loops (%llu Received fields allowed)",
			(unsigned long long)hops);
	if (verdict.kind == VERDICT_CONTINUE && rights_is_submission(mail->session))
		verdict = fix_submission(mail);
	if (verdict.kind == VERDICT_CONTINUE && !prepend_received(mail))
		verdict = verdict_refuse(552, "5.3.4", "header size", "The header is too large");
	done(context, &verdict);
}

const struct stage_type tidy_stage_type = {
	.name = "tidy",
	.open = tidy_open,
	.eom = tidy_eom,
	.close = tidy_close,
};
