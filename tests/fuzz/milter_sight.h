/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A message as it stood when the turn of a filter came: what the filter is told of it, and changes as a
 * whole or not at all.
 */
#ifndef FUZZ_MILTER_SIGHT_H
#define FUZZ_MILTER_SIGHT_H

#include <stdbool.h>

#include "base/buffer.h"
#include "policy/mail.h"

struct milter_sight {
	bool taken;
	struct buf whole;     /* all that a filter may change, as bytes */
	struct buf block;
	struct header header; /* of the block, without our own Received */
	struct buf body;
};

/* Replaces what was seen before. */
void milter_sight_take(struct milter_sight *sight, const struct mail *mail);
void milter_sight_fini(struct milter_sight *sight);
/* Does the message still, or again, stand so? */
bool milter_sight_holds(const struct milter_sight *sight, const struct mail *mail);
/* Is this the payload of HEADER for that field, with or without the blank behind its colon? */
bool milter_sight_has_field(const struct milter_sight *sight, size_t number, struct span payload);
bool milter_sight_has_piece(const struct milter_sight *sight, size_t offset, struct span piece);

#endif
