/* SPDX-License-Identifier: BSD-2-Clause */
/* Patterns of addresses, as send-as and the other rights name them. */
#include "wire/address_pattern.h"

#include <string.h>

static bool
parse_domain(struct span text, enum address_pattern_kind kind, struct address_pattern *pattern_out)
{
	struct address_pattern pattern = { .kind = kind, .address.kind = ADDRESS_MAILBOX };

	if (!domain_parse(text, pattern.address.domain))
		return false;
	pattern.address.domain_length = (uint8_t)strlen(pattern.address.domain);
	*pattern_out = pattern;
	return true;
}

bool
address_pattern_parse(struct span text, struct address_pattern *pattern_out)
{
	struct address_pattern pattern = { .kind = ADDRESS_PATTERN_ONE };

	if (span_is(text, "*")) {
		pattern.kind = ADDRESS_PATTERN_ANY;
		*pattern_out = pattern;
		return true;
	}
	if (span_starts(text, "@"))
		return parse_domain(span_from(text, 1), ADDRESS_PATTERN_DOMAIN, pattern_out);
	if (span_starts(text, "."))
		return parse_domain(span_from(text, 1), ADDRESS_PATTERN_BELOW, pattern_out);
	if (address_parse(text, ADDRESS_UTF8, &pattern.address) != ADDRESS_OK)
		return false;
	*pattern_out = pattern;
	return true;
}

bool
address_pattern_matches(const struct address_pattern *pattern, const struct address *address)
{
	struct span domain = address_domain(address);

	if (address->kind == ADDRESS_NULL || address->kind == ADDRESS_BARE)
		return false;
	switch (pattern->kind) {
	case ADDRESS_PATTERN_ONE:
		return address_equal_own(&pattern->address, address);
	case ADDRESS_PATTERN_DOMAIN:
		return span_equal(domain, address_domain(&pattern->address));
	case ADDRESS_PATTERN_BELOW:
		return domain_is_below(domain, address_domain(&pattern->address));
	case ADDRESS_PATTERN_ANY:
		return true;
	}
	return false;
}

bool
address_pattern_text_matches(struct span pattern, const struct address *address, struct span text)
{
	struct span domain = address_domain(address);

	if (address->kind == ADDRESS_NULL || address->kind == ADDRESS_BARE || pattern.length == 0)
		return false;
	switch (pattern.start[0]) {
	case '*':
		if (pattern.length == 1)
			return true;
		break;
	case '@':
		return span_equal(domain, span_from(pattern, 1));
	case '.':
		return domain_is_below(domain, span_from(pattern, 1));
	default:
		break;
	}
	/* The domain of either is in lower case, so letters in any case are the local part's alone. */
	return span_equal_nocase(pattern, text);
}

size_t
address_pattern_format(const struct address_pattern *pattern, char to[ADDRESS_TEXT_SIZE])
{
	if (pattern->kind == ADDRESS_PATTERN_ONE)
		return address_format(&pattern->address, to);
	if (pattern->kind == ADDRESS_PATTERN_ANY) {
		memcpy(to, "*", sizeof "*");
		return 1;
	}
	to[0] = pattern->kind == ADDRESS_PATTERN_BELOW ? '.' : '@';
	memcpy(to + 1, pattern->address.domain, (size_t)pattern->address.domain_length + 1);
	return (size_t)pattern->address.domain_length + 1;
}
