/* SPDX-License-Identifier: BSD-2-Clause */
/* Keeps a window of the spool in memory: what is fresh or due soon, loaded by pages. */
#ifndef QUEUE_LOADER_H
#define QUEUE_LOADER_H

#include "queue/backlog.h"

struct loader;

/* on_loaded is called when something new stands in the backlog. All outlive it. */
struct loader *loader_new(struct spool *spool, struct backlog *backlog, loop_fn *on_loaded,
	void *context);
void loader_free(struct loader **loader);

/* Now and then, and after the backlog has shrunk: asks for pages where there is room. */
void loader_fill(struct loader *loader, int64_t now_ms);
/* A message has just come into the spool: into the backlog, or, if that is full, for later. */
void loader_add(struct loader *loader, struct parcel *parcel);
/* Would a message that is due then be in memory? If not, its entry may go. */
bool loader_keeps(const struct loader *loader, int64_t due_ms);
/* One message afresh: after a change by hand. Nothing happens if it is there, held or gone. */
void loader_load(struct loader *loader, uint64_t seq);
/* Everything afresh: the routes are others. */
void loader_restart(struct loader *loader, int64_t now_ms);

#endif
