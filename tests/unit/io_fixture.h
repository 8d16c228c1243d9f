/* SPDX-License-Identifier: BSD-2-Clause */
/* A loop that a test runs until what it waits for has come, or fails after a deadline. */
#ifndef IO_FIXTURE_H
#define IO_FIXTURE_H

#include "unit.h"

#include "io/loop.h"

enum { FIXTURE_WAIT_MS = 10000 };

static inline void
fixture_on_late(void *context)
{
	(void)context;
	fail_msg("nothing came of it in %d ms", FIXTURE_WAIT_MS);
}

/* Until somebody calls loop_stop(). */
static inline void
fixture_run(struct loop *loop)
{
	struct loop_timer late;

	loop_timer_init(&late, loop, fixture_on_late, NULL);
	loop_timer_start(&late, FIXTURE_WAIT_MS);
	loop_run(loop);
	loop_timer_stop(&late);
}

static inline void
fixture_stop(void *loop)
{
	loop_stop(loop);
}

/* Lets the loop turn for so long: for showing that something does not happen. */
static inline void
fixture_run_for(struct loop *loop, uint64_t ms)
{
	struct loop_timer end;

	loop_timer_init(&end, loop, fixture_stop, loop);
	loop_timer_start(&end, ms);
	loop_run(loop);
	loop_timer_stop(&end);
}

#endif
