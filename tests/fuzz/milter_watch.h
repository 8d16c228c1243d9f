/* SPDX-License-Identifier: BSD-2-Clause */
/* What a filter is told, as a strict reader of the milter protocol sees it; a breach of it is a finding. */
#ifndef FUZZ_MILTER_WATCH_H
#define FUZZ_MILTER_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "milter_sight.h"

struct buf;

struct milter_watch {
	const struct milter_sight *sight; /* the message that it is told of, once that is taken */
	const uint32_t *steps;            /* as negotiated last; NULL: it may skip what it likes */
	size_t rank;      /* of the last step, in order */
	bool over;        /* END or ABORT was told: perhaps without MAIL, if it is not wanted */
	unsigned offers;  /* for this message */
	unsigned ends;
	unsigned unknowns;
	size_t fields;    /* of the message, on this connection */
	size_t bytes;
};

/* A message: the connection of the last one goes on behind HELO, or a new one begins. */
void milter_watch_begin(struct milter_watch *watch, const struct milter_sight *sight,
	const uint32_t *steps);
/* Takes all packets out of what was written, which ends with a whole one. The only unknown command is XYZZY. */
void milter_watch_read(struct milter_watch *watch, struct buf *out);

#endif
