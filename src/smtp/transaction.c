/* SPDX-License-Identifier: BSD-2-Clause */
/* One mail transaction, from MAIL to the end of its content. */
#include "smtp/transaction.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "client/front.h"
#include "smtp/authentication.h"
#include "smtp/handoff.h"
#include "smtp/service.h"

_Static_assert((int)MAIL_RECIPIENTS_MAX == (int)MESSAGE_RECIPIENTS_MAX &&
	(int)MAIL_MEMORY_MAX_BYTES == (int)MESSAGE_BODY_MAX_BYTES, "what a filter adds, the queue takes");
_Static_assert((int)SMTP_RET_HDRS == (int)RETURN_HEADERS && (int)SMTP_RET_FULL == (int)RETURN_FULL,
	"RET= has one numbering");
_Static_assert((int)SMTP_NOTIFY_NEVER == (int)NOTIFY_NEVER &&
		       (int)SMTP_NOTIFY_SUCCESS == (int)NOTIFY_SUCCESS &&
		       (int)SMTP_NOTIFY_FAILURE == (int)NOTIFY_FAILURE &&
		       (int)SMTP_NOTIFY_DELAY == (int)NOTIFY_DELAY,
	"NOTIFY= has one numbering");

static void
log_refusal(const struct smtp *smtp, const char *at, const char *recipient,
	const struct verdict *verdict)
{
	const struct mail *mail = smtp->transaction->mail;

	log_event(EV_SMTP_REFUSED, kv_str("sid", smtp->mail.id), kv_str("id", mail->id),
		kv_str("client", smtp->mail.client_address),
		kv_str("login", smtp->mail.identity ? smtp->mail.identity->login : ""),
		kv_str("at", at), kv_str("from", mail->sender[0] ? mail->sender : "<>"),
		kv_str("to", recipient), kv_int("code", verdict->code),
		kv_str("text", verdict->text), kv_str("where", verdict->where));
}

void
transaction_end(struct smtp *smtp)
{
	struct transaction *transaction = smtp->transaction;

	if (!transaction)
		return;
	smtp->transaction = NULL;
	handoff_cancel(transaction);
	content_fini(&transaction->content);
	chain_abort(smtp->chain);
	mail_free(&transaction->mail);
	mem_free(&transaction->asked_orcpt);
	mem_free(&transaction->asked_parameters);
	mem_free(&transaction);
	authentication_renew(smtp);
	smtp_enter(smtp, SMTP_STATE_READY);
}

/* RFC 6409 4.2: a domain that only means something here means something else elsewhere. */
static bool
is_qualified(const struct smtp *smtp, const struct address *address)
{
	return address->kind == ADDRESS_NULL || address->kind == ADDRESS_BARE ||
	       address_is_qualified(address) ||
	       settings_is_authoritative(smtp->mail.settings, address_domain(address));
}

void
transaction_note_discard(struct transaction *transaction, const struct verdict *verdict)
{
	if (verdict->kind == VERDICT_DISCARD && !transaction->discarded_by)
		transaction->discarded_by = arena_strdup(transaction->mail->arena, verdict->where);
}

/* ---- MAIL ------------------------------------------------------------------------------------ */

static void
on_sender_verdict(void *context, const struct verdict *verdict)
{
	struct smtp *smtp = context;

	if (verdict_is_refusal(verdict)) {
		log_refusal(smtp, "mail", "", verdict);
		transaction_end(smtp);
		smtp_reply_verdict(smtp, verdict);
	} else {
		transaction_note_discard(smtp->transaction, verdict);
		smtp->messages++;
		smtp_enter(smtp, SMTP_STATE_SENDER);
		session_welcome(smtp->session);
		smtp_reply(smtp, 250, "2.1.0", "Ok");
	}
	smtp_go_on(smtp);
}

