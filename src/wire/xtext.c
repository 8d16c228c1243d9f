/* SPDX-License-Identifier: BSD-2-Clause */
/* xtext, and the checks of ENVID and ORCPT, whose values are written in it. */
#include "wire/xtext.h"

#include "wire/octet.h"
#include "wire/utf8.h"

/* RFC 3461 4: xchar = any byte between "!" and "~" except "+" and "=" */
static bool
is_xchar(char byte)
{
	return byte > ' ' && byte < 0x7f && byte != '+' && byte != '=';
}

/* RFC 3461 4: hexchar = "+" followed by two upper-case hex digits */
static int
upper_hex_value(char byte)
{
	return byte >= 'a' && byte <= 'f' ? -1 : octet_hex_value(byte);
}

bool
xtext_decode(struct span text, char *to, size_t *length_out)
{
	size_t used = 0;
	size_t i = 0;

	while (i < text.length) {
		int high;
		int low;

		if (is_xchar(text.start[i])) {
			to[used++] = text.start[i++];
			continue;
		}
		if (text.start[i] != '+' || text.length - i < 3)
			return false;
		high = upper_hex_value(text.start[i + 1]);
		low = upper_hex_value(text.start[i + 2]);
		if (high < 0 || low < 0)
			return false;
		to[used++] = (char)(high * 16 + low);
		i += 3;
	}
	*length_out = used;
	return true;
}

bool
xtext_parse(struct span text, struct buf *out)
{
	size_t length;
	char *to;

	if (text.length == 0)
		return true;
	to = buf_reserve(out, text.length);
	if (!to || !xtext_decode(text, to, &length))
		return false;
	buf_claim(out, length);
	return true;
}

bool
xtext_format(struct span bytes, struct buf *out)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t before = buf_length(out);

	for (size_t i = 0; i < bytes.length; i++) {
		unsigned char byte = (unsigned char)bytes.start[i];
		char escaped[3] = { '+', hex[byte >> 4], hex[byte & 15] };
		bool plain = is_xchar(bytes.start[i]);

		if (!buf_add(out, plain ? bytes.start + i : escaped, plain ? 1 : sizeof escaped)) {
			buf_truncate(out, before);
			return false;
		}
	}
	return true;
}

bool
xtext_is_envid(struct span text)
{
	char decoded[XTEXT_ENVID_MAX_BYTES];
	size_t length;

	return text.length > 0 && text.length <= sizeof decoded &&
	       xtext_decode(text, decoded, &length) && span_is_printable(span_of(decoded, length));
}

/*
 * RFC 6533 3: EmbeddedUnicodeChar = "\x{" HEXPOINT "}"; at is behind the "\". Returns the position
 * behind the "}", or 0. HEXPOINT has no leading zero, is no surrogate, and at most 10FFFF.
 */
static size_t
skip_escape(struct span text, size_t at)
{
	uint32_t code = 0;
	size_t digits = 0;

	if (!span_starts(span_from(text, at), "x{"))
		return 0;
	at += 2;
	while (at < text.length && upper_hex_value(text.start[at]) >= 0 && digits < 6) {
		if (digits == 0 && text.start[at] == '0')
			return 0;
		code = code * 16 + (uint32_t)upper_hex_value(text.start[at]);
		digits++;
		at++;
	}
	if (at == text.length || text.start[at] != '}' || digits < 2)
		return 0;
	if (code < ' ' || (code >= 0x7f && code < 0xa0) || (code >= 0xd800 && code < 0xe000) ||
		code > 0x10ffff)
		return 0;
	return at + 1;
}

/* RFC 6533 3: utf-8-addr-xtext, and with raw UTF-8 utf-8-addr-unitext, both inside of xtext. */
static bool
is_utf8_recipient(struct span text, bool raw)
{
	size_t at = 0;

	if (!raw && !utf8_is_ascii(text))
		return false;
	while (at < text.length) {
		char byte = text.start[at];

		if (byte == '\\') {
			at = skip_escape(text, at + 1);
			if (at == 0)
				return false;
		} else if (is_xchar(byte) || octet_is_8bit(byte)) {
			at++;
		} else {
			return false;
		}
	}
	return utf8_is_valid(text);
}

/* RFC 3461 4.2 says atom; every registered type is letters, digits and hyphens. */
static bool
is_address_type(struct span type)
{
	for (size_t i = 0; i < type.length; i++)
		if (!octet_is_alnum(type.start[i]) && type.start[i] != '-')
			return false;
	return type.length > 0;
}

bool
xtext_is_orcpt(struct span text, bool utf8)
{
	char decoded[XTEXT_ORCPT_MAX_BYTES];
	struct span value;
	struct span type = span_cut(text, ';', &value);
	size_t length;

	if (text.length > XTEXT_ORCPT_MAX_BYTES || !is_address_type(type) || value.length == 0)
		return false;
	if (span_is_nocase(type, "utf-8"))
		return is_utf8_recipient(value, utf8);
	return xtext_decode(value, decoded, &length) && span_is_printable(span_of(decoded, length));
}
