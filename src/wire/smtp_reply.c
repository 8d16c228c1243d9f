/* SPDX-License-Identifier: BSD-2-Clause */
/* SMTP replies both ways: ours as bytes, a hop's as code, enhanced code and safe text. */
#include "wire/smtp_reply.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "wire/octet.h"

enum {
	CODE_BYTES = 3,
	CHALLENGE = 334,
	PRINTF_TEXT_SIZE = 1001,
	ESCAPE_PIECE_BYTES = 64,
};

/* How much of the text fits into one line; the break is at a blank where there is one. */
static size_t
line_length(struct span text, size_t room)
{
	size_t length = room;

	if (text.length <= room)
		return text.length;
	while (length > room / 2 && text.start[length] != ' ')
		length--;
	return length > room / 2 ? length : room;
}

static bool
add_line(const struct smtp_reply *reply, struct span text, bool last, struct buf *out)
{
	bool enhanced = reply->enhanced && reply->enhanced[0];
	char *to;

	if (!buf_printf(out, "%03u%c%s%s", reply->code, last ? ' ' : '-',
		    enhanced ? reply->enhanced : "", enhanced ? " " : ""))
		return false;
	to = buf_reserve(out, text.length + 2);
	if (!to)
		return false;
	for (size_t i = 0; i < text.length; i++) {
		char byte = text.start[i];

		to[i] = octet_is_control(byte) || octet_is_8bit(byte) ? '?' : byte;
	}
	memcpy(to + text.length, "\r\n", 2);
	buf_claim(out, text.length + 2);
	return true;
}

bool
smtp_reply_format(const struct smtp_reply *reply, struct buf *out)
{
	size_t before = buf_length(out);
	size_t room = SMTP_REPLY_LINE_MAX_BYTES - CODE_BYTES - 3;
	struct span text = span_text(reply->text);
	bool more = true;

	assert(reply->code >= 200 && reply->code <= 599);
	while (text.length && text.start[text.length - 1] == '\n')
		text.length--;
	if (reply->enhanced && reply->enhanced[0])
		room -= strlen(reply->enhanced) + 1;
	while (more) {
		struct span line = span_first(text, span_find(text, '\n'));
		bool whole = reply->code == CHALLENGE || line.length <= room;
		size_t length = whole ? line.length : line_length(line, room);

		/* What parted two lines, a newline or the blank of a break, is in neither. */
		more = length < text.length;
		if (!add_line(reply, span_first(line, length), !more, out)) {
			buf_truncate(out, before);
			return false;
		}
		if (more && (text.start[length] == '\n' || text.start[length] == ' '))
			length++;
		text = span_from(text, length);
	}
	return true;
}

bool
smtp_reply_printf(struct buf *out, unsigned code, const char *enhanced, const char *format, ...)
{
	char text[PRINTF_TEXT_SIZE];
	struct smtp_reply reply = { .code = code, .enhanced = enhanced, .text = text };
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	return smtp_reply_format(&reply, out);
}

/* RFC 3463 2: class "." subject "." detail, the latter two of one to three digits. */
bool
smtp_reply_enhanced_fits(struct span enhanced, unsigned code)
{
	struct span subject;
	struct span detail;
	struct span class = span_cut(enhanced, '.', &subject);
	uint64_t number;

	if (class.length != 1 || (unsigned)(class.start[0] - '0') != code / 100 || code / 100 == 3)
		return false;
	subject = span_cut(subject, '.', &detail);
	return subject.length <= 3 && text_parse_number(subject, 999, &number) &&
	       detail.length <= 3 && text_parse_number(detail, 999, &number);
}

void
smtp_reply_reader_init(struct smtp_reply_reader *reader)
{
	*reader = (struct smtp_reply_reader){
		.text = BUF_INIT(SMTP_REPLY_IN_TEXT_MAX_BYTES),
		.line = BUF_INIT(SMTP_REPLY_IN_LINE_MAX_BYTES),
	};
}

void
smtp_reply_reader_fini(struct smtp_reply_reader *reader)
{
	buf_fini(&reader->text);
	buf_fini(&reader->line);
}

