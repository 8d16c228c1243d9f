/* SPDX-License-Identifier: BSD-2-Clause */
/* SASLprep (RFC 4013) over libunistring. */
#include "auth/saslprep.h"

#include <stdlib.h>
#include <string.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#include "base/memory.h"

struct range {
	ucs4_t first;
	ucs4_t last;
};

/* RFC 3454 C.1.2: become the blank, before anything else; U+200B stands in B.1 as well. */
static const struct range spaces[] = {
	{ 0x00a0, 0x00a0 }, { 0x1680, 0x1680 }, { 0x2000, 0x200b }, { 0x202f, 0x202f },
	{ 0x205f, 0x205f }, { 0x3000, 0x3000 },
};

/* RFC 3454 B.1: become nothing. */
static const struct range nothings[] = {
	{ 0x00ad, 0x00ad }, { 0x034f, 0x034f }, { 0x1806, 0x1806 }, { 0x180b, 0x180d },
	{ 0x200c, 0x200d }, { 0x2060, 0x2060 }, { 0xfe00, 0xfe0f }, { 0xfeff, 0xfeff },
};

/*
 * RFC 3454 C.2 to C.9, of which C.5 cannot occur in UTF-8; non-characters are found by their
 * form.
 */
static const struct range prohibited[] = {
	{ 0x0000, 0x001f }, { 0x007f, 0x009f }, { 0x0340, 0x0341 }, { 0x06dd, 0x06dd },
	{ 0x070f, 0x070f }, { 0x180e, 0x180e }, { 0x200c, 0x200f }, { 0x2028, 0x202e },
	{ 0x2060, 0x2063 }, { 0x206a, 0x206f }, { 0x2ff0, 0x2ffb }, { 0xe000, 0xf8ff },
	{ 0xfdd0, 0xfdef }, { 0xfeff, 0xfeff }, { 0xfff9, 0xfffd }, { 0x1d173, 0x1d17a },
	{ 0xe0001, 0xe0001 }, { 0xe0020, 0xe007f }, { 0xf0000, 0xffffd }, { 0x100000, 0x10fffd },
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static bool
is_in(const struct range *ranges, size_t count, ucs4_t code)
{
	for (size_t i = 0; i < count; i++) {
		if (code >= ranges[i].first && code <= ranges[i].last)
			return true;
	}
	return false;
}

static bool
is_prohibited(ucs4_t code)
{
	return (code & 0xfffe) == 0xfffe || is_in(prohibited, COUNT_OF(prohibited), code) ||
		is_in(spaces, COUNT_OF(spaces), code);
}

static bool
is_right_to_left(ucs4_t code)
{
	int category = uc_bidi_category(code);

	return category == UC_BIDI_R || category == UC_BIDI_AL;
}

/* RFC 3454 6: right-to-left text has no left-to-right letter in it, and begins and ends as such. */
static bool
is_directed(const uint32_t *codes, size_t count)
{
	bool right = false;
	bool left = false;

	for (size_t i = 0; i < count; i++) {
		right = right || is_right_to_left(codes[i]);
		left = left || uc_bidi_category(codes[i]) == UC_BIDI_L;
	}
	return !right ||
		(!left && is_right_to_left(codes[0]) && is_right_to_left(codes[count - 1]));
}

static bool
is_plain(struct span password)
{
	for (size_t i = 0; i < password.length; i++) {
		if (password.start[i] < 0x20 || password.start[i] > 0x7e)
			return false;
	}
	return true;
}

/* In place; returns how many are left. */
static size_t
map(uint32_t *codes, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		if (is_in(spaces, COUNT_OF(spaces), codes[i]))
			codes[kept++] = ' ';
		else if (!is_in(nothings, COUNT_OF(nothings), codes[i]))
			codes[kept++] = codes[i];
	}
	return kept;
}

static struct secret *
check_and_encode(const uint32_t *codes, size_t count)
{
	struct secret *result;
	size_t length = count * 4;

	if (count == 0 || !is_directed(codes, count))
		return NULL;
	for (size_t i = 0; i < count; i++) {
		if (is_prohibited(codes[i]))
			return NULL;
	}
	result = secret_alloc(length);
	if (!u32_to_u8(codes, count, secret_bytes(result), &length)) {
		secret_free(&result);
		return NULL;
	}
	secret_truncate(result, length);
	return result;
}

/* The library's own buffers hold the password too, so they are wiped before they are freed. */
static void
wipe(uint32_t *codes, size_t count)
{
	if (codes)
		mem_wipe(codes, count * sizeof *codes);
	free(codes);
}

struct secret *
saslprep(struct span password)
{
	struct secret *result = NULL;
	uint32_t *codes;
	uint32_t *normal;
	size_t count = 0;
	size_t kept;
	size_t normal_count = 0;

	if (password.length == 0 || password.length > PASSWORD_MAX_BYTES)
		return NULL;
	if (is_plain(password))
		return secret_new(password);
	codes = u8_to_u32((const uint8_t *)password.start, password.length, NULL, &count);
	if (!codes)
		return NULL;
	kept = map(codes, count);
	normal = u32_normalize(UNINORM_NFKC, codes, kept, NULL, &normal_count);
	if (normal)
		result = check_and_encode(normal, normal_count);
	wipe(normal, normal_count);
	wipe(codes, count);
	return result;
}
