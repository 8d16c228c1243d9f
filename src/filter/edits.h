/* SPDX-License-Identifier: BSD-2-Clause */
/* How a header became another one, in the steps that a mail server takes from a filter. */
#ifndef FILTER_EDITS_H
#define FILTER_EDITS_H

#include "wire/header.h"

struct edit {
	const char *name;
	size_t index;      /* of the fields of this name, from 1; 0: a new field at the end */
	const char *value; /* folded with LF; NULL: the field goes */
};

struct edits {
	const struct edit *items;
	size_t count;
};

/*
 * The fields that the rights may change, from before to after. Fields go in descending order, which
 * is right whether or not the server counts anew after each. leading_space: the blank behind the
 * colon is part of a value, as the server takes it. Everything lives in the arena.
 */
struct edits edits_between(const struct header *before, const struct header *after,
	bool leading_space, struct arena *arena);

#endif
