/* SPDX-License-Identifier: BSD-2-Clause */
/* What a notice returns of the original: all of it, its header, or nothing; never past the cap. */
#include "queue/notice_original.h"

#include "queue/notice_text.h"

#include <string.h>

enum { LINE_MAX_BYTES = 998 }; /* RFC 5322 2.1.1 */

/* Up to CRLF: a CR or LF alone does not end a line. */
static size_t
line_length(struct span text)
{
	const char *end = memmem(text.start, text.length, "\r\n", 2);
	return end ? (size_t)(end - text.start) : text.length;
}

/* Is this line of a header one that names, or goes on naming, those who are nobody's business? */
static bool
is_blind(struct span line, bool was_blind)
{
	if (span_starts(line, " ") || span_starts(line, "\t"))
		return was_blind;
	return span_starts_nocase(line, "Bcc:") || span_starts_nocase(line, "Resent-Bcc:");
}

void
notice_original_add_header(struct buf *to, struct span header, bool utf8, size_t room)
{
	bool blind = false;
	while (header.length) {
		size_t length = line_length(header);
		struct span line =
			span_first(header, length < LINE_MAX_BYTES ? length : LINE_MAX_BYTES);
		header = span_from(header, length + 2);
		if (!line.length || buf_length(to) + line.length + 2 > room)
			return;
		blind = is_blind(line, blind);
		for (size_t i = 0; i < line.length && !blind; i++) {
			unsigned char byte = (unsigned char)line.start[i];
			bool good = byte == '\t' || (byte >= ' ' && byte < 127) ||
				(byte > 127 && utf8);
			buf_add_byte(to, good ? (char)byte : '?');
		}
		if (!blind)
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

/*
 * RFC 3461 4.3: RET counts where something failed, other notices have the header. Who did not say
 * gets all of a message that is lost otherwise. Of ours that failed, the postmaster wants all.
 */
static bool
is_whole_wanted(const struct notice *notice)
{
	if (notice->kind == NOTICE_DOUBLE)
		return true;
	return notice->kind == NOTICE_FAILURE &&
		notice->parcel->record.envelope.ret != RETURN_HEADERS;
}

bool
notice_original_is_global(const struct parcel *parcel)
{
	const struct message_envelope *envelope = &parcel->record.envelope;
	return envelope->smtputf8 && (notice_text_has_8bit(span_text(envelope->sender)) ||
		notice_text_has_8bit(parcel_header(parcel)));
}

void
notice_original_init(struct notice_original *original, const struct notice *notice, bool global)
{
	const struct parcel *parcel = notice->parcel;
	buf_init(&original->bytes, 0);
	original->type = NULL;
	original->eightbit = false;
	if (notice->return_max_bytes == 0)
		return;
	if (is_whole_wanted(notice) && !parcel->record.file &&
		parcel->content.length <= notice->return_max_bytes && is_clean(parcel->content)) {
		original->type = global ? "message/global" : "message/rfc822";
		/* RFC 2046 5.2.1: a message/rfc822 part cannot be in base64 */
		original->eightbit = !global && notice_text_has_8bit(parcel->content);
		buf_add_span(&original->bytes, parcel->content);
		return;
	}
	notice_original_add_header(
		&original->bytes, parcel_header(parcel), global, notice->return_max_bytes);
	original->type = notice_text_has_8bit(buf_span(&original->bytes)) ?
		"message/global-headers" :
		"text/rfc822-headers";
}

bool
notice_original_field(const struct parcel *parcel, const char *name, size_t max, struct buf *to)
{
	struct span rest = parcel_header(parcel);
	size_t name_length = strlen(name);
	while (rest.length) {
		size_t length = line_length(rest);
		struct span line = span_first(rest, length);
		rest = span_from(rest, length + 2);
		if (!span_starts_nocase(line, name) || line.length <= name_length ||
			line.start[name_length] != ':')
			continue;
		buf_add_span(to, span_trim(span_from(line, name_length + 1)));
		while (span_starts(rest, " ") || span_starts(rest, "\t")) {
			length = line_length(rest);
			buf_add_byte(to, ' ');
			buf_add_span(to, span_trim(span_first(rest, length)));
			rest = span_from(rest, length + 2);
		}
		return buf_length(to) > 0 && buf_length(to) <= max &&
			span_is_printable(buf_span(to));
	}
	return false;
}
