/* SPDX-License-Identifier: BSD-2-Clause */
/* Display names before addresses: what they would make people and careless readers believe. */
#include "wire/display_name.h"

#include "wire/encoded_word.h"
#include "wire/octet.h"

/* "@", and U+FF20 and U+FE6B, which look like it. */
static const char *const at_signs[] = { "@", "\xef\xbc\xa0", "\xef\xb9\xab" };
/* ".", and U+3002, U+FF0E, U+FF61 and U+2024, which do as well. */
static const char *const dots[] = { ".", "\xe3\x80\x82", "\xef\xbc\x8e", "\xef\xbd\xa1",
	"\xe2\x80\xa4" };

const char *
display_name_fault(struct span name, struct arena *arena)
{
	struct encoded_text decoded;
	bool angle;
	bool at;

	encoded_word_decode(name, arena, &decoded);
	angle = decoded.has_angle || span_has_byte(name, '<') || span_has_byte(name, '>');
	at = decoded.has_at || span_has_byte(name, '@');
	if (span_starts(name, "."))
		return "a display name that starts with a dot";
	if (angle && at)
		return "an address in <> in a display name";
	if (decoded.has_control)
		return "an encoded word hides a line end or another control byte";
	if (encoded_word_is_open(name))
		return "an encoded word without its end";
	return NULL;
}

static size_t
length_of_any(struct span text, const char *const *choices, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (span_starts(text, choices[i]))
			return span_text(choices[i]).length;
	return 0;
}

/* Behind the last one; 0 if there is none. */
static size_t
end_of_dots(struct span text)
{
	size_t end = 0;

	for (size_t i = 0; i < text.length; i++)
		if (length_of_any(span_from(text, i), dots, sizeof dots / sizeof dots[0]))
			end = i + 1;
	return end;
}

static bool
is_address_byte(char byte)
{
	return octet_is_atext(byte) || octet_is_8bit(byte) || byte == '.' || byte == '@';
}

/* The word that has the byte at this place, without the marks that people put about addresses. */
static struct span
word_about(struct span text, size_t at)
{
	size_t start = at;
	size_t end = at;

	while (start > 0 && at - start <= ADDRESS_TEXT_MAX_BYTES &&
		is_address_byte(text.start[start - 1]))
		start--;
	while (end < text.length && end - at <= ADDRESS_TEXT_MAX_BYTES &&
		is_address_byte(text.start[end]))
		end++;
	while (start < at && text.start[start] == '\'')
		start++;
	while (end > at && (text.start[end - 1] == '\'' || text.start[end - 1] == '.'))
		end--;
	return span_of(text.start + start, end - start);
}

static bool
is_own(struct span text, size_t at, const struct address *address)
{
	struct address shown;

	return address_parse(word_about(text, at), ADDRESS_UTF8, &shown) == ADDRESS_OK &&
	       address_equal_own(&shown, address);
}

/* U+202A to U+202E and U+2066 to U+2069 turn the direction of what follows. */
static bool
has_turn(struct span text)
{
	for (size_t i = 0; i + 2 < text.length; i++) {
		const unsigned char *bytes = (const unsigned char *)text.start + i;

		if (bytes[0] == 0xe2 &&
			((bytes[1] == 0x80 && bytes[2] >= 0xaa && bytes[2] <= 0xae) ||
				(bytes[1] == 0x81 && bytes[2] >= 0xa6 && bytes[2] <= 0xa9)))
			return true;
	}
	return false;
}

bool
display_name_poses(struct span name, const struct address *address, struct arena *arena)
{
	struct encoded_text decoded;
	struct span text;
	size_t last;

	encoded_word_decode(name, arena, &decoded);
	if (decoded.is_opaque)
		return true;
	text = decoded.text;
	last = end_of_dots(text);
	if (last && has_turn(text))
		last = text.length;
	for (size_t i = 0; i < last; i++)
		if (length_of_any(
			    span_from(text, i), at_signs, sizeof at_signs / sizeof at_signs[0]) &&
			span_trim(span_first(text, i)).length && !is_own(text, i, address))
			return true;
	return false;
}
