/* SPDX-License-Identifier: BSD-2-Clause */
/* The classes of bytes that the mail grammars are made of. */
#include "wire/octet.h"

#include <string.h>

/* RFC 5322 3.2.3 */
static const bool atext[256] = {
	['a' ... 'z'] = true, ['A' ... 'Z'] = true, ['0' ... '9'] = true,
	['!'] = true, ['#'] = true, ['$'] = true, ['%'] = true, ['&'] = true,
	['\''] = true, ['*'] = true, ['+'] = true, ['-'] = true, ['/'] = true,
	['='] = true, ['?'] = true, ['^'] = true, ['_'] = true, ['`'] = true,
	['{'] = true, ['|'] = true, ['}'] = true, ['~'] = true,
};

bool
octet_is_atext(char byte)
{
	return atext[(unsigned char)byte];
}

bool
octet_is_dot_atom(struct span text)
{
	char before = '.';

	for (size_t i = 0; i < text.length; i++) {
		char byte = text.start[i];

		if (byte == '.' ? before == '.' : !octet_is_atext(byte) && !octet_is_8bit(byte))
			return false;
		before = byte;
	}
	return before != '.';
}

struct span
octet_trim(struct span text)
{
	while (text.length && octet_is_space(text.start[0]))
		text = span_from(text, 1);
	while (text.length && octet_is_space(text.start[text.length - 1]))
		text.length--;
	return text;
}

int
octet_hex_value(char byte)
{
	if (octet_is_digit(byte))
		return byte - '0';
	if (byte >= 'a' && byte <= 'f')
		return byte - 'a' + 10;
	if (byte >= 'A' && byte <= 'F')
		return byte - 'A' + 10;
	return -1;
}

int
octet_base64_value(char byte)
{
	if (byte >= 'A' && byte <= 'Z')
		return byte - 'A';
	if (byte >= 'a' && byte <= 'z')
		return byte - 'a' + 26;
	if (octet_is_digit(byte))
		return byte - '0' + 52;
	return byte == '+' ? 62 : byte == '/' ? 63 : -1;
}

static bool
is_stop(char byte)
{
	return byte == '\r' || byte == '\n' || byte == '\0';
}

/* Has one of the eight bytes a value below 14? The well-known borrow trick; no false answers. */
static bool
has_low(uint64_t word)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);

	return ((word - ones * 14) & ~word & (ones << 7)) != 0;
}

size_t
octet_plain_run(struct span text, bool *has_8bit)
{
	uint64_t seen = 0;
	size_t at = 0;

	while (text.length - at >= sizeof(uint64_t)) {
		uint64_t word;

		memcpy(&word, text.start + at, sizeof word);
		if (has_low(word)) {
			size_t end = at + sizeof word;

			while (at < end && !is_stop(text.start[at]))
				seen |= (unsigned char)text.start[at++];
			if (at < end)
				break;
			continue;
		}
		seen |= word;
		at += sizeof word;
	}
	while (at < text.length && !is_stop(text.start[at]))
		seen |= (unsigned char)text.start[at++];
	if (seen & UINT64_C(0x8080808080808080))
		*has_8bit = true;
	return at;
}
