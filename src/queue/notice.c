/* SPDX-License-Identifier: BSD-2-Clause */
/* Notices to senders: failure, delay and success, as RFC 3461, 3464 and 6522 want them; pure. */
#include "queue/notice.h"

#include "wire/base64.h"
#include "wire/mail_date.h"
#include "wire/utf8.h"
#include "wire/xtext.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum {
	FIELD_TEXT_MAX_BYTES = 520,   /* what a hop said, an ORCPT: each in one line */
	LINE_MAX_BYTES = 998,         /* RFC 5322 2.1.1 */
	WORDS_MAX_BYTES = 8 * 1024,   /* of recipients in the text part; the report has them all */
	REPORT_MAX_BYTES = 32 * 1024, /* then another notice tells of the rest */
	END_BYTES = 512,              /* the last boundary, and the head of the last part */
	ID_SUFFIX_BYTES = 5,          /* ".F999" */
	ID_HASH_BYTES = 12,
	BOUNDARY_HASH_BYTES = 16,
	BOUNDARY_SIZE = 2 + 2 * BOUNDARY_HASH_BYTES + 1,
};

/* What is said about each kind; the words are for people who have never seen one. */
struct kind {
	char letter;                  /* in the id */
	uint8_t wish;                 /* that asks for it */
	bool by_default;              /* also for those who asked for nothing */
	const char *subject;
	const char *action;           /* RFC 3464 2.3.3 */
	const char *says;
};

static const struct kind kinds[NOTICE_KIND_COUNT] = {
	[NOTICE_FAILURE] = { 'F', NOTIFY_FAILURE, true, "Your message could not be delivered",
		"failed",
		"Your message could not be delivered to the recipients below.\r\n"
		"It will not be tried again. The reason stands with each of them.\r\n" },
	[NOTICE_DELAY] = { 'D', NOTIFY_DELAY, true, "Your message is delayed", "delayed",
		"Your message has not yet been delivered to the recipients below.\r\n"
		"You need not send it again.\r\n" },
	[NOTICE_SUCCESS] = { 'S', NOTIFY_SUCCESS, false, "Your message was passed on", "relayed",
		"You asked to be told: your message was passed on for the recipients below.\r\n"
		"What they are told of it further on is up to their mail systems.\r\n" },
};

/* To the mailbox itself: RFC 3464 2.3.3 "delivered". */
static const struct kind delivered = { 'S', NOTIFY_SUCCESS, false, "Your message was delivered",
	"delivered",
	"You asked to be told: your message was delivered to the recipients below.\r\n" };

static const struct kind *
kind_of(const struct notice *notice)
{
	if (notice->kind == NOTICE_SUCCESS && notice->at_mailbox)
		return &delivered;
	return &kinds[notice->kind];
}

bool
notice_is_wanted(const struct record *record, uint32_t number, enum notice_kind kind)
{
	uint8_t wishes = record->envelope.recipients[number].notify;
	if (!record->envelope.sender[0])
		return false;
	return wishes ? (wishes & kinds[kind].wish) != 0 : kinds[kind].by_default;
}

/* ---- safe pieces */

/* Text that others chose, on one line: anything but printable ASCII as \xNN, cut to fit. */
static void
add_text(struct buf *to, struct span text)
{
	char safe[FIELD_TEXT_MAX_BYTES];
	if (span_is_printable(text))
		buf_add_span(to, span_first(text, sizeof(safe) - 1));
	else
		buf_add(to, safe, text_escape(text, safe, sizeof(safe)));
}

static void
add_text_line(struct buf *to, const char *before, struct span text)
{
	buf_add_text(to, before);
	add_text(to, text);
	buf_add_text(to, "\r\n");
}

