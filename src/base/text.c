/* SPDX-License-Identifier: BSD-2-Clause */
/* Spans: bytes that somebody else owns. */
#include "base/text.h"

#include <string.h>

char
text_lower(char byte)
{
	return byte >= 'A' && byte <= 'Z' ? (char)(byte + ('a' - 'A')) : byte;
}

struct span
span_text(const char *text)
{
	return text ? span_of(text, strlen(text)) : SPAN_EMPTY;
}

bool
span_equal(struct span a, struct span b)
{
	return a.length == b.length && (a.length == 0 || memcmp(a.start, b.start, a.length) == 0);
}

bool
span_equal_nocase(struct span a, struct span b)
{
	if (a.length != b.length)
		return false;
	for (size_t i = 0; i < a.length; i++)
		if (text_lower(a.start[i]) != text_lower(b.start[i]))
			return false;
	return true;
}

bool
span_is(struct span a, const char *text)
{
	return span_equal(a, span_text(text));
}

bool
span_is_nocase(struct span a, const char *text)
{
	return span_equal_nocase(a, span_text(text));
}

bool
span_starts(struct span a, const char *prefix)
{
	size_t length = strlen(prefix);

	return a.length >= length && span_equal(span_first(a, length), span_of(prefix, length));
}

bool
span_starts_nocase(struct span a, const char *prefix)
{
	size_t length = strlen(prefix);

	return a.length >= length && span_equal_nocase(span_first(a, length), span_of(prefix, length));
}

bool
span_has_byte(struct span a, char byte)
{
	return span_find(a, byte) < a.length;
}

bool
span_is_printable(struct span a)
{
	for (size_t i = 0; i < a.length; i++)
		if (a.start[i] < ' ' || a.start[i] > '~')
			return false;
	return true;
}

struct span
span_from(struct span a, size_t offset)
{
	if (offset >= a.length)
		return SPAN_EMPTY;
	return span_of(a.start + offset, a.length - offset);
}

struct span
span_first(struct span a, size_t length)
{
	if (a.length > length)
		a.length = length;
	return a;
}

struct span
span_trim(struct span a)
{
	while (a.length && (a.start[0] == ' ' || a.start[0] == '\t')) {
		a.start++;
		a.length--;
	}
	while (a.length && (a.start[a.length - 1] == ' ' || a.start[a.length - 1] == '\t'))
		a.length--;
	return a;
}

size_t
span_find(struct span a, char byte)
{
	const char *at = a.length ? memchr(a.start, byte, a.length) : NULL;

	return at ? (size_t)(at - a.start) : a.length;
}

struct span
span_cut(struct span a, char byte, struct span *rest_out)
{
	size_t at = span_find(a, byte);

	*rest_out = span_from(a, at + 1);
	return span_first(a, at);
}

bool
text_parse_number(struct span text, uint64_t max, uint64_t *number_out)
{
	uint64_t number = 0;

	if (text.length == 0)
		return false;
	for (size_t i = 0; i < text.length; i++) {
		unsigned digit = (unsigned)(unsigned char)text.start[i] - '0';

		if (digit > 9 || __builtin_mul_overflow(number, (uint64_t)10, &number) ||
			__builtin_add_overflow(number, (uint64_t)digit, &number) || number > max)
			return false;
	}
	*number_out = number;
	return true;
}

size_t
text_escape(struct span from, char *to, size_t to_size)
{
	static const char hex[] = "0123456789abcdef";
	size_t used = 0;

	if (to_size == 0)
		return 0;
	for (size_t i = 0; i < from.length; i++) {
		unsigned char byte = (unsigned char)from.start[i];

		if (byte >= ' ' && byte <= '~' && byte != '\\') {
			if (used + 1 >= to_size)
				break;
			to[used++] = (char)byte;
			continue;
		}
		if (used + 4 >= to_size)
			break;
		to[used++] = '\\';
		to[used++] = 'x';
		to[used++] = hex[byte >> 4];
		to[used++] = hex[byte & 15];
	}
	to[used] = '\0';
	return used;
}

size_t
text_flatten(struct span from, char *to, size_t to_size)
{
	size_t used = 0;

	if (to_size == 0)
		return 0;
	for (; used < from.length && used + 1 < to_size; used++) {
		char byte = from.start[used];

		if (byte == '\n')
			byte = ' ';
		to[used] = byte >= ' ' && byte <= '~' ? byte : '?';
	}
	to[used] = '\0';
	return used;
}

static size_t
length_by_lead(unsigned char lead)
{
	if (lead < 0x80)
		return 1;
	if (lead < 0xc0 || lead >= 0xf8)
		return 0;
	return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

size_t
text_utf8(struct span text, uint32_t *point_out)
{
	/* RFC 3629 3: the least that each length may encode, so that there is one form alone. */
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char lead = text.length ? (unsigned char)text.start[0] : 0xff;
	size_t length = length_by_lead(lead);
	uint32_t point = length > 1 ? lead & (0x7fu >> length) : lead;

	if (length == 0 || length > text.length)
		return 0;
	for (size_t i = 1; i < length; i++) {
		unsigned char byte = (unsigned char)text.start[i];

		if ((byte & 0xc0) != 0x80)
			return 0;
		point = point << 6 | (byte & 0x3f);
	}
	if (point < least[length] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
		return 0;
	*point_out = point;
	return length;
}

size_t
text_hex(const void *bytes, size_t size, char *to, size_t to_size)
{
	static const char hex[] = "0123456789abcdef";
	const unsigned char *from = bytes;
	size_t used = 0;

	for (size_t i = 0; i < size && used + 2 < to_size; i++) {
		to[used++] = hex[from[i] >> 4];
		to[used++] = hex[from[i] & 15];
	}
	if (to_size)
		to[used] = '\0';
	return used;
}
