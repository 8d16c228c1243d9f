/* SPDX-License-Identifier: BSD-2-Clause */
/* Encoded words: not to be shown, only to see what a reader would make of them. */
#include "wire/encoded_word.h"

#include <string.h>

#include "wire/octet.h"
#include "wire/utf8.h"

enum charset {
	CHARSET_OPAQUE, /* unknown, or one that hides ASCII: UTF-16, UTF-7, EBCDIC, … */
	CHARSET_UTF8,
	CHARSET_ASCII, /* a byte below 128 may be the ASCII character */
	CHARSET_SHIFT, /* the same, but not between an escape to another set and the one back */
};

/* Charsets by the beginning of their names. */
static const char *const ascii_charsets[] = { "us-ascii", "ascii", "ansi_x3.", "iso-8859",
	"iso8859", "iso_8859", "latin", "windows-", "cp125", "x-cp125", "cp437", "cp85", "cp86",
	"cp932", "cp936", "cp949", "cp950", "ibm437", "ibm85", "ibm86", "koi8", "mac", "x-mac",
	"tis-620", "viscii", "euc-", "x-euc", "gb2312", "gb_2312", "gbk", "gb18030", "big5",
	"x-big5", "shift", "sjis", "x-sjis", "ks_c_5601", "ksc5601", "uhc", "johab", "unknown-8bit",
	"x-unknown" };
static const char *const shift_charsets[] = { "iso-2022-", "csiso2022" };

/* Inside of an escape sequence: behind ESC, ESC "$", ESC "(", or before its last byte. */
enum escape { ESCAPE_NONE, ESCAPE_BEGUN, ESCAPE_TO_WIDE, ESCAPE_TO_NARROW, ESCAPE_LAST };

/* Bytes as they are decoded. */
struct reading {
	struct encoded_text *decoded;
	char *to;
	size_t used;
	enum charset charset;
	enum escape escape; /* in CHARSET_SHIFT */
	bool shifted;	    /* the same: in a set that is not ASCII */
};

static bool
is_one_of(struct span name, const char *const *prefixes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (span_starts_nocase(name, prefixes[i]))
			return true;
	return false;
}

static enum charset
find_charset(struct span name)
{
	if (span_starts_nocase(name, "utf-8") || span_starts_nocase(name, "utf8"))
		return CHARSET_UTF8;
	if (is_one_of(name, ascii_charsets, sizeof ascii_charsets / sizeof ascii_charsets[0]))
		return CHARSET_ASCII;
	if (is_one_of(name, shift_charsets, sizeof shift_charsets / sizeof shift_charsets[0]))
		return CHARSET_SHIFT;
	return CHARSET_OPAQUE;
}

/*
 * RFC 1468, RFC 1554: ESC "$" begins two bytes a character, ESC "(" ends it. RFC 1557, RFC 1922:
 * ESC "$" ")" only says which set it is that SO begins and SI ends. True: nothing to be shown.
 */
static bool
note_shift(struct reading *reading, char byte)
{
	enum escape escape = reading->escape;

	reading->escape = ESCAPE_NONE;
	if (byte == '\x1b')
		reading->escape = ESCAPE_BEGUN;
	else if (byte == '\x0e' || byte == '\x0f')
		reading->shifted = byte == '\x0e';
	else if (escape == ESCAPE_NONE)
		return false;
	else if (escape == ESCAPE_BEGUN && (byte == '$' || byte == '('))
		reading->escape = byte == '$' ? ESCAPE_TO_WIDE : ESCAPE_TO_NARROW;
	else if (escape == ESCAPE_TO_NARROW)
		reading->shifted = false;
	else if (escape == ESCAPE_TO_WIDE && byte >= '(' && byte <= '+')
		reading->escape = ESCAPE_LAST;
	if (escape == ESCAPE_TO_WIDE && (byte < ')' || byte > '+'))
		reading->shifted = true;
	return true;
}

static void
put_8bit(struct reading *reading, char byte)
{
	if (reading->charset != CHARSET_UTF8) {
		reading->to[reading->used++] = '?';
		return;
	}
	reading->to[reading->used++] = byte;
	/* These two begin overlong forms, which some decode to ASCII. */
	if (byte == '\xc0' || byte == '\xc1')
		reading->decoded->is_opaque = true;
}

static void
put(struct reading *reading, char byte)
{
	struct encoded_text *decoded = reading->decoded;
	bool hidden = reading->charset == CHARSET_SHIFT && note_shift(reading, byte);

	if (byte == '\r' || byte == '\n' || byte == '\0')
		decoded->has_control = true;
	if (hidden || reading->shifted) {
		reading->to[reading->used++] = '?';
	} else if (octet_is_8bit(byte)) {
		put_8bit(reading, byte);
	} else {
		decoded->has_control |= octet_is_control(byte) && byte != '\t';
		decoded->has_at |= byte == '@';
		decoded->has_angle |= byte == '<' || byte == '>';
		reading->to[reading->used++] = byte;
	}
}

