/* SPDX-License-Identifier: BSD-2-Clause */
/* A reload among the children: each is asked whether it could use the next settings, then told what to do. */
#ifndef SUPER_BALLOT_H
#define SUPER_BALLOT_H

#include "super/child.h"

enum ballot_phase {
	BALLOT_NONE,
	BALLOT_CHECKING,
	BALLOT_TAKING_KEYS, /* keys first: what it could not sign for, no front end may show */
	BALLOT_TAKING,
};

/* refusals: who refuses and why; NULL if nobody does. */
typedef void ballot_done_fn(void *context, const char *refusals);

/* Lives in whoever has the children; all zero at first. */
struct ballot {
	enum ballot_phase phase;
	bool asking; /* not all have been asked yet */
	struct buf refusals;
	ballot_done_fn *on_done; /* of the phase */
	void *context;
};

void ballot_fini(struct ballot *ballot);
/* All children that serve; those that do not have no vote, and start with whatever is decided. */
void ballot_check(struct ballot *ballot, struct child *first, ballot_done_fn *on_done,
	void *context);
/* Those that could. Who is lost now starts again, with the new settings like everybody. */
void ballot_take(struct ballot *ballot, struct child *first, ballot_done_fn *on_done,
	void *context);
/* on_reload() of a child, and after a child has gone: the phase may be over. */
void ballot_count(struct ballot *ballot, struct child *child, enum child_reload result,
	const char *text);
void ballot_look(struct ballot *ballot, struct child *first);

#endif
