/* SPDX-License-Identifier: BSD-2-Clause */
/* Base64 as SASL uses it: one form only, no line ends, canonical padding. */
#include "wire/base64.h"

#include "base/memory.h"
#include "wire/octet.h"

enum { GROUP_BYTES = 3, GROUP_LETTERS = 4 };

/* Of four letters, with none to two "=" at the end. Returns the bytes written, 0 if malformed. */
static size_t
decode_group(const char *from, bool last, unsigned char *to)
{
	size_t padding = last && from[3] == '=';
	uint32_t bits = 0;

	if (padding && from[2] == '=')
		padding = 2;
	for (size_t i = 0; i < GROUP_LETTERS; i++) {
		int value = i < GROUP_LETTERS - padding ? octet_base64_value(from[i]) : 0;

		if (value < 0)
			return 0;
		bits = bits << 6 | (uint32_t)value;
	}
	/* RFC 4648 3.5: the bits that padding drops are zero, so that there is one form only */
	if (bits & ((UINT32_C(1) << 8 * padding) - 1))
		return 0;
	for (size_t i = 0; i < GROUP_BYTES - padding; i++)
		to[i] = (unsigned char)(bits >> (16 - 8 * i));
	return GROUP_BYTES - padding;
}

/* to holds text.length / 4 * 3 bytes, and is wiped if the text is malformed. */
static bool
decode(struct span text, unsigned char *to, size_t *length_out)
{
	size_t used = 0;

	if (text.length % GROUP_LETTERS)
		return false;
	for (size_t i = 0; i < text.length; i += GROUP_LETTERS) {
		bool last = i + GROUP_LETTERS == text.length;
		size_t length = decode_group(text.start + i, last, to + used);

		if (length == 0) {
			mem_wipe(to, used);
			return false;
		}
		used += length;
	}
	*length_out = used;
	return true;
}

bool
base64_parse(struct span text, struct buf *out)
{
	size_t length;
	char *to;

	if (text.length == 0)
		return true;
	to = buf_reserve(out, text.length / GROUP_LETTERS * GROUP_BYTES);
	if (!to || !decode(text, (unsigned char *)to, &length))
		return false;
	buf_claim(out, length);
	return true;
}

struct secret *
base64_parse_secret(struct span text)
{
	struct secret *secret = secret_alloc(text.length / GROUP_LETTERS * GROUP_BYTES);
	size_t length;

	if (decode(text, secret_bytes(secret), &length))
		secret_truncate(secret, length);
	else
		secret_free(&secret);
	return secret;
}

bool
base64_format(struct span bytes, struct buf *out)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t used = 0;
	char *to;

	if (bytes.length == 0)
		return true;
	to = buf_reserve(out, base64_length(bytes.length));
	if (!to)
		return false;
	for (size_t i = 0; i < bytes.length; i += GROUP_BYTES) {
		size_t left = bytes.length - i;
		uint32_t bits = (uint32_t)(unsigned char)bytes.start[i] << 16;

		if (left > 1)
			bits |= (uint32_t)(unsigned char)bytes.start[i + 1] << 8;
		if (left > 2)
			bits |= (unsigned char)bytes.start[i + 2];
		to[used++] = letters[bits >> 18];
		to[used++] = letters[bits >> 12 & 63];
		to[used++] = left > 1 ? letters[bits >> 6 & 63] : '=';
		to[used++] = left > 2 ? letters[bits & 63] : '=';
	}
	buf_claim(out, used);
	return true;
}
