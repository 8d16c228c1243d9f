/* SPDX-License-Identifier: BSD-2-Clause */
/* The classes of bytes that the mail grammars are made of (RFC 5234 B.1, RFC 5322 3.2.3). */
#ifndef WIRE_OCTET_H
#define WIRE_OCTET_H

#include "base/text.h"

static inline bool
octet_is_digit(char byte)
{
	return byte >= '0' && byte <= '9';
}

static inline bool
octet_is_alpha(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

static inline bool
octet_is_alnum(char byte)
{
	return octet_is_alpha(byte) || octet_is_digit(byte);
}

static inline bool
octet_is_blank(char byte)
{
	return byte == ' ' || byte == '\t';
}

/* A blank, or a line end that is part of a folding: RFC 5322 3.2.2, FWS. */
static inline bool
octet_is_space(char byte)
{
	return octet_is_blank(byte) || byte == '\r' || byte == '\n';
}

/* Without what octet_is_space() at both ends. */
struct span octet_trim(struct span text);

/* A byte of a UTF-8 sequence beyond ASCII. */
static inline bool
octet_is_8bit(char byte)
{
	return ((unsigned char)byte & 0x80) != 0;
}

static inline bool
octet_is_control(char byte)
{
	return (unsigned char)byte < ' ' || byte == 0x7f;
}

/* atext: what an atom and a dot-atom are made of. */
bool octet_is_atext(char byte);
/* dot-atom-text, RFC 5322 3.2.3; 8-bit bytes pass as RFC 6532 3.2 has it. */
bool octet_is_dot_atom(struct span text);
/* ftext: what a header field name is made of, RFC 5322 2.2. */
static inline bool
octet_is_ftext(char byte)
{
	return byte > ' ' && byte < 0x7f && byte != ':';
}

/* 0 to 15, or -1. */
int octet_hex_value(char byte);
/* 0 to 63, or -1; RFC 4648 4. */
int octet_base64_value(char byte);
/*
 * How many bytes stand before the first CR, LF or NUL; sets *has_8bit if one of them is 8-bit.
 * Reads eight bytes at a time and at most seven too many, so that calling it after each stop is
 * linear.
 */
size_t octet_plain_run(struct span text, bool *has_8bit);

#endif
