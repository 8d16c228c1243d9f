/* SPDX-License-Identifier: BSD-2-Clause */
/* The processes of the roles: start, supervise, restart, replace, stop. */
#ifndef SUPER_CHILDREN_H
#define SUPER_CHILDREN_H

#include "super/ballot.h"

struct children;

struct children_events {
	void (*on_all_ready)(void *context);                      /* once */
	void (*on_start_failed)(void *context, const char *text, int status); /* a role ended before that */
	void (*on_all_stopped)(void *context);
	void (*on_settled)(void *context); /* children_are_settled() may have become true */
};

struct children *children_new(struct super *super, const struct children_events *events,
	void *context);
void children_free(struct children **children); /* kills what is left */
/* One of each role, and the front ends that the settings ask for. */
bool children_start(struct children *children, struct fault *fault);
/* All have started once, and none is being started. */
bool children_are_settled(const struct children *children);
/* Could all that serve use super->next? Then, if so, it has become super->now, all take it; or they forget it. */
void children_check(struct children *children, ballot_done_fn *on_done, void *context);
void children_take(struct children *children, ballot_done_fn *on_done, void *context);
void children_forget(struct children *children);
/* More or fewer front ends, as super->now asks for. */
void children_fit_workers(struct children *children);
/* Front ends first, keys last. */
void children_stop(struct children *children);
/* Processes have ended. */
void children_reap(struct children *children);

/* Every child in turn, NULL at the end; start with NULL. */
struct child *children_next(struct children *children, struct child *child);
/* One that serves, or NULL. */
struct child *children_find(struct children *children, enum role role);

#endif
