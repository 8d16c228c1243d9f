/* SPDX-License-Identifier: BSD-2-Clause */
/* Notices: failure, delay and success, as RFC 3461, 3464, 6522 and 6533 want them; pure. */
#include "queue/notice.h"

#include "queue/notice_original.h"
#include "queue/notice_report.h"
#include "queue/notice_text.h"
#include "queue/notice_words.h"
#include "wire/base64.h"
#include "wire/mail_date.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum {
	MESSAGE_ID_FIELD_MAX_BYTES = 255,
	ID_SUFFIX_BYTES = 5, /* ".F999" */
	ID_HASH_BYTES = 12,
	BOUNDARY_HASH_BYTES = 16,
	BOUNDARY_SIZE = 2 + 2 * BOUNDARY_HASH_BYTES + 1,
};

/* In the id of a notice. */
static const char letters[NOTICE_KIND_COUNT] = {
	[NOTICE_FAILURE] = 'F',
	[NOTICE_DELAY] = 'D',
	[NOTICE_SUCCESS] = 'S',
	[NOTICE_DOUBLE] = 'P',
};

/* ---- who is told */

/* RFC 3461 4.1: who said nothing hears of failures, and of delays as they come. */
static bool
is_wished(const struct record *record, uint32_t number, enum notice_kind kind)
{
	static const uint8_t wish_of[NOTICE_KIND_COUNT] = { NOTIFY_FAILURE, NOTIFY_DELAY,
		NOTIFY_SUCCESS, NOTIFY_FAILURE };
	uint8_t wishes = record->envelope.recipients[number].notify;
	return wishes ? (wishes & wish_of[kind]) != 0 : kind != NOTICE_SUCCESS;
}

bool
notice_is_wanted(const struct record *record, uint32_t number, enum notice_kind kind)
{
	bool has_sender = record->envelope.sender[0] != '\0';
	if (kind != NOTICE_DOUBLE)
		return has_sender && is_wished(record, number, kind);
	return !has_sender && (record->parent[0] || is_wished(record, number, kind));
}

bool
notice_is_last(const struct record *record, const char *postmaster)
{
	const char *suffix = strrchr(record->id, '.');
	if (record->envelope.sender[0] || !record->parent[0])
		return false;
	return (suffix && suffix[1] == letters[NOTICE_DOUBLE]) ||
		span_is_nocase(span_text(record->envelope.recipients[0].path), postmaster);
}

/* ---- parts */

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

/* With its own header. In base64 if it has bytes that a hop might not take; as_is: it may not be. */
static void
add_part(struct buf *to, const char *boundary, const char *type, struct span content, bool as_is)
{
	enum { LINE_BYTES = 57 };
	buf_printf(to, "--%s\r\nContent-Type: %s\r\n", boundary, type);
	if (as_is || !notice_text_has_8bit(content)) {
		buf_add_text(to, as_is ? "Content-Transfer-Encoding: 8bit\r\n\r\n" : "\r\n");
		buf_add_span(to, content);
	} else {
		buf_add_text(to, "Content-Transfer-Encoding: base64\r\n\r\n");
		for (; content.length; content = span_from(content, LINE_BYTES)) {
			base64_format(span_first(content, LINE_BYTES), to);
			buf_add_text(to, "\r\n");
		}
	}
	buf_add_text(to, "\r\n");
}

/* True if there are 8-bit bytes in it. */
static bool
add_body(struct buf *to, const struct notice *notice, const char *boundary)
{
	bool global = notice_original_is_global(notice->parcel);
	struct notice_original original;
	struct buf part = BUF_INIT(0);
	notice_words_add(&part, notice);
	add_part(to, boundary, "text/plain; charset=utf-8", buf_span(&part), false);
	buf_clear(&part);
	notice_report_add(&part, notice, global);
	add_part(to, boundary,
		global ? "message/global-delivery-status" : "message/delivery-status",
		buf_span(&part), false);
	notice_original_init(&original, notice, global);
	if (original.type)
		add_part(to, boundary, original.type, buf_span(&original.bytes),
			original.eightbit);
	buf_printf(to, "--%s--\r\n", boundary);
	buf_fini(&original.bytes);
	buf_fini(&part);
	return original.eightbit;
}

/* ---- the whole */

static const char *
addressee(const struct notice *notice)
{
	return notice->kind == NOTICE_DOUBLE ? notice->postmaster :
					       notice->parcel->record.envelope.sender;
}

