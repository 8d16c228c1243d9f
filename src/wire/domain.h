/* SPDX-License-Identifier: BSD-2-Clause */
/* Domain names and address literals (RFC 5321 4.1.2, 4.1.3, RFC 5891), in their canonical form. */
#ifndef WIRE_DOMAIN_H
#define WIRE_DOMAIN_H

#include "base/text.h"

/* RFC 5321 4.5.3.1.2 says 255 with the root; as text a name has at most 253. */
enum { DOMAIN_MAX_BYTES = 253, DOMAIN_SIZE = 256 };

/*
 * Letters, digits and hyphens in labels of 1 to 63, no trailing dot, the last label not all digits
 * (it would read as an IPv4 address). Labels beyond ASCII are turned into A-labels by IDNA2008,
 * nontransitional; an "xn--" label must be one that IDNA2008 makes. Written to name_out in lower
 * case, ended by NUL, only on success. Full-stop variants such as U+3002 are not dots.
 */
bool domain_parse(struct span text, char name_out[DOMAIN_SIZE]);
/*
 * "[192.0.2.1]" or "[IPv6:2001:db8::1]", nothing else; written as inet_ntop() writes it, with the
 * brackets and the tag.
 */
bool domain_parse_literal(struct span text, char literal_out[DOMAIN_SIZE]);
/*
 * The name after EHLO or HELO: ASCII alone; a name (an underscore and an all-digit last label pass,
 * because many clients are named so) or an address literal.
 */
bool domain_is_greeting(struct span text);
/* Is name below parent, as a.example.org is of example.org? Both as domain_parse() writes them. */
bool domain_is_below(struct span name, struct span parent);

#endif
