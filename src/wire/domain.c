/* SPDX-License-Identifier: BSD-2-Clause */
/* Domain names and address literals, in their canonical form. */
#include "wire/domain.h"

#include <arpa/inet.h>
#include <idn2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicase.h>

#include "wire/octet.h"
#include "wire/utf8.h"

enum {
	LABEL_MAX_BYTES = 63,
	UNICODE_MAX_BYTES = 1024, /* more than any U-label form of 253 bytes of A-labels */
	IPV6_TAG_BYTES = 5,
};

/* RFC 5321 4.1.2: sub-domain = Let-dig [Ldh-str] */
static bool
is_label(struct span label, bool underscore)
{
	if (label.length == 0 || label.length > LABEL_MAX_BYTES)
		return false;
	for (size_t i = 0; i < label.length; i++) {
		char byte = label.start[i];

		if (!octet_is_alnum(byte) && byte != '-' && !(underscore && byte == '_'))
			return false;
	}
	return label.start[0] != '-' && label.start[label.length - 1] != '-';
}

static bool
is_all_digits(struct span label)
{
	for (size_t i = 0; i < label.length; i++)
		if (!octet_is_digit(label.start[i]))
			return false;
	return true;
}

static bool
is_name(struct span text, bool lax)
{
	struct span rest = text;
	struct span label;
	bool more;

	if (text.length == 0 || text.length > DOMAIN_MAX_BYTES)
		return false;
	do {
		more = span_has_byte(rest, '.');
		label = span_cut(rest, '.', &rest);
		if (!is_label(label, lax))
			return false;
	} while (more);
	return lax || !is_all_digits(label);
}

static bool
has_ace_label(struct span text)
{
	for (size_t i = 0; i < text.length; i++)
		if ((i == 0 || text.start[i - 1] == '.') &&
			span_starts_nocase(span_from(text, i), "xn--"))
			return true;
	return false;
}

/*
 * Lower case first: IDNA2008 knows no capitals. Nothing else is mapped (IDN2_NO_TR46), so that
 * full-width letters and other full stops are refused instead of folded into another name.
 */
static char *
to_ascii(struct span text)
{
	char *ascii = NULL;
	uint8_t *lower;
	size_t length;

	if (text.length > UNICODE_MAX_BYTES || span_has_byte(text, '\0') || !utf8_is_valid(text) ||
		!utf8_is_nfc(text))
		return NULL;
	lower = u8_tolower(
		(const uint8_t *)text.start, text.length, NULL, UNINORM_NFC, NULL, &length);
	if (!lower)
		return NULL;
	lower = realloc(lower, length + 1);
	if (lower) {
		lower[length] = '\0';
		if (idn2_lookup_u8(lower, (uint8_t **)&ascii, IDN2_NO_TR46) != IDN2_OK)
			ascii = NULL;
	}
	free(lower);
	return ascii;
}

/* RFC 5891 4.2.3.1: no U-label starts or ends with a hyphen; the lookup of libidn2 lets it pass. */
static bool
has_edge_hyphen(const char *ascii)
{
	char *unicode = NULL;
	bool found;

	if (idn2_to_unicode_8z8z(ascii, &unicode, 0) != IDN2_OK)
		return true;
	found = unicode[0] == '-' || strstr(unicode, ".-") || strstr(unicode, "-.") ||
		unicode[strlen(unicode) - 1] == '-';
	idn2_free(unicode);
	return found;
}

static void
copy_name(struct span text, char name_out[DOMAIN_SIZE])
{
	for (size_t i = 0; i < text.length; i++)
		name_out[i] = text_lower(text.start[i]);
	name_out[text.length] = '\0';
}

bool
domain_parse(struct span text, char name_out[DOMAIN_SIZE])
{
	char *ascii = NULL;
	struct span name = text;
	bool good;

	if (!utf8_is_ascii(text) || has_ace_label(text)) {
		ascii = to_ascii(text);
		name = span_text(ascii);
	}
	good = is_name(name, false) && !(ascii && has_edge_hyphen(ascii));
	if (good)
		copy_name(name, name_out);
	idn2_free(ascii);
	return good;
}

bool
domain_parse_literal(struct span text, char literal_out[DOMAIN_SIZE])
{
	char inner[INET6_ADDRSTRLEN];
	char canonical[INET6_ADDRSTRLEN];
	unsigned char bytes[sizeof(struct in6_addr)];
	int family = AF_INET;
	struct span address;

	if (text.length < 3 || text.start[0] != '[' || text.start[text.length - 1] != ']')
		return false;
	address = span_of(text.start + 1, text.length - 2);
	if (span_starts_nocase(address, "IPv6:")) {
		family = AF_INET6;
		address = span_from(address, IPV6_TAG_BYTES);
	}
	if (address.length >= sizeof inner || span_has_byte(address, '\0') || address.length == 0)
		return false;
	memcpy(inner, address.start, address.length);
	inner[address.length] = '\0';
	if (inet_pton(family, inner, bytes) != 1 ||
		!inet_ntop(family, bytes, canonical, sizeof canonical))
		return false;
	snprintf(literal_out, DOMAIN_SIZE, "[%s%s]", family == AF_INET6 ? "IPv6:" : "", canonical);
	return true;
}

bool
domain_is_greeting(struct span text)
{
	char literal[DOMAIN_SIZE];

	return is_name(text, true) || domain_parse_literal(text, literal);
}

bool
domain_is_below(struct span name, struct span parent)
{
	size_t lead;

	if (parent.length == 0 || name.length < parent.length + 2)
		return false;
	lead = name.length - parent.length;
	return name.start[lead - 1] == '.' && span_equal(span_from(name, lead), parent);
}
