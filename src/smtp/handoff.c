/* SPDX-License-Identifier: BSD-2-Clause */
/* The end of a message: last verdicts, the charge, the commit. */
#include "smtp/handoff.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "client/auth_link.h"
#include "client/front.h"
#include "policy/budget.h"
#include "policy/limits.h"
#include "policy/rights.h"
#include "policy/tidy.h"
#include "smtp/sent.h"
#include "smtp/service.h"
#include "wire/utf8.h"

enum { CHARGE_WAIT_MS = 10 * 1000 };

/* What was charged is not queued after all. */
static void
refund(struct transaction *transaction)
{
	struct smtp *smtp = transaction->smtp;
	struct channel *auth = auth_link_channel(session_front(smtp->session)->auth);
	struct message_refund message = { .session = smtp->mail.id,
		.charge = transaction->charged };
	struct buf content = BUF_INIT(0);

	if (transaction->charged && auth) {
		message_refund_pack(&content, &message);
		channel_send(auth, MSG_REFUND, &content, -1);
	}
	transaction->charged = 0;
	buf_fini(&content);
}

void
handoff_cancel(struct transaction *transaction)
{
	/* The client is gone before it was known whether the message is taken. */
	if (transaction->charge) {
		auth_link_forget(
			session_front(transaction->smtp->session)->auth, transaction->charge);
		transaction->charged = transaction->charge;
		refund(transaction);
	}
	transaction->charge = 0;
	queue_link_forget(&transaction->commit);
	secret_free(&transaction->grant);
	buf_fini(&transaction->header);
	mem_free(&transaction->recipients);
	mem_free(&transaction->added);
}

/* ---- what the client hears ------------------------------------------------------------------- */

static void
refuse(struct transaction *transaction, const struct verdict *verdict)
{
	struct smtp *smtp = transaction->smtp;
	const struct mail *mail = transaction->mail;

	log_event(EV_SMTP_REFUSED, kv_str("sid", smtp->mail.id), kv_str("id", mail->id),
		kv_str("client", smtp->mail.client_address),
		kv_str("login", smtp->mail.identity ? smtp->mail.identity->login : ""),
		kv_str("at", "message"), kv_str("from", mail->sender[0] ? mail->sender : "<>"),
		kv_int("code", verdict->code), kv_str("text", verdict->text),
		kv_str("where", verdict->where));
	transaction_end(smtp);
	smtp_reply_verdict(smtp, verdict);
	smtp_go_on(smtp);
}

/* queued is the id that the queue has for it: not its own if the client has sent it before. */
static void
accept_message(struct transaction *transaction, enum log_event_id event, const char *queued)
{
	struct smtp *smtp = transaction->smtp;
	const struct mail *mail = transaction->mail;
	char id[MESSAGE_ID_MAX_BYTES + 1];

	snprintf(id, sizeof id, "%s", queued);
	log_event(event, kv_str("sid", smtp->mail.id), kv_str("id", id),
		kv_str("client", smtp->mail.client_address),
		kv_str("login", smtp->mail.identity ? smtp->mail.identity->login : ""),
		kv_str("from", mail->sender[0] ? mail->sender : "<>"),
		kv_str("to", mail->recipient_count ? mail->recipients[0].path : ""),
		kv_int("recipients", (int64_t)mail->recipient_count),
		kv_int("size", (int64_t)mail_size(mail)),
		kv_str("rights", verdict_word(&mail->rights)),
		kv_str("where",
			transaction->discarded_by ? transaction->discarded_by : mail->rights.where),
		kv_str("held", mail->hold ? mail->hold_reason : ""),
		kv_str("again_as", strcmp(id, mail->id) == 0 ? "" : mail->id));
	smtp->errors = 0;
	transaction_end(smtp);
	smtp_replyf(smtp, 250, "2.0.0", "Ok: queued as %s", id);
	smtp_go_on(smtp);
}

/* ---- the queue ------------------------------------------------------------------------------- */

static void
on_committed(void *context, const struct message_refused *refused, const char *id)
{
	struct transaction *transaction = context;
	struct verdict verdict;

	/* Neither what is refused counts, nor what was queued and counted before. */
	if (refused || strcmp(id, transaction->mail->id) != 0)
		refund(transaction);
	if (!refused) {
		content_release(&transaction->content);
		accept_message(transaction, EV_SMTP_ACCEPTED, id);
		return;
	}
	verdict = verdict_refuse(refused->code >= 400 && refused->code < 600 ? refused->code : 451,
		refused->enhanced, "queue", "%s", refused->text);
	refuse(transaction, &verdict);
}

