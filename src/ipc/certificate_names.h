/* SPDX-License-Identifier: BSD-2-Clause */
/* The names of a client's certificate, as they go from role to role. */
#ifndef IPC_CERTIFICATE_NAMES_H
#define IPC_CERTIFICATE_NAMES_H

#include "base/memory.h"
#include "base/pack.h"

enum { CERTIFICATE_NAMES_MAX = 16 };

/* None (count 0) where the client showed no certificate that holds. */
struct certificate_names {
	const char *const *items;
	size_t count;
};

void certificate_names_pack(struct buf *to, const struct certificate_names *names);
/* Names that are empty, or more than there may be, make it bad. */
struct certificate_names certificate_names_unpack(struct unpack *from, struct arena *arena);
/* All of a grant's packed names; no bytes at all are none. */
bool certificate_names_read(
	struct span packed, struct arena *arena, struct certificate_names *names_out);
struct certificate_names certificate_names_copy(
	const struct certificate_names *names, struct arena *arena);
/* The same names in the same order? */
bool certificate_names_equal(
	const struct certificate_names *a, const struct certificate_names *b);

#endif
