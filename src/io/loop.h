/* SPDX-License-Identifier: BSD-2-Clause */
/* The event loop: readiness of fds, timers, signals, calls at the end of the turn. One per process. */
#ifndef IO_LOOP_H
#define IO_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A turn: timers that are due, then fds and signals, then the deferred calls. Nothing here is safe
 * from another thread; a thread reports through worker.h. Callbacks may start, stop and free any
 * timer, watch or deferred call, their own too; but an owner frees itself only in a deferred call.
 */
struct loop;

typedef void loop_fn(void *context);

struct loop *loop_new(void);                               /* dies without the means (fds, memory) */
/* Runs what was deferred. All watches must be freed before. */
void loop_free(struct loop **loop);
void loop_run(struct loop *loop);                          /* until loop_stop() */
void loop_stop(struct loop *loop);                         /* ends loop_run() after this turn */
uint64_t loop_now_ms(const struct loop *loop);             /* steady; taken once a turn */
uint64_t loop_exact_us(void);                              /* steady; taken now, for measuring */

/* For reading what is consumed in the same callback. Whoever returns to the loop has lost it. */
enum { LOOP_SCRATCH_BYTES = 65536 };
char *loop_scratch(struct loop *loop);

/*
 * Timers live in the caller's storage. Starting a running timer moves it; moving it further away,
 * which every deadline does all the time, costs no more than an assignment.
 */
struct loop_timer {
	struct loop *loop;
	loop_fn *on_due;
	void *context;
	uint64_t due_ms;   /* when it shall fire; 0 while stopped */
	uint64_t key_ms;   /* its place in the heap, never later than due_ms */
	size_t slot;       /* 1-based place in the heap; 0 while stopped */
};

void loop_timer_init(struct loop_timer *timer, struct loop *loop, loop_fn *on_due, void *context);
void loop_timer_start(struct loop_timer *timer, uint64_t in_ms); /* fires once */
void loop_timer_stop(struct loop_timer *timer);

static inline bool
loop_timer_is_running(const struct loop_timer *timer)
{
	return timer->slot != 0;
}

/* Readiness is level: it is told again each turn until the cause or the wish is gone. */
enum loop_event {
	LOOP_READABLE = 1,
	LOOP_WRITABLE = 2, /* an error on the fd shows as whatever is watched; the next call says which */
};

struct loop_watch;

typedef void loop_event_fn(unsigned events, void *context);

/* Watches nothing yet. The fd stays the caller's, is non-blocking, and is closed after the watch. */
struct loop_watch *loop_watch_new(
	struct loop *loop, int fd, loop_event_fn *on_event, void *context);
void loop_watch_set(struct loop_watch *watch, unsigned events); /* LOOP_* or 0; the same again is free */
void loop_watch_free(struct loop_watch **watch);

/* Called at the end of this turn, once, however often it was asked for; in the order of asking. */
struct loop_defer {
	struct loop *loop;
	loop_fn *call;
	void *context;
	struct loop_defer *next;
	struct loop_defer *previous;
};

void loop_defer_init(struct loop_defer *defer, struct loop *loop, loop_fn *call, void *context);
void loop_defer(struct loop_defer *defer);
void loop_defer_cancel(struct loop_defer *defer);

/* Stays until loop_free(). The call comes from the loop, not from the signal. */
void loop_signal(struct loop *loop, int number, loop_fn *on_signal, void *context);

/*
 * Something of size was freed: once nothing more has been for a second, the memory goes back to the
 * system, so that a flood of connections does not stay in the size of the process.
 */
void loop_tidy_later(struct loop *loop);

#endif