static void
start_reply(struct smtp_reply_reader *reader)
{
	reader->code = 0;
	reader->enhanced[0] = '\0';
	reader->lines = 0;
	reader->fault = NULL;
	reader->bytes = 0;
	reader->complete = false;
	reader->cut = false;
	buf_clear(&reader->text);
	buf_clear(&reader->line);
}

static enum parse
bad(struct smtp_reply_reader *reader, const char *fault)
{
	reader->fault = fault;
	return PARSE_BAD;
}

static void
add_text(struct smtp_reply_reader *reader, struct span text)
{
	char escaped[4 * ESCAPE_PIECE_BYTES + 1];

	if (reader->lines > 1 && !reader->cut)
		reader->cut = !buf_add_byte(&reader->text, '\n');
	while (text.length && !reader->cut) {
		size_t length =
			text_escape(span_first(text, ESCAPE_PIECE_BYTES), escaped, sizeof escaped);

		reader->cut = !buf_add(&reader->text, escaped, length);
		text = span_from(text, ESCAPE_PIECE_BYTES);
	}
}

/* A mismatched class is the hop's slip and proves nothing: the code alone counts. */
static struct span
take_enhanced(struct smtp_reply_reader *reader, struct span text)
{
	struct span rest;
	struct span first = span_cut(text, ' ', &rest);

	if (!smtp_reply_enhanced_fits(first, reader->code))
		return text;
	if (reader->enhanced[0] == '\0') {
		memcpy(reader->enhanced, first.start, first.length);
		reader->enhanced[first.length] = '\0';
	}
	return rest;
}

/*
 * RFC 5321 4.2: Reply-line = Reply-code [ SP textstring ] CRLF, or with "-" if more lines follow.
 * The second digit may be any: hops use codes such as 571.
 */
static enum parse
take_line(struct smtp_reply_reader *reader)
{
	struct span line = buf_span(&reader->line);
	uint64_t code = 0;
	bool more;

	if (line.length < 2 || line.start[line.length - 2] != '\r')
		return bad(reader, "bare LF in reply");
	line.length -= 2;
	if (span_has_byte(line, '\r'))
		return bad(reader, "bare CR in reply");
	if (line.length < CODE_BYTES ||
		!text_parse_number(span_first(line, CODE_BYTES), 599, &code) || code < 200)
		return bad(reader, "reply without a code");
	if (line.length > CODE_BYTES && line.start[CODE_BYTES] != ' ' &&
		line.start[CODE_BYTES] != '-')
		return bad(reader, "malformed reply code");
	if (reader->lines && code != reader->code)
		return bad(reader, "reply lines with different codes");
	reader->code = (unsigned)code;
	if (++reader->lines > SMTP_REPLY_IN_MAX_LINES)
		return bad(reader, "reply has too many lines");
	more = line.length > CODE_BYTES && line.start[CODE_BYTES] == '-';
	add_text(reader, take_enhanced(reader, span_from(line, CODE_BYTES + 1)));
	buf_clear(&reader->line);
	return more ? PARSE_MORE : PARSE_DONE;
}

enum parse
smtp_reply_reader_feed(struct smtp_reply_reader *reader, struct span *in)
{
	if (reader->complete)
		start_reply(reader);
	while (in->length) {
		size_t at = span_find(*in, '\n');
		struct span piece = span_first(*in, at + 1);
		enum parse done;

		reader->bytes += piece.length;
		if (reader->bytes > SMTP_REPLY_IN_MAX_BYTES)
			return bad(reader, "reply is too long");
		if (!buf_add_span(&reader->line, piece))
			return bad(reader, "reply line is too long");
		*in = span_from(*in, piece.length);
		if (piece.start[piece.length - 1] != '\n')
			return PARSE_MORE;
		done = take_line(reader);
		if (done != PARSE_MORE) {
			reader->complete = done == PARSE_DONE;
			return done;
		}
	}
	return PARSE_MORE;
}

struct span
smtp_reply_reader_line(const struct smtp_reply_reader *reader, unsigned number)
{
	struct span rest = buf_span(&reader->text);
	struct span line = span_cut(rest, '\n', &rest);

	while (number--)
		line = span_cut(rest, '\n', &rest);
	return line;
}
