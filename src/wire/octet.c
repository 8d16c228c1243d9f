/* SPDX-License-Identifier: BSD-2-Clause */
/* The classes of bytes that the mail grammars are made of. */
#include "wire/octet.h"

#include <stddef.h>
#include <string.h>

bool
octet_is_atext(char byte)
{
	/* RFC 5322 3.2.3 */
	return octet_is_alnum(byte) || (byte && strchr("!#$%&'*+-/=?^_`{|}~", byte) != NULL);
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