/* RFC 6533 3: utf-8-addr-xtext, for fields of a report that is ASCII. */
static void
add_address(struct buf *to, const char *path)
{
	struct span rest = span_text(path);
	if (span_is_printable(rest)) {
		buf_add_text(to, "rfc822; ");
		add_text(to, rest);
		return;
	}
	buf_add_text(to, "utf-8; ");
	while (rest.length) {
		unsigned char lead = (unsigned char)rest.start[0];
		size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
		static const unsigned char lead_bits[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
		uint32_t point = lead & lead_bits[length];
		for (size_t i = 1; i < length && i < rest.length; i++)
			point = point << 6 | ((unsigned char)rest.start[i] & 0x3f);
		if (point > 32 && point < 127 && point != '\\' && point != '+' && point != '=')
			buf_add_byte(to, (char)point);
		else
			buf_printf(to, "\\x{%X}", (unsigned)point);
		rest = span_from(rest, length);
	}
}

/* Decoded if that gives printable ASCII, which smtp has checked; else as it came, still encoded. */
static void
add_xtext(struct buf *to, struct span xtext)
{
	struct buf decoded = BUF_INIT(FIELD_TEXT_MAX_BYTES);
	if (xtext_parse(xtext, &decoded) && span_is_printable(buf_span(&decoded)))
		add_text(to, buf_span(&decoded));
	else
		add_text(to, xtext);
	buf_fini(&decoded);
}

static void
add_date(struct buf *to, const char *field, int64_t when_ms)
{
	char date[MAIL_DATE_SIZE];
	mail_date_format(when_ms / 1000, 0, date);
	buf_printf(to, "%s: %s\r\n", field, date);
}

/* ---- the human's part */

static void
add_reason(struct buf *to, const struct recipient *recipient)
{
	buf_add_text(to, "    ");
	if (recipient->hop && recipient->hop[0]) {
		add_text(to, span_text(recipient->hop));
		buf_add_text(to, recipient->code ? " said: " : ": ");
	}
	if (recipient->code)
		buf_printf(to, "%u ", recipient->code);
	add_text_line(to, "", span_text(recipient->text));
}

static void
add_words(struct buf *to, const struct notice *notice, const struct kind *kind, size_t told)
{
	const struct record *record = &notice->parcel->record;
	buf_printf(to, "This is the mail system at %s.\r\n\r\n%s", notice->hostname, kind->says);
	if (notice->kind == NOTICE_DELAY)
		add_date(to, "It will be tried until", notice->until_ms);
	buf_add_text(to, "\r\n");
	for (size_t i = 0; i < told; i++) {
		const struct recipient *recipient = &notice->recipients[i];
		if (buf_length(to) > WORDS_MAX_BYTES) {
			buf_printf(to, "and %zu more, as listed in the report below\r\n", told - i);
			break;
		}
		struct span path = span_text(record->envelope.recipients[recipient->number].path);
		/* What SMTPUTF8 let in is UTF-8 without control bytes: people read it as it is. */
		buf_add_text(to, "  <");
		if (record->envelope.smtputf8 && utf8_is_valid(path))
			buf_add_span(to, path);
		else
			add_text(to, path);
		buf_add_text(to, ">\r\n");
		add_reason(to, recipient);
	}
	buf_printf(to, "\r\nIts number here is %s.\r\n", record->id);
}

/* ---- the machine's part */

/* RFC 3464 2.3.4: the class must be that of the action. */
static void
add_status(struct buf *to, const struct notice *notice, const struct recipient *recipient)
{
	static const char classes[] = { '5', '4', '2' };
	const char *enhanced = recipient->enhanced ? recipient->enhanced : "";
	char class = classes[notice->kind];
	if (enhanced[0] == class || (notice->kind == NOTICE_FAILURE && enhanced[0] == '4'))
		buf_printf(to, "Status: %s\r\n", enhanced);
	else
		buf_printf(to, "Status: %c.0.0\r\n", class);
}

static void
add_recipient(struct buf *to, const struct notice *notice, const struct kind *kind,
	const struct recipient *recipient)
{
	const struct message_recipient *addressed =
		&notice->parcel->record.envelope.recipients[recipient->number];
	buf_add_text(to, "\r\n");
	if (addressed->orcpt[0]) {
		struct span xtext;
		struct span type = span_cut(span_text(addressed->orcpt), ';', &xtext);
		buf_add_text(to, "Original-Recipient: ");
		add_text(to, type);
		buf_add_text(to, ";");
		add_xtext(to, xtext);
		buf_add_text(to, "\r\n");
	}
	buf_add_text(to, "Final-Recipient: ");
	add_address(to, addressed->path);
	buf_printf(to, "\r\nAction: %s\r\n", kind->action);
	add_status(to, notice, recipient);
	if (recipient->hop && recipient->hop[0])
		add_text_line(to, "Remote-MTA: dns; ", span_text(recipient->hop));
	if (recipient->code) {
		buf_printf(to, "Diagnostic-Code: smtp; %u ", recipient->code);
		/* The hop's own; ours, of a deferral that has expired, has another class. */
		if (recipient->enhanced && recipient->enhanced[0] == '0' + recipient->code / 100)
			buf_printf(to, "%s ", recipient->enhanced);
		add_text_line(to, "", span_text(recipient->text));
	}
	if (recipient->tried_ms)
		add_date(to, "Last-Attempt-Date", recipient->tried_ms);
	if (notice->kind == NOTICE_DELAY)
		add_date(to, "Will-Retry-Until", notice->until_ms);
}

/* Gives how many recipients it has room for. */
static size_t
add_report(struct buf *to, const struct notice *notice, const struct kind *kind)
{
	const struct message_envelope *envelope = &notice->parcel->record.envelope;
	if (envelope->envid[0]) {
		buf_add_text(to, "Original-Envelope-Id: ");
		add_xtext(to, span_text(envelope->envid));
		buf_add_text(to, "\r\n");
	}
	buf_printf(to, "Reporting-MTA: dns; %s\r\n", notice->hostname);
	add_date(to, "Arrival-Date", notice->parcel->received_ms);
	for (size_t i = 0; i < notice->recipient_count; i++) {
		size_t before = buf_length(to);
		add_recipient(to, notice, kind, &notice->recipients[i]);
		if (i > 0 && buf_length(to) > REPORT_MAX_BYTES) {
			buf_truncate(to, before);
			return i;
		}
	}
	return notice->recipient_count;
}

/* ---- what is returned of the original */

/* Up to CRLF: a CR or LF alone does not end a line. */
static size_t
line_length(struct span text)
{
	const char *end = memmem(text.start, text.length, "\r\n", 2);
	return end ? (size_t)(end - text.start) : text.length;
}

/*
 * The header line by line: nothing in it can end a line or the part. Cut at a line's end when the
 * cap is near; a line that is too long loses its tail.
 */
static void
add_header(struct buf *to, struct span header, bool utf8, size_t room)
{
	while (header.length) {
		size_t length = line_length(header);
		struct span line =
			span_first(header, length < LINE_MAX_BYTES ? length : LINE_MAX_BYTES);
		header = span_from(header, length + 2);
		if (!line.length || buf_length(to) + line.length + 2 > room)
			return;
		for (size_t i = 0; i < line.length; i++) {
			unsigned char byte = (unsigned char)line.start[i];
			bool good = byte == '\t' || (byte >= ' ' && byte < 127) ||
				(byte > 127 && utf8);
			buf_add_byte(to, good ? (char)byte : '?');
		}
		buf_add_text(to, "\r\n");
	}
}

/* Only CRLF ends lines, none is too long, no NUL: then it may stand in a notice as it is. */
static bool
is_clean(struct span content)
{
	size_t line = 0;
	for (size_t i = 0; i < content.length; i++) {
		char byte = content.start[i];
		bool ends = byte == '\r' && i + 1 < content.length && content.start[i + 1] == '\n';
		if (byte == '\0' || (byte == '\n' && (!i || content.start[i - 1] != '\r')) ||
			(byte == '\r' && !ends) || ++line > LINE_MAX_BYTES + 2)
			return false;
		if (byte == '\n')
			line = 0;
	}
	return true;
}

static bool
has_8bit(struct span bytes)
{
	for (size_t i = 0; i < bytes.length; i++) {
		if ((unsigned char)bytes.start[i] > 127)
			return true;
	}
	return false;
}

/* A part with its own header, in base64 if it has bytes that a hop might not take. */
static void
add_part(struct buf *to, const char *boundary, const char *type, struct span content)
{
	buf_printf(to, "--%s\r\nContent-Type: %s\r\n", boundary, type);
	if (!has_8bit(content)) {
		buf_add_text(to, "\r\n");
		buf_add_span(to, content);
	} else {
		enum { LINE_BYTES = 57 };
		buf_add_text(to, "Content-Transfer-Encoding: base64\r\n\r\n");
		for (; content.length; content = span_from(content, LINE_BYTES)) {
			base64_format(span_first(content, LINE_BYTES), to);
			buf_add_text(to, "\r\n");
		}
	}
	buf_add_text(to, "\r\n");
}

/* True if the notice has 8-bit bytes now. */
static bool
add_original(struct buf *to, const char *boundary, const struct parcel *parcel)
{
	const struct message_envelope *envelope = &parcel->record.envelope;
	bool eightbit = has_8bit(parcel->content);
	size_t room = MESSAGE_BODY_MAX_BYTES - END_BYTES - buf_length(to);
	if (envelope->smtputf8)
		room = room / 4 * 3 - room / 32; /* base64 and its line ends */
	if (room > NOTICE_RETURN_MAX_BYTES)
		room = NOTICE_RETURN_MAX_BYTES;
	if (envelope->ret == RETURN_FULL && !parcel->record.file &&
		parcel->content.length <= room && is_clean(parcel->content)) {
		if (envelope->smtputf8) {
			add_part(to, boundary, "message/global", parcel->content);
			return false;
		}
		/* RFC 2046 5.2.1: a message/rfc822 part cannot be in base64 */
		buf_printf(to, "--%s\r\nContent-Type: message/rfc822\r\n%s\r\n", boundary,
			eightbit ? "Content-Transfer-Encoding: 8bit\r\n" : "");
		buf_add_span(to, parcel->content);
		buf_add_text(to, "\r\n");
		return eightbit;
	}
	struct buf header = BUF_INIT(0);
	add_header(&header, parcel_header(parcel), envelope->smtputf8, room);
	add_part(to, boundary,
		has_8bit(buf_span(&header)) ? "message/global-headers" : "text/rfc822-headers",
		buf_span(&header));
	buf_fini(&header);
	return false;
}

/* ---- the whole */

/* Nobody can have put it into the original: it is made of the original's digest. */
static void
make_boundary(const struct notice *notice, char boundary[BOUNDARY_SIZE])
{
	unsigned char digest_bytes[DIGEST_BYTES];
	struct digest digest;
	digest_init(&digest);
	digest_add(&digest, record_digest(notice->parcel->bytes));
	digest_final(&digest, digest_bytes);
	memcpy(boundary, "=_", 2);
	text_hex(digest_bytes, BOUNDARY_HASH_BYTES, boundary + 2, BOUNDARY_SIZE - 2);
}

static void
make_id(const struct notice *notice, const struct kind *kind, char id[MESSAGE_ID_MAX_BYTES + 1])
{
	const char *parent = notice->parcel->record.id;
	char hex[2 * ID_HASH_BYTES + 1];
	if (strlen(parent) + ID_SUFFIX_BYTES > MESSAGE_ID_MAX_BYTES) {
		text_hex(record_digest(notice->parcel->bytes).start, ID_HASH_BYTES, hex,
			sizeof(hex));
		parent = hex;
	}
	snprintf(id, MESSAGE_ID_MAX_BYTES + 1, "%s.%c%u", parent, kind->letter,
		notice->recipients[0].number);
}

static void
add_head(struct buf *to, const struct notice *notice, const struct kind *kind, const char *id,
	const char *boundary)
{
	char date[MAIL_DATE_SIZE];
	mail_date_format(notice->now_ms / 1000, 0, date);
	buf_printf(to, "Received: by %s with local id %s; %s\r\n", notice->hostname, id, date);
	buf_printf(to, "Date: %s\r\n", date);
	buf_printf(to, "From: Mail Delivery System <%s>\r\n", notice->postmaster);
	buf_printf(to, "To: <%s>\r\n", notice->parcel->record.envelope.sender);
	buf_printf(to, "Subject: %s\r\n", kind->subject);
	buf_printf(to, "Message-ID: <%s@%s>\r\n", id, notice->hostname);
	buf_add_text(to, "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n");
	buf_printf(to,
		"Content-Type: multipart/report; report-type=delivery-status;\r\n"
		" boundary=\"%s\"\r\n\r\n",
		boundary);
}

static void
set_record(struct parcel *parcel, const struct notice *notice, const char *id, bool eightbit)
{
	struct arena *arena = parcel->arena;
	const struct record *parent = &notice->parcel->record;
	struct message_recipient *recipient = arena_alloc(arena, sizeof(*recipient));
	const char *sender = arena_strdup(arena, parent->envelope.sender);
	/* RFC 3461 4.1: nobody is told of a notice. */
	*recipient = (struct message_recipient){ .path = sender, .notify = NOTIFY_NEVER,
		.orcpt = "" };
	parcel->record = (struct record){
		.id = arena_strdup(arena, id),
		.parent = arena_strdup(arena, parent->id),
		.session = "", .listener = "", .protocol = "", .client_address = "", .login = "",
		.envelope = {
			.sender = "",
			.envid = "",
			.body_kind = eightbit ? BODY_8BITMIME : BODY_7BIT,
			.smtputf8 = has_8bit(span_text(sender)),
			.recipient_count = 1,
			.recipients = recipient,
		},
	};
}

struct parcel *
notice_make(const struct notice *notice, size_t *told_out)
{
	const struct kind *kind = kind_of(notice);
	char id[MESSAGE_ID_MAX_BYTES + 1];
	char boundary[BOUNDARY_SIZE];
	struct buf header = BUF_INIT(0);
	struct buf body = BUF_INIT(MESSAGE_BODY_MAX_BYTES);
	struct buf words = BUF_INIT(0);
	struct buf report = BUF_INIT(0);
	make_id(notice, kind, id);
	make_boundary(notice, boundary);
	add_head(&header, notice, kind, id, boundary);
	*told_out = add_report(&report, notice, kind);
	add_words(&words, notice, kind, *told_out);
	add_part(&body, boundary, "text/plain; charset=utf-8", buf_span(&words));
	add_part(&body, boundary, "message/delivery-status", buf_span(&report));
	bool eightbit = add_original(&body, boundary, notice->parcel);
	buf_printf(&body, "--%s--\r\n", boundary);
	assert(!body.overflow);
	struct parcel *parcel = parcel_new(buf_length(&header) + buf_length(&body));
	set_record(parcel, notice, id, eightbit);
	parcel_seal(parcel, buf_span(&header), buf_span(&body), notice->now_ms);
	buf_fini(&report);
	buf_fini(&words);
	buf_fini(&body);
	buf_fini(&header);
	return parcel;
}