static void
begin(struct smtp *smtp, const struct smtp_mail *from)
{
	struct transaction *transaction = mem_alloc(sizeof *transaction);
	char id[SERIAL_MESSAGE_SIZE];
	char sender[ADDRESS_TEXT_SIZE];
	int64_t now = clock_wall_ms();
	struct mail *mail;

	serial_message(&session_front(smtp->session)->serial, now, id);
	mail = mail_new(&smtp->mail, id, now);
	address_format(&from->sender, sender);
	mail->sender = arena_strdup(mail->arena, sender);
	mail->smtputf8 = from->utf8;
	mail->eightbit = from->body == SMTP_BODY_8BITMIME;
	mail->declared_size = from->has_size ? from->size : 0;
	mail->envid = arena_strndup(mail->arena, from->envid.start, from->envid.length);
	mail->ret = (uint8_t)from->ret;
	mail->parameters =
		arena_strndup(mail->arena, from->parameters.start, from->parameters.length);
	smtp->mail.client_connections = session_connections(smtp->session);
	transaction->smtp = smtp;
	transaction->mail = mail;
	smtp->transaction = transaction;
}

void
transaction_mail(struct smtp *smtp, const struct smtp_mail *from)
{
	const struct settings_listener *listener = smtp->mail.listener;
	struct queue_link *queue = smtp->service->queue;
	uint64_t limit = from->has_size ? smtp_size_limit(smtp) : 0;

	if (listener->transactions && smtp->messages >= listener->transactions) {
		session_bye(smtp->session, SESSION_END_MESSAGES, NULL);
	} else if (!queue_link_channel(queue)) {
		smtp_reply(smtp, 451, "4.3.0", "The queue is away; try again later");
	} else if (queue_link_pressure(queue)) {
		smtp_replyf(smtp, 452, "4.3.1", "%s; try again later", queue_link_pressure(queue));
	} else if (limit && from->size > limit) {
		smtp_replyf(smtp, 552, "5.3.4",
			"Message is larger than %llu bytes, the most allowed here",
			(unsigned long long)limit);
	} else if (!is_qualified(smtp, &from->sender)) {
		smtp_reply(smtp, 554, "5.1.8", "The sender's domain is not fully qualified");
	} else {
		begin(smtp, from);
		smtp_wait(smtp);
		chain_envfrom(smtp->chain, smtp->transaction->mail, on_sender_verdict, smtp);
	}
}

/* ---- RCPT ------------------------------------------------------------------------------------ */

static bool
is_known(const struct mail *mail, const char *path)
{
	for (size_t i = 0; i < mail->recipient_count; i++)
		if (strcmp(mail->recipients[i].path, path) == 0)
			return true;
	return false;
}

static void
take_recipient(struct mail *mail, const struct mail_recipient *asked)
{
	struct mail_recipient *taken =
		mail_add_recipient(mail, asked->path, asked->orcpt, asked->notify);

	taken->parameters = arena_strdup(mail->arena, asked->parameters);
}

static void
on_recipient_verdict(void *context, const struct verdict *verdict)
{
	struct smtp *smtp = context;
	struct transaction *transaction = smtp->transaction;
	const struct mail_recipient *asked = &transaction->asked;

	if (verdict_is_refusal(verdict)) {
		log_refusal(smtp, "rcpt", asked->path, verdict);
		transaction->refused++;
		smtp_reply_verdict(smtp, verdict);
	} else {
		transaction_note_discard(transaction, verdict);
		take_recipient(transaction->mail, asked);
		smtp_enter(smtp, SMTP_STATE_RECIPIENTS);
		smtp_reply(smtp, 250, "2.1.5", "Ok");
	}
	smtp_go_on(smtp);
}

static void
keep_asked(struct transaction *transaction, const struct smtp_rcpt *to)
{
	mem_free(&transaction->asked_orcpt);
	mem_free(&transaction->asked_parameters);
	transaction->asked_orcpt = mem_strndup(to->orcpt.start, to->orcpt.length);
	transaction->asked_parameters = mem_strndup(to->parameters.start, to->parameters.length);
	transaction->asked = (struct mail_recipient){ .path = transaction->asked_path,
		.orcpt = transaction->asked_orcpt,
		.parameters = transaction->asked_parameters,
		.notify = (uint8_t)to->notify };
}

static void
ask_recipient(struct smtp *smtp, const struct smtp_rcpt *to)
{
	struct transaction *transaction = smtp->transaction;

	keep_asked(transaction, to);
	smtp_wait(smtp);
	if (transaction->discarded_by)
		on_recipient_verdict(smtp, &VERDICT_PASS);
	else
		chain_envrcpt(smtp->chain, transaction->mail, &transaction->asked,
			on_recipient_verdict, smtp);
}

