/* SPDX-License-Identifier: BSD-2-Clause */
/* One job over a connection that is ready. */
#include "relay/transfer.h"

#include <string.h>

#include "wire/utf8.h"

enum phase {
	PHASE_MAIL,
	PHASE_RCPT,
	PHASE_DATA,
	PHASE_END,
	PHASE_EMPTY, /* a content of no line for no recipient went out */
	PHASE_RSET,
};

static const struct message_envelope *
envelope_of(const struct transfer *transfer)
{
	return &transfer->job->message.envelope;
}

static size_t
recipients_of(const struct transfer *transfer)
{
	return envelope_of(transfer)->recipient_count;
}

/* ---- what the hop must be able to do ------------------------------------------------------------ */

static bool
needs_utf8(const struct transfer *transfer)
{
	const struct message_envelope *envelope = envelope_of(transfer);

	if (!utf8_is_ascii(span_text(envelope->sender)) ||
		(envelope->smtputf8 && job_header_has_8bit(transfer->job)))
		return true;
	for (size_t i = 0; i < envelope->recipient_count; i++)
		if (!utf8_is_ascii(span_text(envelope->recipients[i].path)))
			return true;
	return false;
}

/* False after every recipient got its failure. */
static bool
fits_hop(struct transfer *transfer)
{
	const struct offer *offer = transfer->offer;
	struct job *job = transfer->job;

	if (offer->size && offer->size_max && job_size(job) > offer->size_max) {
		job_set_rest(job, OUTCOME_FAILED, 0, "5.3.4",
			SPAN_LITERAL("the message is larger than the next hop takes"));
		return false;
	}
	/* Only what needs SMTPUTF8 asks for it: most mail that came with the parameter does not. */
	transfer->with_utf8 = needs_utf8(transfer);
	if (transfer->with_utf8 && !offer->smtputf8) {
		job_set_rest(job, OUTCOME_FAILED, 0, "5.6.7",
			SPAN_LITERAL("the next hop does not take internationalized mail"));
		return false;
	}
	if (envelope_of(transfer)->body_kind != BODY_8BITMIME)
		return true;
	transfer->with_8bit = offer->eightbit;
	if (!offer->eightbit && job_has_8bit(job)) {
		job_set_rest(job, OUTCOME_FAILED, 0, "5.6.3",
			SPAN_LITERAL("the next hop does not take 8-bit content"));
		return false;
	}
	return true;
}

/* ---- commands ----------------------------------------------------------------------------------- */

static void
say(struct transfer *transfer, struct span line)
{
	hop_journal_say(transfer->journal, transfer->stream, line);
}

static void
say_line(struct transfer *transfer, struct buf *line)
{
	buf_add_text(line, "\r\n");
	say(transfer, buf_span(line));
	buf_fini(line);
}

static void
send_mail(struct transfer *transfer)
{
	const struct message_envelope *envelope = envelope_of(transfer);
	const struct offer *offer = transfer->offer;
	struct buf line = BUF_INIT(0);

	buf_printf(&line, "MAIL FROM:<%s>", envelope->sender);
	if (offer->size && !transfer->job->probe)
		buf_printf(&line, " SIZE=%llu",
			(unsigned long long)job_size(transfer->job));
	if (transfer->with_8bit)
		buf_add_text(&line, " BODY=8BITMIME");
	if (transfer->with_utf8)
		buf_add_text(&line, " SMTPUTF8");
	if (offer->dsn && envelope->ret != RETURN_DEFAULT)
		buf_printf(&line, " RET=%s",
			envelope->ret == RETURN_FULL ? "FULL" : "HDRS");
	if (offer->dsn && envelope->envid[0])
		buf_printf(&line, " ENVID=%s", envelope->envid);
	say_line(transfer, &line);
}

static void
add_notify(struct buf *line, uint8_t notify)
{
	static const struct {
		uint8_t flag;
		const char *name;
	} words[] = {
		{ NOTIFY_NEVER, "NEVER" },
		{ NOTIFY_SUCCESS, "SUCCESS" },
		{ NOTIFY_FAILURE, "FAILURE" },
		{ NOTIFY_DELAY, "DELAY" },
	};
	const char *before = " NOTIFY=";

	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (!(notify & words[i].flag))
			continue;
		buf_printf(line, "%s%s", before, words[i].name);
		before = ",";
	}
}

static void
send_rcpt(struct transfer *transfer)
{
	const struct message_recipient *recipient =
		&envelope_of(transfer)->recipients[transfer->sent++];
	struct buf line = BUF_INIT(0);

	buf_printf(&line, "RCPT TO:<%s>", recipient->path);
	if (transfer->offer->dsn) {
		add_notify(&line, recipient->notify);
		if (recipient->orcpt[0])
			buf_printf(&line, " ORCPT=%s", recipient->orcpt);
	}
	say_line(transfer, &line);
}

