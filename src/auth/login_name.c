/* SPDX-License-Identifier: BSD-2-Clause */
/* The canonical form of a login. */
#include "auth/login_name.h"

#include <stdlib.h>
#include <string.h>
#include <uninorm.h>

#include "wire/utf8.h"

/* Cyrus would strip outer blanks and line ends, and so let "alice\n" be alice. */
static bool
is_clean(struct span raw)
{
	if (raw.length == 0 || raw.length > LOGIN_NAME_MAX_BYTES)
		return false;
	if (raw.start[0] == ' ' || raw.start[raw.length - 1] == ' ')
		return false;
	for (size_t i = 0; i < raw.length; i++) {
		unsigned char byte = (unsigned char)raw.start[i];

		if (byte < 0x20 || byte == 0x7f)
			return false;
	}
	return true;
}

static struct span
without_realm(struct span name, const char *realm)
{
	struct span suffix = span_text(realm);
	size_t local;

	if (suffix.length == 0 || name.length <= suffix.length + 1)
		return name;
	local = name.length - suffix.length - 1;
	if (name.start[local] == '@' && span_equal_nocase(span_from(name, local + 1), suffix))
		return span_first(name, local);
	return name;
}

static void
write_lower(struct span name, char *to)
{
	for (size_t i = 0; i < name.length; i++)
		to[i] = text_lower(name.start[i]);
	to[name.length] = '\0';
}

static bool
has_capital(struct span name)
{
	for (size_t i = 0; i < name.length; i++) {
		if (text_lower(name.start[i]) != name.start[i])
			return true;
	}
	return false;
}

/*
 * name is in lower case already: "T" with a diaeresis has no composed form, "t" has one. Letters
 * that this makes out of other signs (the Kelvin's) are refused.
 */
static bool
normalize(struct span name, char to[LOGIN_NAME_SIZE], size_t *length_out)
{
	size_t length = LOGIN_NAME_MAX_BYTES;
	uint8_t *result;

	if (!utf8_is_valid(name))
		return false;
	/* u8_normalize() allocates only what does not fit. */
	result = u8_normalize(UNINORM_NFC, (const uint8_t *)name.start, name.length, (uint8_t *)to,
		&length);
	if (result != (uint8_t *)to) {
		free(result);
		return false;
	}
	*length_out = length;
	return !has_capital(span_of(to, length)) && !utf8_has_deceptive(span_of(to, length));
}

bool
login_name_parse(struct span raw, const char *realm, char name_out[LOGIN_NAME_SIZE])
{
	char lower[LOGIN_NAME_SIZE];
	char normal[LOGIN_NAME_SIZE];
	struct span name;

	if (!is_clean(raw))
		return false;
	write_lower(raw, lower);
	name = span_of(lower, raw.length);
	if (!utf8_is_ascii(name)) {
		if (!normalize(name, normal, &name.length))
			return false;
		name.start = normal;
	}
	name = without_realm(name, realm);
	if (!is_clean(name))
		return false;
	memcpy(name_out, name.start, name.length);
	name_out[name.length] = '\0';
	return true;
}
