/* SPDX-License-Identifier: BSD-2-Clause */
/* What a filter is told, as a strict reader of the milter protocol sees it; a breach of it is a finding. */
#ifndef FUZZ_MILTER_WATCH_H
#define FUZZ_MILTER_WATCH_H

#include <stdbool.h>
#include <stddef.h>

struct buf;

struct milter_watch {
	size_t rank;      /* of the last step, in order */
	bool over;        /* END or ABORT was told: perhaps without MAIL, if it is not wanted */
	unsigned offers;  /* for this message */
	unsigned ends;
	unsigned unknowns;
};

/* A message: the connection of the last one goes on behind HELO, or a new one begins. */
void milter_watch_begin(struct milter_watch *watch);
/* Takes all packets out of what was written, which ends with a whole one. The only unknown command is XYZZY. */
void milter_watch_read(struct milter_watch *watch, struct buf *out);

#endif