static void
send_data(struct transfer *transfer)
{
	say(transfer, SPAN_LITERAL("DATA\r\n"));
}

static enum transfer_step
send_rset(struct transfer *transfer)
{
	say(transfer, SPAN_LITERAL("RSET\r\n"));
	transfer->phase = PHASE_RSET;
	return TRANSFER_MORE;
}

enum transfer_step
transfer_start(struct transfer *transfer)
{
	struct job *job = transfer->job;

	transfer->phase = PHASE_MAIL;
	transfer->taken = arena_alloc(job->arena, recipients_of(transfer) * sizeof *transfer->taken);
	if (!fits_hop(transfer))
		return TRANSFER_DONE;
	send_mail(transfer);
	if (transfer->offer->pipelining) {
		while (transfer->sent < recipients_of(transfer))
			send_rcpt(transfer);
		if (!job->probe)
			send_data(transfer);
	}
	return TRANSFER_MORE;
}

/* ---- content ------------------------------------------------------------------------------------ */

static void
send_stuffed(struct stream *stream, struct span bytes, void *context)
{
	struct transfer *transfer = context;
	struct span piece;

	while (smtp_stuffer_next(&transfer->stuffer, &bytes, &piece))
		stream_write(stream, piece);
}

/* A file that was cut short must not end in a dot: the hop would take it for whole. */
static void
on_file_sent(struct stream *stream, bool whole, void *context)
{
	struct transfer *transfer = context;

	if (!whole) {
		job_set_rest(transfer->job, OUTCOME_DEFERRED, 0, "4.3.0",
			SPAN_LITERAL("the message cannot be read back"));
		stream_abort(stream);
		return;
	}
	stream_write(stream, smtp_stuffer_end(&transfer->stuffer));
	transfer->content_done = true;
}

static void
send_content(struct transfer *transfer)
{
	const struct message_content *content = &transfer->job->message.content;

	smtp_stuffer_init(&transfer->stuffer);
	transfer->phase = PHASE_END;
	transfer->replied = 0;
	send_stuffed(transfer->stream, content->header, transfer);
	if (content->in_file) {
		stream_send_file(transfer->stream, transfer->job->body_fd, 0, content->body_length,
			send_stuffed, on_file_sent, transfer);
		return;
	}
	send_stuffed(transfer->stream, content->body, transfer);
	on_file_sent(transfer->stream, true, transfer);
}

/* ---- replies ------------------------------------------------------------------------------------ */

static enum outcome
outcome_of(const struct transfer *transfer, unsigned code)
{
	if (code >= 500)
		return OUTCOME_FAILED;
	if (code >= 400)
		return OUTCOME_DEFERRED;
	/* A hop without DSN will send no success notice, so the queue does: RFC 3461 5.2.2. */
	return transfer->offer->dsn ? OUTCOME_DELIVERED : OUTCOME_RELAYED;
}

static void
set_from(struct transfer *transfer, size_t recipient, const struct smtp_reply_reader *reply)
{
	job_set(transfer->job, recipient, outcome_of(transfer, reply->code), reply->code,
		reply->enhanced, buf_span(&reply->text));
}

static void
set_rest_from(struct transfer *transfer, const struct smtp_reply_reader *reply)
{
	for (size_t i = 0; i < recipients_of(transfer); i++)
		set_from(transfer, i, reply);
}

static enum transfer_step
on_mail(struct transfer *transfer, const struct smtp_reply_reader *reply)
{
	if (reply->code >= 300 && reply->code < 400)
		return TRANSFER_ASTRAY;
	transfer->mail_accepted = reply->code < 300;
	/* Of a probe the recipients are asked for: what is said of the sender is no answer. */
	if (!transfer->mail_accepted && transfer->job->probe)
		job_set_rest(transfer->job, OUTCOME_DEFERRED, 0, "", buf_span(&reply->text));
	else if (!transfer->mail_accepted)
		set_rest_from(transfer, reply);
	transfer->phase = PHASE_RCPT;
	if (transfer->offer->pipelining)
		return TRANSFER_MORE;
	if (!transfer->mail_accepted)
		return TRANSFER_DONE;
	send_rcpt(transfer);
	return TRANSFER_MORE;
}

