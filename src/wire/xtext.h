/* SPDX-License-Identifier: BSD-2-Clause */
/* xtext (RFC 3461 4), and the checks of ENVID and ORCPT, whose values are written in it. */
#ifndef WIRE_XTEXT_H
#define WIRE_XTEXT_H

#include "base/buffer.h"

enum { XTEXT_ENVID_MAX_BYTES = 100, XTEXT_ORCPT_MAX_BYTES = 500 };

/*
 * "+" and two upper-case hex digits, else bytes 33 to 126 but "+" and "=". The decoded bytes go to
 * out, or to to[], which must hold text.length bytes (they are never more).
 */
bool xtext_parse(struct span text, struct buf *out);
bool xtext_decode(struct span text, char *to, size_t *length_out);
bool xtext_format(struct span bytes, struct buf *out);
/* 1 to 100 bytes of xtext that decode to printable ASCII, RFC 3461 4.4. */
bool xtext_is_envid(struct span text);
/*
 * "type;xtext" of at most 500 bytes, RFC 3461 4.2; what it decodes to is printable ASCII. For type
 * utf-8 it is RFC 6533 3: \x{HEX} escapes, and raw UTF-8 only where utf8 says so.
 */
bool xtext_is_orcpt(struct span text, bool utf8);

#endif
