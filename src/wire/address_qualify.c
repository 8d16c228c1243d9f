/* SPDX-License-Identifier: BSD-2-Clause */
/* A domain for the addresses of a header field that have none. */
#include "wire/address_qualify.h"

#include <string.h>

#include "wire/octet.h"

/* RFC 5322 3.2.3, with the dot. */
static bool
is_word(struct span text)
{
	static const char special[] = "!#$%&'*+-/=?^_`{|}~";

	for (size_t i = 0; i < text.length; i++) {
		char byte = text.start[i];
		bool is_dot = byte == '.';

		if (!octet_is_alnum(byte) && !is_dot && !(byte && strchr(special, byte)))
			return false;
		/* A dot stands between two others. */
		if (is_dot && (i == 0 || i + 1 == text.length || text.start[i - 1] == '.'))
			return false;
	}
	return text.length > 0;
}


/* One part between commas, as far as it was scanned. */
struct part {
	size_t end;      /* where the comma stands, or the value ends */
	size_t open;     /* the one "<", and its ">"; 0 and 0 if there is none */
	size_t close;
	bool is_plain;   /* nothing in it is left as it is for its own sake */
};

static void
note_byte(struct part *part, char byte, size_t at)
{
	switch (byte) {
	case '<':
		part->is_plain &= part->open == 0;
		part->open = at + 1;
		break;
	case '>':
		part->is_plain &= part->open > 0 && part->close == 0;
		part->close = at;
		break;
	case '@':
	case ':':
	case ';':
	case '(':
	case ')':
	case '[':
	case '\0':
		part->is_plain = false;
		break;
	default:
		/* Behind the brackets nothing but blanks. */
		part->is_plain &= part->close == 0 || octet_is_space(byte);
	}
}

/* A comma in quotes or in a comment ends nothing. */
static struct part
scan(struct span value, size_t from)
{
	struct part part = { .is_plain = true };
	bool quoted = false;
	size_t depth = 0;
	size_t at = from;

	for (; at < value.length; at++) {
		char byte = value.start[at];

		if ((quoted || depth) && byte == '\\') {
			at++;
		} else if (quoted) {
			quoted = byte != '"';
		} else if (byte == '"' && depth == 0) {
			quoted = true;
			part.is_plain &= part.close == 0;
		} else {
			depth += byte == '(';
			depth -= byte == ')' && depth > 0;
			if (byte == ',' && depth == 0)
				break;
			note_byte(&part, byte, at);
		}
	}
	part.end = at < value.length ? at : value.length;
	part.is_plain &= !quoted && (part.open > 0) == (part.close > 0);
	return part;
}

/* What may be an address without a domain; of a plain part alone, whose bracket is closed. */
static struct span
word_of(struct span value, size_t from, const struct part *part)
{
	if (!part->is_plain)
		return SPAN_EMPTY;
	if (part->open)
		return octet_trim(span_of(value.start + part->open, part->close - part->open));
	return octet_trim(span_of(value.start + from, part->end - from));
}

bool
address_qualify(struct span value, const char *domain, struct buf *out)
{
	bool changed = false;
	size_t from = 0;

	buf_clear(out);
	while (from < value.length) {
		struct part part = scan(value, from);
		struct span word = word_of(value, from, &part);
		size_t cut = part.end + (part.end < value.length);

		if (is_word(word)) {
			const char *behind = word.start + word.length;

			buf_add(out, value.start + from, (size_t)(behind - value.start) - from);
			buf_printf(out, "@%s", domain);
			buf_add(out, behind, (size_t)(value.start + cut - behind));
			changed = true;
		} else {
			buf_add(out, value.start + from, cut - from);
		}
		from = cut;
	}
	return changed && !out->overflow;
}