static enum transfer_step
on_rcpt(struct transfer *transfer, const struct smtp_reply_reader *reply)
{
	size_t recipient = transfer->replied++;

	if (reply->code < 300 && transfer->mail_accepted) {
		transfer->taken[recipient] = true;
		transfer->accepted++;
		if (transfer->job->probe)
			set_from(transfer, recipient, reply);
	} else if (reply->code >= 400) {
		set_from(transfer, recipient, reply);
	} else {
		return TRANSFER_ASTRAY;
	}
	if (transfer->sent < recipients_of(transfer)) {
		send_rcpt(transfer);
		return TRANSFER_MORE;
	}
	if (transfer->replied < recipients_of(transfer))
		return TRANSFER_MORE;
	transfer->phase = PHASE_DATA;
	if (transfer->job->probe)
		return send_rset(transfer);
	if (transfer->offer->pipelining)
		return TRANSFER_MORE;
	if (!transfer->accepted)
		return send_rset(transfer);
	send_data(transfer);
	return TRANSFER_MORE;
}

static enum transfer_step
on_data(struct transfer *transfer, const struct smtp_reply_reader *reply)
{
	if (reply->code < 300)
		return TRANSFER_ASTRAY;
	if (reply->code >= 400) {
		set_rest_from(transfer, reply);
		return transfer->mail_accepted ? send_rset(transfer) : TRANSFER_DONE;
	}
	if (transfer->accepted) {
		send_content(transfer);
		return TRANSFER_MORE;
	}
	/* RFC 2920 3.1: 354 without a recipient; an empty message ends it, and the reply is nobody's. */
	stream_write(transfer->stream, SPAN_LITERAL(".\r\n"));
	transfer->phase = PHASE_EMPTY;
	return TRANSFER_MORE;
}

static bool
is_sent(const struct transfer *transfer)
{
	return transfer->content_done && !stream_waiting(transfer->stream);
}

/*
 * One answer too many behind the last: perhaps that was not the one to the end of the content. A last
 * word of a hop that has enough, as far as it is here, is none; and where all have said yes it does
 * not matter which of them was meant.
 */
static bool
has_surplus(const struct transfer *transfer, unsigned code)
{
	static const char goodbye[] = "421";
	struct span rest = stream_peek(transfer->stream);
	struct span start = span_first(rest, sizeof goodbye - 1);

	if (span_equal(start, span_first(span_text(goodbye), start.length)))
		return false;
	if (code >= 300 || transfer->refused)
		return true;
	while (rest.length) {
		if (rest.start[0] != '2')
			return true;
		rest = span_from(rest, span_find(rest, '\n') + 1);
	}
	return false;
}

/* LMTP answers for each accepted recipient, in their order: RFC 2033 4.2. */
static void
on_lmtp_end(struct transfer *transfer, const struct smtp_reply_reader *reply)
{
	while (!transfer->taken[transfer->replied])
		transfer->replied++;
	set_from(transfer, transfer->replied++, reply);
	transfer->refused |= reply->code >= 300;
}

static enum transfer_step
on_end(struct transfer *transfer, const struct smtp_reply_reader *reply)
{
	if (reply->code >= 300 && reply->code < 400)
		return TRANSFER_ASTRAY;
	/* A verdict before the whole content was sent: a refusal counts, praise does not. */
	if (!is_sent(transfer)) {
		if (reply->code < 300)
			return TRANSFER_ASTRAY;
		set_rest_from(transfer, reply);
		return TRANSFER_LOST;
	}
	if (transfer->lmtp)
		on_lmtp_end(transfer, reply);
	else
		set_rest_from(transfer, reply);
	if (transfer->job->open)
		return TRANSFER_MORE;
	return has_surplus(transfer, reply->code) ? TRANSFER_ASTRAY : TRANSFER_DONE;
}

enum transfer_step
transfer_reply(struct transfer *transfer, const struct smtp_reply_reader *reply)
{
	if (reply->code == 421) {
		set_rest_from(transfer, reply);
		return TRANSFER_LOST;
	}
	switch ((enum phase)transfer->phase) {
	case PHASE_MAIL:
		return on_mail(transfer, reply);
	case PHASE_RCPT:
		return on_rcpt(transfer, reply);
	case PHASE_DATA:
		return on_data(transfer, reply);
	case PHASE_END:
		return on_end(transfer, reply);
	case PHASE_RSET:
		return reply->code < 300 ? TRANSFER_DONE : TRANSFER_LOST;
	case PHASE_EMPTY:
		break;
	}
	return TRANSFER_DONE;
}

enum transfer_wait
transfer_wait(const struct transfer *transfer)
{
	switch ((enum phase)transfer->phase) {
	case PHASE_DATA:
		return TRANSFER_WAIT_DATA;
	case PHASE_END:
		return is_sent(transfer) ? TRANSFER_WAIT_END : TRANSFER_WAIT_CONTENT;
	case PHASE_EMPTY:
		return TRANSFER_WAIT_END;
	case PHASE_MAIL:
	case PHASE_RCPT:
	case PHASE_RSET:
		break;
	}
	return TRANSFER_WAIT_COMMAND;
}
