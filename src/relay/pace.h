/* SPDX-License-Identifier: BSD-2-Clause */
/* Is a hop taking a content fast enough? A total and a rate, so that single bytes buy no time. */
#ifndef RELAY_PACE_H
#define RELAY_PACE_H

#include <stdbool.h>
#include <stdint.h>

/* In the caller's storage; the limits are the caller's, the rest is the pace's own. */
struct pace {
	uint64_t total_ms;     /* for the whole content */
	uint64_t window_ms;    /* in each of which */
	uint64_t rate;         /* so many bytes a second are taken on average; at least one byte */
	uint64_t until_ms;
	uint64_t window_end_ms;
	uint64_t taken;        /* at the start of the window */
};

enum pace_verdict {
	PACE_GOOD,
	PACE_SLOW, /* less than the rate in a window */
	PACE_LATE, /* the total is used up */
};

/* taken counts bytes from any start, and never falls. */
void pace_start(struct pace *pace, uint64_t now_ms, uint64_t taken);
/* Ends a window when its time has come. */
enum pace_verdict pace_check(struct pace *pace, uint64_t now_ms, uint64_t taken);
/* How long until pace_check() can say something new; at least 1. */
uint64_t pace_wait_ms(const struct pace *pace, uint64_t now_ms);

#endif
