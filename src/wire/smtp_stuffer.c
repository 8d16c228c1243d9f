/* SPDX-License-Identifier: BSD-2-Clause */
/* Message content as it goes out by DATA: dots stuffed, line ends right, whatever was stored. */
#include "wire/smtp_stuffer.h"

#include "wire/octet.h"

enum state {
	AT_START,
	STUFFED, /* the extra dot was given, the line's own comes next */
	IN_LINE,
	AFTER_CR, /* a CR was taken and not given on */
};

static const struct span crlf = SPAN_LITERAL("\r\n");
static const struct span dot = SPAN_LITERAL(".");
static const struct span instead_of_nul = SPAN_LITERAL("?");
static const struct span fold = SPAN_LITERAL("\r\n ");

void
smtp_stuffer_init(struct smtp_stuffer *stuffer)
{
	stuffer->state = AT_START;
	stuffer->line = 0;
}

/* Bytes of the character that begins so; 1 for what is no UTF-8. */
static size_t
character_bytes(char first)
{
	unsigned char byte = (unsigned char)first;

	return byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
}

/* Has the line no room for what comes next? */
static bool
must_fold(size_t line, char next)
{
	return line + character_bytes(next) > SMTP_STUFFER_LINE_MAX_BYTES && next != '\r' &&
	       next != '\n';
}

/* The bytes of this line that are to be given now. */
static size_t
take_run(struct smtp_stuffer *stuffer, struct span in)
{
	size_t room = SMTP_STUFFER_LINE_MAX_BYTES - stuffer->line;
	bool has_8bit;
	size_t run = octet_plain_run(span_first(in, room), &has_8bit);
	size_t at = room > 3 ? room - 3 : 0;

	while (at < run && !must_fold(stuffer->line + at, in.start[at]))
		at++;
	if (at < run)
		run = at;
	if (run)
		stuffer->state = IN_LINE;
	stuffer->line += (uint16_t)run;
	return run;
}

/* Whole lines up to one that starts with a dot, and the start of a line. */
static size_t
scan(struct smtp_stuffer *stuffer, struct span in)
{
	size_t at = 0;

	while (at < in.length) {
		if (stuffer->state == AT_START && in.start[at] == '.')
			break;
		at += take_run(stuffer, span_from(in, at));
		if (in.length - at < 2 || in.start[at] != '\r' || in.start[at + 1] != '\n')
			break;
		at += 2;
		smtp_stuffer_init(stuffer);
	}
	return at;
}

/* The first byte is a dot that starts a line, a CR, an LF or NUL. False if it gives nothing yet. */
static bool
step(struct smtp_stuffer *stuffer, struct span *in, struct span *piece_out)
{
	char byte = in->start[0];

	if (byte == '.') {
		stuffer->state = STUFFED;
		*piece_out = dot;
		return true;
	}
	*in = span_from(*in, 1);
	stuffer->state = byte == '\r' ? AFTER_CR : byte == '\n' ? AT_START : IN_LINE;
	stuffer->line = byte == '\0' ? stuffer->line + 1 : 0;
	*piece_out = byte == '\n' ? crlf : instead_of_nul;
	return byte != '\r';
}

bool
smtp_stuffer_next(struct smtp_stuffer *stuffer, struct span *in, struct span *piece_out)
{
	while (in->length) {
		struct span all = *in;
		size_t length;

		if (stuffer->state == AFTER_CR) {
			if (in->start[0] == '\n')
				*in = span_from(*in, 1);
			smtp_stuffer_init(stuffer);
			*piece_out = crlf;
			return true;
		}
		if (must_fold(stuffer->line, all.start[0])) {
			stuffer->line = 1;
			*piece_out = fold;
			return true;
		}
		length = scan(stuffer, all);
		if (length) {
			*in = span_from(*in, length);
			*piece_out = span_first(all, length);
			return true;
		}
		if (step(stuffer, in, piece_out))
			return true;
	}
	return false;
}

struct span
smtp_stuffer_end(struct smtp_stuffer *stuffer)
{
	bool at_start = stuffer->state == AT_START;

	smtp_stuffer_init(stuffer);
	return at_start ? SPAN_LITERAL(".\r\n") : SPAN_LITERAL("\r\n.\r\n");
}
