/* SPDX-License-Identifier: BSD-2-Clause */
/* Encoded words: not to be shown, only to see what a reader would make of them. */
#include "wire/encoded_word.h"

#include "wire/octet.h"

static void
note_byte(struct encoded_word_facts *facts, bool ascii, int byte)
{
	if (byte == '\r' || byte == '\n' || byte == '\0')
		facts->has_break = true;
	if (byte == '@' && ascii)
		facts->has_at = true;
	if ((byte == '<' || byte == '>') && ascii)
		facts->has_angle = true;
}

/* Charsets in which a byte below 128 is always the ASCII character. */
static bool
keeps_ascii(struct span charset)
{
	static const char *const prefixes[] = { "utf-8", "us-ascii", "iso-8859-", "windows-125",
		"koi8-" };

	for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
		if (span_starts_nocase(charset, prefixes[i]))
			return true;
	return false;
}

/* RFC 2047 4.2 */
static void
look_q(struct span text, bool ascii, struct encoded_word_facts *facts)
{
	for (size_t i = 0; i < text.length; i++) {
		int high = -1;
		int low = -1;

		if (text.start[i] == '=' && text.length - i > 2) {
			high = octet_hex_value(text.start[i + 1]);
			low = octet_hex_value(text.start[i + 2]);
		}
		if (high >= 0 && low >= 0) {
			note_byte(facts, ascii, high * 16 + low);
			i += 2;
		} else {
			note_byte(facts, ascii, (unsigned char)text.start[i]);
		}
	}
}

/* RFC 2047 4.1; as lenient as readers are: what is not in the alphabet is passed over. */
static void
look_b(struct span text, bool ascii, struct encoded_word_facts *facts)
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
			note_byte(facts, ascii, (int)(bits >> count & 0xff));
		}
	}
}

/* text starts behind "=?"; charset and coding end at the next two "?", the word at "?=". */
static void
look_word(struct span text, struct encoded_word_facts *facts)
{
	struct span coding;
	struct span word;
	struct span end;
	struct span charset = span_cut(text, '?', &coding);
	bool ascii = keeps_ascii(charset);

	coding = span_cut(coding, '?', &word);
	word = span_cut(word, '?', &end);
	if (charset.length == 0 || coding.length != 1 || !span_starts(end, "="))
		return;
	if (text_lower(coding.start[0]) == 'q')
		look_q(word, ascii, facts);
	else if (text_lower(coding.start[0]) == 'b')
		look_b(word, ascii, facts);
	else
		return;
	facts->found = true;
}

struct encoded_word_facts
encoded_word_look(struct span text)
{
	struct encoded_word_facts facts = { .found = false };

	for (size_t i = 0; i + 1 < text.length; i++)
		if (text.start[i] == '=' && text.start[i + 1] == '?')
			look_word(span_from(text, i + 2), &facts);
	return facts;
}