static void
describe_recipients(struct transaction *transaction)
{
	const struct mail *mail = transaction->mail;
	struct message_recipient *to =
		mem_alloc_array(mail->recipient_count, sizeof *transaction->recipients);

	for (size_t i = 0; i < mail->recipient_count; i++)
		to[i] = (struct message_recipient){ .number = (uint32_t)i,
			.path = mail->recipients[i].path,
			.notify = mail->recipients[i].notify,
			.orcpt = mail->recipients[i].orcpt };
	transaction->recipients = to;
}

/* Whom a filter put in, where the rights would not have it. */
static void
describe_changes(struct transaction *transaction)
{
	const struct mail *mail = transaction->mail;
	struct message_commit *record = &transaction->record;

	record->sender_changed = mail->allowed_sender;
	record->allowed_sender = mail->allowed_sender ? mail->allowed_sender : "";
	transaction->added = mem_alloc_array(mail->recipient_count, sizeof *transaction->added);
	for (size_t i = 0; i < mail->recipient_count; i++)
		if (mail->recipients[i].added)
			transaction->added[record->added_count++] = (uint32_t)i;
	record->added = transaction->added;
}

static void
describe(struct transaction *transaction)
{
	struct smtp *smtp = transaction->smtp;
	const struct mail *mail = transaction->mail;
	struct message_commit *record = &transaction->record;
	bool eightbit = mail->eightbit || mail->body_8bit ||
			!utf8_is_ascii(buf_span(&transaction->header));

	describe_recipients(transaction);
	/* The session's may be renewed while the queue is asked. */
	transaction->grant = secret_new(secret_span(session_standing(smtp->session)->grant));
	*record = (struct message_commit){ .id = mail->id,
		.session = smtp->mail.id,
		.listener = smtp->mail.listener->title,
		.protocol = tidy_protocol(&smtp->mail, mail->smtputf8),
		.client_address = smtp->mail.client_address,
		.certificates = session_certificates(smtp->session),
		.login = smtp->mail.identity ? smtp->mail.identity->login : "",
		.grant = secret_span(transaction->grant),
		.hold = mail->hold,
		.hold_reason = mail->hold ? mail->hold_reason : "",
		.over_since_ms = transaction->over_since_ms,
		.envelope = { .sender = mail->sender,
			.envid = mail->envid,
			.ret = mail->ret,
			.body_kind = eightbit ? BODY_8BITMIME : BODY_7BIT,
			.smtputf8 = mail->smtputf8,
			.recipient_count = mail->recipient_count,
			.recipients = transaction->recipients },
		.content = { .header = buf_span(&transaction->header),
			.in_file = mail->body_file != 0,
			.body = buf_span(&mail->body),
			.file = mail->body_file,
			.body_length = mail->body_length } };
	describe_changes(transaction);
	memcpy(record->content.body_hash, mail->body_hash, sizeof record->content.body_hash);
	record->has_sent_hash = transaction->has_sent_hash;
	memcpy(record->sent_hash, transaction->sent_hash, sizeof record->sent_hash);
}

static void
commit(struct transaction *transaction)
{
	struct verdict verdict = VERDICT_PASS;

	buf_init(&transaction->header, MESSAGE_HEADER_MAX_BYTES);
	if (!header_format(&transaction->mail->header, &transaction->header) ||
		!buf_add_text(&transaction->header, "\r\n"))
		verdict = verdict_refuse(552, "5.3.4", "header size", "The header is too large");
	if (verdict.kind != VERDICT_CONTINUE) {
		refund(transaction);
		refuse(transaction, &verdict);
		return;
	}
	content_close(&transaction->content);
	describe(transaction);
	queue_link_commit(transaction->smtp->service->queue, &transaction->commit,
		&transaction->record, on_committed, transaction);
}

/* ---- the charge ------------------------------------------------------------------------------ */

/* What auth says of the budgets of this login. */
static void
on_charged(struct transaction *transaction, const struct message_charged *charged)
{
	struct mail *mail = transaction->mail;
	struct verdict verdict;

	switch (charged->verdict) {
	case CHARGE_HOLD:
		transaction->over_since_ms = charged->over_since_ms;
		if (!mail->hold) {
			mail->hold = true;
			mail->hold_reason = arena_strdup(mail->arena, charged->text);
		}
		commit(transaction);
		return;
	case CHARGE_TEMPFAIL:
		verdict = verdict_refuse(452, "4.7.1", "limits", "%s", charged->text);
		break;
	case CHARGE_REFUSE:
		verdict = verdict_refuse(550, "5.7.1", "limits", "%s", charged->text);
		break;
	case CHARGE_PASS:
	case CHARGE_VERDICT_COUNT:
		commit(transaction);
		return;
	}
	refuse(transaction, &verdict);
}

