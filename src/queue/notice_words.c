/* SPDX-License-Identifier: BSD-2-Clause */
/* The human's part of a notice: what happened, to whom, and what to do now. */
#include "queue/notice_words.h"

#include "queue/notice_original.h"
#include "queue/notice_report.h"
#include "queue/notice_text.h"
#include "wire/encoded_word.h"

enum {
	WORDS_MAX_BYTES = 16 * 1024, /* of recipients; the report has them all */
	SUBJECT_MAX_BYTES = 200,
};

/* For people who have never seen a notice. */
struct words {
	const char *subject;
	const char *what;
	const char *whom;
	const char *then;
};

static const struct words kinds[NOTICE_KIND_COUNT] = {
	[NOTICE_FAILURE] = { "Undeliverable", "Your message could not be delivered.",
		"It did not reach:",
		"It will not be tried again: correct what is wrong, and send it once more, or reach\r\n"
		"these people in another way.\r\n" },
	[NOTICE_DELAY] = { "Delayed", "Your message has not yet been delivered.",
		"It has not reached:", "You need not send it again.\r\n" },
	[NOTICE_SUCCESS] = { "Passed on", "Your message was passed on, as you asked to be told.",
		"It is on its way to:",
		"Their mail systems tell nothing of what becomes of it; you need do nothing.\r\n" },
	[NOTICE_DOUBLE] = { "Undeliverable notice",
		"A message without a sender could not be delivered, so nobody else hears of it.",
		"It did not reach:",
		"Mostly this is a notice to somebody whose own address is wrong, and nothing need be\r\n"
		"done. It stands below. There is no further notice about it.\r\n" },
};

static const struct words delivered = { "Delivered",
	"Your message was delivered, as you asked to be told.", "It has reached:",
	"You need do nothing.\r\n" };

static const struct words *
words_of(const struct notice *notice)
{
	if (notice->kind == NOTICE_SUCCESS && notice->at_mailbox)
		return &delivered;
	return &kinds[notice->kind];
}

/* By what RFC 3463 calls subject and detail; the longer beginning comes first. */
static const char *
advice_of(const char *status)
{
	static const struct {
		const char *code;
		const char *advice;
	} rows[] = {
		{ "1.10", "This domain takes no mail." },
		{ "1.1", "There is no such address. Check how it is written." },
		{ "1.2", "There is no such mail domain. Check what stands behind the \"@\"." },
		{ "1.6", "The mailbox has moved, and nobody says where to." },
		{ "1.", "The address is not accepted. Check how it is written." },
		{ "2.1", "The mailbox takes no mail." },
		{ "2.2", "The mailbox is full. Try again later." },
		{ "2.3", "The message is too large for this mailbox." },
		{ "3.4", "The message is too large for this recipient's mail system." },
		{ "4.4", "No way leads to this domain. Check what stands behind the \"@\"." },
		{ "4.6", "The message went round in a circle. Tell the people who run your mail." },
		{ "4.7", "It was tried for as long as is allowed here, in vain. Try again later." },
		{ "6.7", "This recipient's mail system does not take addresses or headers with letters "
			 "beyond ASCII." },
		{ "6.", "This recipient's mail system does not take a message of this form." },
		{ "7.", "This recipient's mail system does not allow the message." },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (span_starts(span_from(span_text(status), 2), rows[i].code))
			return rows[i].advice;
	}
	return "This recipient's mail system refused the message.";
}

static void
add_recipient(struct buf *to, const struct notice *notice, const struct recipient *recipient)
{
	const struct record *record = &notice->parcel->record;
	char status[NOTICE_STATUS_SIZE];
	buf_add_text(to, "  <");
	notice_text_add_readable(
		to, span_text(record->envelope.recipients[recipient->number].path));
	buf_add_text(to, ">\r\n");
	if (notice->kind == NOTICE_FAILURE || notice->kind == NOTICE_DOUBLE) {
		notice_report_status(notice, recipient, status);
		buf_printf(to, "    %s\r\n", advice_of(status));
	}
	if (!recipient->text || !recipient->text[0])
		return;
	buf_add_text(to, "    ");
	if (notice_report_has_hop(recipient))
		notice_text_add(to, span_text(recipient->hop));
	else
		buf_add_text(to, recipient->code ? "The mail server" : "The reason");
	buf_add_text(to, recipient->code ? " said: " : ": ");
	notice_report_add_reply(to, recipient);
	buf_add_text(to, "\r\n");
}

static void
add_message(struct buf *to, const struct notice *notice)
{
	struct buf subject = BUF_INIT(0);
	/* Encoded, it would be read in the notice's own subject, but not here. */
	if (notice_original_field(notice->parcel, "Subject", SUBJECT_MAX_BYTES, &subject) &&
		!encoded_word_is_in(buf_span(&subject))) {
		buf_add_text(to, "  Subject: ");
		buf_add_span(to, buf_span(&subject));
		buf_add_text(to, "\r\n");
	}
	buf_fini(&subject);
	notice_text_add_date(to, "  Sent", notice->parcel->received_ms);
	buf_add_text(to, "\r\n");
}

void
notice_words_add_subject(struct buf *to, const struct notice *notice)
{
	struct buf subject = BUF_INIT(0);
	buf_printf(to, "Subject: %s", words_of(notice)->subject);
	if (notice_original_field(notice->parcel, "Subject", SUBJECT_MAX_BYTES, &subject)) {
		buf_add_text(to, ": ");
		buf_add_span(to, buf_span(&subject));
	}
	buf_add_text(to, "\r\n");
	buf_fini(&subject);
}

void
notice_words_add(struct buf *to, const struct notice *notice)
{
	const struct words *words = words_of(notice);
	buf_printf(to, "%s\r\n\r\n", words->what);
	add_message(to, notice);
	buf_printf(to, "%s\r\n\r\n", words->whom);
	for (size_t i = 0; i < notice->recipient_count; i++) {
		if (buf_length(to) > WORDS_MAX_BYTES) {
			buf_printf(to, "  and %zu more, who are listed in the report below.\r\n",
				notice->recipient_count - i);
			break;
		}
		add_recipient(to, notice, &notice->recipients[i]);
	}
	buf_add_text(to, "\r\n");
	if (notice->kind == NOTICE_DELAY)
		notice_text_add_date(to, "It will be tried until", notice->until_ms);
	buf_printf(to, "%s\r\n", words->then);
	buf_printf(to,
		"This is the mail system at %s; the number of the message here is\r\n"
		"%s. Who runs it reads <%s>.\r\n",
		notice->hostname, notice->parcel->record.id, notice->postmaster);
}
