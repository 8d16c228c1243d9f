/* SPDX-License-Identifier: BSD-2-Clause */
/* Unicode text from outside: is it well formed, normalised, and free of what deceives the eye? */
#include "wire/utf8.h"

#include <stdlib.h>
#include <string.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#include "wire/octet.h"

static const uint8_t *
units(struct span text)
{
	return (const uint8_t *)text.start;
}

bool
utf8_is_ascii(struct span text)
{
	for (size_t i = 0; i < text.length; i++)
		if (octet_is_8bit(text.start[i]))
			return false;
	return true;
}

bool
utf8_is_valid(struct span text)
{
	return text.length == 0 || u8_check(units(text), text.length) == NULL;
}

/* Only for text that is not ASCII, so never for none. */
bool
utf8_has_line_end(struct span text)
{
	static const char *const ends[] = { "\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9" };

	for (size_t k = 0; k < sizeof ends / sizeof ends[0]; k++)
		if (text.length && memmem(text.start, text.length, ends[k], strlen(ends[k])))
			return true;
	return false;
}

static bool
is_normal(struct span text, uninorm_t form)
{
	uint8_t small[256];
	size_t length = sizeof small;
	uint8_t *normal;
	bool same;

	normal = u8_normalize(form, units(text), text.length, small, &length);
	if (!normal)
		return false;
	same = span_equal(text, span_of(normal, length));
	if (normal != small)
		free(normal);
	return same;
}

bool
utf8_is_nfc(struct span text)
{
	return utf8_is_ascii(text) || is_normal(text, UNINORM_NFC);
}

/* RFC 6532 leaves the choice to us; RFC 8264 (PRECIS) disallows these classes in identifiers. */
static bool
is_deceptive(ucs4_t code)
{
	const uint32_t refused = UC_CATEGORY_MASK_C | UC_CATEGORY_MASK_Z;

	return uc_is_general_category_withtable(code, refused) ||
	       uc_is_property(code, UC_PROPERTY_DEFAULT_IGNORABLE_CODE_POINT);
}

bool
utf8_has_deceptive(struct span text)
{
	size_t at = 0;

	while (at < text.length) {
		ucs4_t code;
		int step = u8_mbtouc(&code, units(text) + at, text.length - at);

		if (step <= 0 || (code >= 0x80 && is_deceptive(code)))
			return true;
		at += (size_t)step;
	}
	return !utf8_is_ascii(text) && !is_normal(text, UNINORM_NFKC);
}