void
notice_make_id(const struct parcel *about, char letter, uint32_t number,
	char id[MESSAGE_ID_MAX_BYTES + 1])
{
	const char *parent = about->record.id;
	char hex[2 * ID_HASH_BYTES + 1];
	if (strlen(parent) + ID_SUFFIX_BYTES > MESSAGE_ID_MAX_BYTES) {
		text_hex(record_digest(about->bytes).start, ID_HASH_BYTES, hex, sizeof(hex));
		parent = hex;
	}
	snprintf(id, MESSAGE_ID_MAX_BYTES + 1, "%s.%c%u", parent, letter, number);
}

/* RFC 3834 3.1.5: what it is an answer to, so that mail programs show them together. */
static void
add_references(struct buf *to, const struct notice *notice)
{
	struct buf field = BUF_INIT(0);
	if (notice_original_field(
		    notice->parcel, "Message-ID", MESSAGE_ID_FIELD_MAX_BYTES, &field)) {
		struct span id = buf_span(&field);
		bool is_one = span_starts(id, "<") && span_find(id, '>') == id.length - 1 &&
			!span_has_byte(id, ' ');
		if (is_one)
			buf_printf(to, "In-Reply-To: %.*s\r\nReferences: %.*s\r\n",
				SPAN_PRINT(id), SPAN_PRINT(id));
	}
	buf_fini(&field);
}

static void
add_head(struct buf *to, const struct notice *notice, const char *id, const char *boundary)
{
	char date[MAIL_DATE_SIZE];
	mail_date_format(notice->now_ms / 1000, 0, date);
	buf_printf(to, "Received: by %s with local id %s; %s\r\n", notice->hostname, id, date);
	buf_printf(to, "Date: %s\r\n", date);
	buf_printf(to, "From: Mail Delivery System <%s>\r\n", notice->postmaster);
	buf_printf(to, "To: <%s>\r\n", addressee(notice));
	notice_words_add_subject(to, notice);
	buf_printf(to, "Message-ID: <%s@%s>\r\n", id, notice->hostname);
	add_references(to, notice);
	buf_add_text(to, "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n");
	buf_printf(to,
		"Content-Type: multipart/report; report-type=%s;\r\n boundary=\"%s\"\r\n\r\n",
		notice_original_is_global(notice->parcel) ? "global-delivery-status" :
							    "delivery-status",
		boundary);
}

void
notice_set_record(struct parcel *parcel, const char *id, const char *about, const char *to,
	bool eightbit)
{
	struct arena *arena = parcel->arena;
	struct message_recipient *recipient = arena_alloc(arena, sizeof(*recipient));
	const char *path = arena_strdup(arena, to);
	/* RFC 3461 4.1: nobody is told of a notice. */
	*recipient = (struct message_recipient){ .path = path, .notify = NOTIFY_NEVER,
		.orcpt = "" };
	parcel->record = (struct record){
		.id = arena_strdup(arena, id),
		.parent = arena_strdup(arena, about),
		.session = "", .listener = "", .protocol = "", .client_address = "", .login = "",
		.envelope = {
			.sender = "",
			.envid = "",
			.body_kind = eightbit ? BODY_8BITMIME : BODY_7BIT,
			.smtputf8 = notice_text_has_8bit(span_text(path)),
			.recipient_count = 1,
			.recipients = recipient,
		},
	};
}

struct parcel *
notice_make(const struct notice *notice)
{
	char id[MESSAGE_ID_MAX_BYTES + 1];
	char boundary[BOUNDARY_SIZE];
	struct buf header = BUF_INIT(0);
	struct buf body = BUF_INIT(MESSAGE_NOTICE_MAX_BYTES);
	notice_make_id(notice->parcel, letters[notice->kind], notice->recipients[0].number, id);
	make_boundary(notice, boundary);
	add_head(&header, notice, id, boundary);
	bool eightbit = add_body(&body, notice, boundary);
	assert(!body.overflow);
	struct parcel *parcel = parcel_new(buf_length(&header) + buf_length(&body));
	notice_set_record(parcel, id, notice->parcel->record.id, addressee(notice), eightbit);
	parcel_seal(parcel, buf_span(&header), buf_span(&body), notice->now_ms);
	buf_fini(&body);
	buf_fini(&header);
	return parcel;
}
