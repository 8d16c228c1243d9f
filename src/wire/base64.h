/* SPDX-License-Identifier: BSD-2-Clause */
/* Base64 as SASL uses it (RFC 4648 4): one form only, no line ends, canonical padding. */
#ifndef WIRE_BASE64_H
#define WIRE_BASE64_H

#include "base/buffer.h"
#include "base/secret.h"

/* False for any other byte, missing or surplus padding, or bits set that padding drops. */
bool base64_parse(struct span text, struct buf *out);
/* Into memory that is wiped; the empty text gives an empty secret. NULL if it is not base64. */
struct secret *base64_parse_secret(struct span text);
bool base64_format(struct span bytes, struct buf *out); /* false if out is full */

static inline size_t
base64_length(size_t bytes)
{
	return (bytes + 2) / 3 * 4;
}

#endif