/* RFC 2047 4.2 */
static void
put_q(struct reading *reading, struct span text)
{
	for (size_t i = 0; i < text.length; i++) {
		int high = -1;
		int low = -1;

		if (text.start[i] == '=' && text.length - i > 2) {
			high = octet_hex_value(text.start[i + 1]);
			low = octet_hex_value(text.start[i + 2]);
		}
		if (high >= 0 && low >= 0) {
			put(reading, (char)(high * 16 + low));
			i += 2;
		} else {
			put(reading, text.start[i] == '_' ? ' ' : text.start[i]);
		}
	}
}

/* RFC 2047 4.1; as lenient as readers are: what is not in the alphabet is passed over. */
static void
put_b(struct reading *reading, struct span text)
{
	unsigned bits = 0;
	unsigned count = 0;

	for (size_t i = 0; i < text.length; i++) {
		int value = octet_base64_value(text.start[i]);

		if (value < 0)
			continue;
		bits = (bits << 6 | (unsigned)value) & 0xffff;
		count += 6;
		if (count >= 8) {
			count -= 8;
			put(reading, (char)(bits >> count & 0xff));
		}
	}
}

struct word {
	struct span charset;
	char coding; /* 'q' or 'b' */
	struct span text;
	struct span rest; /* behind the word */
};

/* text starts with "=?"; charset and coding end at the next two "?", the word at "?=". */
static bool
split_word(struct span text, struct word *word)
{
	struct span coding;
	struct span end;

	word->charset = span_cut(span_from(text, 2), '?', &coding);
	coding = span_cut(coding, '?', &word->text);
	word->text = span_cut(word->text, '?', &end);
	word->coding = coding.length == 1 ? text_lower(coding.start[0]) : '\0';
	word->rest = span_from(end, 1);
	return word->charset.length && span_starts(end, "=") &&
	       (word->coding == 'q' || word->coding == 'b');
}

static void
put_word(struct reading *reading, const struct word *word)
{
	reading->charset = find_charset(word->charset);
	reading->shifted = false;
	reading->escape = ESCAPE_NONE;
	reading->decoded->found = true;
	if (reading->charset == CHARSET_OPAQUE)
		reading->decoded->is_opaque = true;
	if (word->coding == 'q')
		put_q(reading, word->text);
	else
		put_b(reading, word->text);
}

static struct span
skip_space(struct span text)
{
	while (text.length && octet_is_space(text.start[0]))
		text = span_from(text, 1);
	return text;
}

static bool
starts_word(struct span text)
{
	return text.length > 1 && text.start[0] == '=' && text.start[1] == '?';
}

/* Where the first "=?" is, or the length. */
static size_t
find_word(struct span text)
{
	const char *found = text.length ? memmem(text.start, text.length, "=?", 2) : NULL;

	return found ? (size_t)(found - text.start) : text.length;
}

bool
encoded_word_is_in(struct span text)
{
	struct span rest = span_from(text, find_word(text));
	struct word word;

	while (rest.length && !split_word(rest, &word)) {
		rest = span_from(rest, 2);
		rest = span_from(rest, find_word(rest));
	}
	return rest.length > 0;
}

bool
encoded_word_is_open(struct span text)
{
	struct span rest = span_from(text, find_word(text));
	struct word word;

	while (rest.length && split_word(rest, &word))
		rest = span_from(word.rest, find_word(word.rest));
	return rest.length > 0;
}

void
encoded_word_decode(struct span text, struct arena *arena, struct encoded_text *decoded_out)
{
	struct reading reading = { .decoded = decoded_out };
	struct span rest = span_from(text, find_word(text));
	struct word word;

	*decoded_out = (struct encoded_text){ .text = text };
	if (rest.length == 0)
		return;
	reading.to = arena_alloc(arena, text.length);
	reading.used = text.length - rest.length;
	memcpy(reading.to, text.start, reading.used);
	while (rest.length) {
		if (starts_word(rest) && split_word(rest, &word)) {
			put_word(&reading, &word);
			rest = word.rest;
			if (starts_word(skip_space(rest)))
				rest = skip_space(rest);
			continue;
		}
		reading.to[reading.used++] = rest.start[0];
		rest = span_from(rest, 1);
	}
	decoded_out->text = span_of(reading.to, reading.used);
	decoded_out->has_control |= utf8_has_line_end(decoded_out->text);
}