static bool
on_charge_answer(void *context, struct channel_message *answer)
{
	struct transaction *transaction = context;
	struct arena *arena = arena_new(0);
	struct message_charged charged;
	struct verdict verdict;

	transaction->charged = transaction->charge;
	transaction->charge = 0;
	if (answer && answer->id == MSG_CHARGED &&
		message_charged_unpack(answer->bytes, arena, &charged)) {
		on_charged(transaction, &charged);
	} else {
		refund(transaction); /* the answer may just have been late */
		verdict = verdict_refuse(
			451, "4.3.0", "auth", "The limits cannot be checked; try again later");
		refuse(transaction, &verdict);
	}
	arena_free(&arena);
	return true;
}

/* By what auth knows a recipient again: a part of the hash of its address, in any case of its letters. */
static void
add_mark(struct buf *to, const char *path)
{
	unsigned char hash[DIGEST_BYTES];
	char lower[ADDRESS_TEXT_SIZE];
	struct digest digest;
	size_t length = 0;

	for (; path[length] && length < sizeof lower; length++)
		lower[length] = text_lower(path[length]);
	digest_init(&digest);
	digest_add(&digest, span_of(lower, length));
	digest_final(&digest, hash);
	buf_add(to, hash, MESSAGE_MARK_BYTES);
}

static void
add_marks(const struct transaction *transaction, struct buf *to)
{
	const struct mail *mail = transaction->mail;

	if (!transaction->smtp->mail.identity ||
		limits_of(&transaction->smtp->mail)->new_recipients_per_day == 0)
		return;
	for (size_t i = 0; i < mail->recipient_count; i++)
		add_mark(to, mail->recipients[i].path);
}

static void
charge(struct transaction *transaction)
{
	struct smtp *smtp = transaction->smtp;
	struct channel *auth = auth_link_channel(session_front(smtp->session)->auth);
	struct buf marks = BUF_INIT(0);
	struct message_charge message = { .session = smtp->mail.id,
		.login = smtp->mail.identity ? smtp->mail.identity->login : "",
		.listener = smtp->mail.listener->title,
		.client_address = smtp->mail.client_address,
		.certificates = session_certificates(smtp->session),
		.recipients = (uint32_t)transaction->mail->recipient_count };
	struct buf content = BUF_INIT(0);

	add_marks(transaction, &marks);
	message.marks = buf_span(&marks);
	message_charge_pack(&content, &message);
	if (auth)
		transaction->charge = channel_ask(auth, MSG_CHARGE, &content, -1, CHARGE_WAIT_MS,
			on_charge_answer, transaction);
	buf_fini(&content);
	buf_fini(&marks);
	if (transaction->charge == 0)
		on_charge_answer(transaction, NULL);
}

/* Only who has a login, or comes by a section that was named for it, keeps a budget. */
static bool
has_budget(const struct mail_session *session)
{
	const struct settings_limits *limits =
		session->identity ? limits_of(session) : limits_of_stranger(session);

	return limits && budget_is_any(limits) && !(rights_of(session) & RIGHT_BYPASS_LIMITS);
}

/* ---- the policy ------------------------------------------------------------------------------ */

static void
on_message_verdict(void *context, const struct verdict *verdict)
{
	struct transaction *transaction = context;

	transaction_note_discard(transaction, verdict);
	if (verdict_is_refusal(verdict))
		refuse(transaction, verdict);
	else if (transaction->discarded_by)
		accept_message(transaction, EV_SMTP_DISCARDED, transaction->mail->id);
	else if (has_budget(&transaction->smtp->mail))
		charge(transaction);
	else
		commit(transaction);
}

/* What a message that is sent again has in common with the first: before anything is changed. */
static void
note_sent(struct transaction *transaction)
{
	const struct mail *mail = transaction->mail;

	/* Without one of its own it gets one here, which nobody can send twice. */
	if (!transaction->smtp->mail.identity || !tidy_has_message_id(mail))
		return;
	sent_hash(mail, transaction->sent_hash);
	transaction->has_sent_hash = true;
}

void
handoff_start(struct transaction *transaction)
{
	struct smtp *smtp = transaction->smtp;
	struct mail *mail = transaction->mail;
	struct verdict verdict;

	smtp_enter(smtp, SMTP_STATE_ENDING);
	smtp_wait(smtp);
	content_end(&transaction->content);
	content_explain(&transaction->content, &verdict);
	if (verdict.kind == VERDICT_CONTINUE)
		verdict = mail_judge_header(mail, rights_is_submission(&smtp->mail));
	if (verdict.kind != VERDICT_CONTINUE)
		refuse(transaction, &verdict);
	else if (transaction->discarded_by)
		accept_message(transaction, EV_SMTP_DISCARDED, transaction->mail->id);
	else {
		note_sent(transaction);
		chain_message(smtp->chain, mail, on_message_verdict, transaction);
	}
}
