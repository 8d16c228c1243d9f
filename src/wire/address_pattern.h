/* SPDX-License-Identifier: BSD-2-Clause */
/* Patterns of addresses, as send-as and the other rights name them. */
#ifndef WIRE_ADDRESS_PATTERN_H
#define WIRE_ADDRESS_PATTERN_H

#include "wire/address.h"

enum address_pattern_kind {
	ADDRESS_PATTERN_ONE,     /* "user@example.org" */
	ADDRESS_PATTERN_DOMAIN,  /* "@example.org": every local part there */
	ADDRESS_PATTERN_BELOW,   /* ".example.org": every domain below it, but not itself */
	ADDRESS_PATTERN_ANY,     /* "*": every address, never the null sender */
};

/* A plain value. For DOMAIN and BELOW only address.domain counts. */
struct address_pattern {
	enum address_pattern_kind kind;
	struct address address;
};

/* UTF-8 is allowed; it is what an administrator wrote. */
bool address_pattern_parse(struct span text, struct address_pattern *pattern_out);
/* Compares as address_equal_own() does. ADDRESS_NULL and ADDRESS_BARE match nothing. */
bool address_pattern_matches(const struct address_pattern *pattern, const struct address *address);
/*
 * The same of a pattern as address_pattern_format() writes it, without parsing it: what settings and
 * identities hold is in that form. text is what address_format() makes of the address.
 */
bool address_pattern_text_matches(struct span pattern, const struct address *address,
	struct span text);
/* As it would be written in the configuration; at most ADDRESS_TEXT_SIZE with its NUL. */
size_t address_pattern_format(const struct address_pattern *pattern, char to[ADDRESS_TEXT_SIZE]);

#endif
