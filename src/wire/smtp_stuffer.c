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

void
smtp_stuffer_init(struct smtp_stuffer *stuffer)
{
	stuffer->state = AT_START;
}

/* Whole lines up to one that starts with a dot, and the start of a line. */
static size_t
scan(struct smtp_stuffer *stuffer, struct span in)
{
	bool has_8bit;
	size_t at = 0;

	while (at < in.length) {
		size_t run;

		if (stuffer->state == AT_START && in.start[at] == '.')
			break;
		run = octet_plain_run(span_from(in, at), &has_8bit);
		if (run)
			stuffer->state = IN_LINE;
		at += run;
		if (in.length - at < 2 || in.start[at] != '\r' || in.start[at + 1] != '\n')
			break;
		at += 2;
		stuffer->state = AT_START;
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
			stuffer->state = AT_START;
			*piece_out = crlf;
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

	stuffer->state = AT_START;
	return at_start ? SPAN_LITERAL(".\r\n") : SPAN_LITERAL("\r\n.\r\n");
}