/* Nobody is asked about it, but some filters count those that are refused too. */
static void
refuse_unqualified(struct smtp *smtp, const struct smtp_rcpt *to)
{
	const struct verdict verdict = verdict_refuse(
		554, "5.1.2", "qualification", "The recipient's domain is not fully qualified");
	struct transaction *transaction = smtp->transaction;

	keep_asked(transaction, to);
	log_refusal(smtp, "rcpt", transaction->asked_path, &verdict);
	transaction->refused++;
	if (!transaction->discarded_by)
		chain_refused(smtp->chain, transaction->mail, &transaction->asked, &verdict);
	smtp_reply_verdict(smtp, &verdict);
}

void
transaction_rcpt(struct smtp *smtp, const struct smtp_rcpt *to)
{
	struct transaction *transaction = smtp->transaction;
	const struct mail *mail = transaction->mail;
	uint64_t most = smtp->mail.listener->recipients;

	if (most > MESSAGE_RECIPIENTS_MAX)
		most = MESSAGE_RECIPIENTS_MAX;
	address_format(&to->recipient, transaction->asked_path);
	if (is_known(mail, transaction->asked_path)) {
		smtp_reply(smtp, 250, "2.1.5", "Ok, known already");
	} else if (mail->recipient_count >= most) {
		smtp_replyf(smtp, 452, "4.5.3", "Too many recipients: %llu for one message",
			(unsigned long long)most);
	} else if (!is_qualified(smtp, &to->recipient)) {
		refuse_unqualified(smtp, to);
	} else {
		ask_recipient(smtp, to);
	}
}

/* ---- content --------------------------------------------------------------------------------- */

static void after_step(struct transaction *transaction, enum content_step step);

static void
on_file(void *context)
{
	struct transaction *transaction = context;
	struct span nothing = SPAN_EMPTY;

	after_step(transaction, content_take(&transaction->content, &nothing));
}

static void
begin_content(struct transaction *transaction)
{
	const struct smtp *smtp = transaction->smtp;
	const struct content_limits limits = { .size = smtp_size_limit(smtp),
		.header_size = smtp->mail.listener->header_size,
		.normalize = smtp->mail.listener->bare_newline == BARE_NEWLINE_NORMALIZE };

	content_init(&transaction->content, transaction->mail, smtp->service->queue, &limits,
		on_file, transaction);
}

/* RFC 3030 2: one reply for each chunk; a bad one spoils the message. */
static void
end_chunk(struct transaction *transaction)
{
	struct smtp *smtp = transaction->smtp;
	struct verdict verdict;

	content_explain(&transaction->content, &verdict);
	if (verdict_is_refusal(&verdict)) {
		log_refusal(smtp, "bdat", "", &verdict);
		transaction_end(smtp);
		smtp_reply_verdict(smtp, &verdict);
	} else {
		smtp_replyf(smtp, 250, "2.0.0", "%llu bytes received",
			(unsigned long long)transaction->chunk.size);
	}
	smtp_go_on(smtp);
}

/* Nobody waits for the end of it. */
static void
give_up_content(struct transaction *transaction)
{
	struct smtp *smtp = transaction->smtp;
	struct verdict verdict;

	content_explain(&transaction->content, &verdict);
	log_refusal(smtp, "content", "", &verdict);
	transaction_end(smtp);
	smtp_reply_verdict(smtp, &verdict);
	session_bye(smtp->session, SESSION_END_POSITION, NULL);
}

static void
after_step(struct transaction *transaction, enum content_step step)
{
	struct session *session = transaction->smtp->session;

	switch (step) {
	case CONTENT_MORE:
		if (transaction->content.fault == CONTENT_ENDLESS)
			give_up_content(transaction);
		else if (session_phase(session) != SESSION_CONTENT)
			session_expect(session, SESSION_CONTENT);
		break;
	case CONTENT_WAIT:
		session_expect(session, SESSION_WAITING);
		break;
	case CONTENT_END:
		if (transaction->chunked && !transaction->chunk.last)
			end_chunk(transaction);
		else
			handoff_start(transaction);
		break;
	}
}

size_t
transaction_content(struct smtp *smtp, struct span bytes)
{
	struct span in = bytes;
	enum content_step step = content_take(&smtp->transaction->content, &in);
	size_t taken = bytes.length - in.length;

	after_step(smtp->transaction, step);
	return taken;
}

