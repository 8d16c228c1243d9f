/* SPDX-License-Identifier: BSD-2-Clause */
/* Brings messages of one kind from the spool into memory, page by page, as there is room for them. */
#ifndef QUEUE_SCAN_H
#define QUEUE_SCAN_H

#include "queue/backlog.h"

/*
 * Two passes share the pages. The first goes to the end of what there is, and takes what there is
 * room for; where there was none it remembers, for each destination, from where on something was
 * left out. When such a destination has room again, the second pass goes from there until it is
 * full again.
 */
struct scan;

/* In order: by due time, then by seq. Fresh messages have no due time. */
struct scan_place {
	int64_t due_ms;
	uint64_t seq;
};

/* on_loaded is called when something new stands in the backlog. All outlive it. */
struct scan *scan_new(struct spool *spool, struct backlog *backlog, enum spool_page_kind kind,
	loop_fn *on_loaded, void *context);
/* After the spool has been closed. */
void scan_free(struct scan **scan);

/* Now and then, and after the backlog has shrunk. until_ms: what is due later waits; not of FRESH. */
void scan_go(struct scan *scan, int64_t until_ms);
/* From the beginning: the backlog has been cleared. */
void scan_restart(struct scan *scan);
/* Is what is due then in memory, or left out for want of room? */
bool scan_has_passed(const struct scan *scan, int64_t due_ms);
/* One that there is no room for. */
void scan_leave_out(struct scan *scan, const struct record *record, struct scan_place at);

#endif
