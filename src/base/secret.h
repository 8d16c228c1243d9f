/* SPDX-License-Identifier: BSD-2-Clause */
/* Passwords, keys and SASL messages: a type of their own, wiped when freed, never turned into text. */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/text.h"

struct secret;

struct secret *secret_new(struct span bytes);              /* copies */
struct secret *secret_alloc(size_t size);                  /* zeroed, to be filled */
void secret_free(struct secret **secret);                  /* wipes; accepts NULL */
struct span secret_span(const struct secret *secret);      /* borrowed; empty for NULL */
unsigned char *secret_bytes(struct secret *secret);        /* for filling */
void secret_truncate(struct secret *secret, size_t length); /* wipes what is cut off */
bool secret_equal(struct span a, struct span b);           /* time depends on the lengths alone */

#endif
