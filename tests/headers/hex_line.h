/* SPDX-License-Identifier: BSD-2-Clause */
/* What the readers of header blocks share: a block is a line of hexadecimal digits, and so are the
 * addresses of the answer, "read From:61406e,… Sender:…". */
#ifndef HEADERS_HEX_LINE_H
#define HEADERS_HEX_LINE_H

#include <stddef.h>
#include <stdio.h>

static inline int
hex_digit(char byte)
{
	return byte >= '0' && byte <= '9'   ? byte - '0'
	       : byte >= 'a' && byte <= 'f' ? byte - 'a' + 10
					    : -1;
}

/* The bytes that the digits stand for, in place; returns how many. */
static inline size_t
hex_take(char *line)
{
	size_t used = 0;

	for (size_t i = 0; hex_digit(line[i]) >= 0 && hex_digit(line[i + 1]) >= 0; i += 2)
		line[used++] = (char)(hex_digit(line[i]) * 16 + hex_digit(line[i + 1]));
	return used;
}

static inline void
hex_put(const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		printf("%02x", (unsigned char)bytes[i]);
}

#endif