/* ---- DATA ------------------------------------------------------------------------------------ */

/* Of what is discarded nobody is asked any more. */
static void
ask_for_content(struct smtp *smtp, stage_done_fn done)
{
	smtp_wait(smtp);
	if (smtp->transaction->discarded_by)
		done(smtp, &VERDICT_PASS);
	else
		chain_data(smtp->chain, smtp->transaction->mail, done, smtp);
}

static void
on_data_verdict(void *context, const struct verdict *verdict)
{
	struct smtp *smtp = context;

	if (verdict_is_refusal(verdict)) {
		log_refusal(smtp, "data", "", verdict);
		transaction_end(smtp);
		smtp->data_refused = true;
		smtp_reply_verdict(smtp, verdict);
		smtp_go_on(smtp);
		return;
	}
	transaction_note_discard(smtp->transaction, verdict);
	begin_content(smtp->transaction);
	smtp_enter(smtp, SMTP_STATE_CONTENT);
	smtp_reply(smtp, 354, NULL, "End data with <CR><LF>.<CR><LF>");
	session_expect(smtp->session, SESSION_CONTENT);
}

/* Why there can be no content yet: RFC 2920 3.1 for recipients that were all refused. */
static struct smtp_reply
no_recipients(const struct smtp *smtp)
{
	return smtp->transaction->refused
		       ? (struct smtp_reply){ 554, "5.5.1", "No valid recipients" }
		       : (struct smtp_reply){ 503, "5.5.1", "RCPT first" };
}

void
transaction_data(struct smtp *smtp)
{
	struct smtp_reply reply;

	if (smtp->state == SMTP_STATE_SENDER) {
		reply = no_recipients(smtp);
		smtp->data_refused = true;
		smtp_reply(smtp, reply.code, reply.enhanced, reply.text);
		return;
	}
	ask_for_content(smtp, on_data_verdict);
}

/* ---- BDAT ------------------------------------------------------------------------------------ */

static void
begin_chunk(struct transaction *transaction)
{
	struct span nothing = SPAN_EMPTY;

	smtp_enter(transaction->smtp, SMTP_STATE_CHUNKS);
	smtp_data_chunk(
		&transaction->content.data, transaction->chunk.size, transaction->chunk.last);
	/* A chunk of no bytes is over already. */
	after_step(transaction, content_take(&transaction->content, &nothing));
}

static void
on_bdat_verdict(void *context, const struct verdict *verdict)
{
	struct smtp *smtp = context;
	struct transaction *transaction = smtp->transaction;
	uint64_t size = transaction->chunk.size;

	if (verdict_is_refusal(verdict)) {
		const struct smtp_reply reply = smtp_verdict_reply(verdict);

		log_refusal(smtp, "bdat", "", verdict);
		transaction_end(smtp);
		smtp_swallow(smtp, size, &reply);
		return;
	}
	transaction_note_discard(transaction, verdict);
	transaction->chunked = true;
	begin_content(transaction);
	begin_chunk(transaction);
}

/* Will the message be too large with this chunk? Then it need not be kept. */
static bool
is_too_large(const struct smtp *smtp, uint64_t size)
{
	const struct transaction *transaction = smtp->transaction;
	uint64_t received = transaction->chunked ? transaction->content.data.received : 0;
	uint64_t limit = smtp_size_limit(smtp);

	return limit && (size > limit || received > limit - size);
}

void
transaction_bdat(struct smtp *smtp, const struct smtp_bdat *bdat)
{
	static const struct smtp_reply too_large = { 552, "5.3.4",
		"Message is larger than the most allowed here" };
	struct transaction *transaction = smtp->transaction;
	struct smtp_reply reply;

	if (smtp->state == SMTP_STATE_SENDER) {
		reply = no_recipients(smtp);
		smtp_swallow(smtp, bdat->size, &reply);
	} else if (is_too_large(smtp, bdat->size)) {
		transaction_end(smtp);
		smtp_swallow(smtp, bdat->size, &too_large);
	} else {
		transaction->chunk = *bdat;
		if (transaction->chunked) {
			smtp_wait(smtp);
			begin_chunk(transaction);
		} else {
			ask_for_content(smtp, on_bdat_verdict);
		}
	}
}
