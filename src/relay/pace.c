/* SPDX-License-Identifier: BSD-2-Clause */
/* Is a hop taking a content fast enough? */
#include "relay/pace.h"

static void
open_window(struct pace *pace, uint64_t now_ms, uint64_t taken)
{
	pace->window_end_ms = now_ms + pace->window_ms;
	pace->taken = taken;
}

void
pace_start(struct pace *pace, uint64_t now_ms, uint64_t taken)
{
	pace->until_ms = now_ms + pace->total_ms;
	open_window(pace, now_ms, taken);
}

enum pace_verdict
pace_check(struct pace *pace, uint64_t now_ms, uint64_t taken)
{
	uint64_t wanted = pace->rate * pace->window_ms / 1000;

	if (now_ms >= pace->until_ms)
		return PACE_LATE;
	if (now_ms < pace->window_end_ms)
		return PACE_GOOD;
	if (taken - pace->taken < (wanted ? wanted : 1))
		return PACE_SLOW;
	open_window(pace, now_ms, taken);
	return PACE_GOOD;
}

uint64_t
pace_wait_ms(const struct pace *pace, uint64_t now_ms)
{
	uint64_t due_ms = pace->window_end_ms < pace->until_ms ? pace->window_end_ms
							      : pace->until_ms;

	return due_ms > now_ms ? due_ms - now_ms : 1;
}
