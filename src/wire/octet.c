/* SPDX-License-Identifier: BSD-2-Clause */
/* The classes of bytes that the mail grammars are made of. */
#include "wire/octet.h"

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
