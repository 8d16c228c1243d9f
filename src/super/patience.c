/* SPDX-License-Identifier: BSD-2-Clause */
/* How long a role may take to start: for as long as it works. */
#include "super/patience.h"

#include <time.h>

/* Of all its threads. 0: it cannot be known, which is as if it did nothing. */
static uint64_t
worked_ms(pid_t pid)
{
	clockid_t clock;
	struct timespec time;

	if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) != 0)
		return 0;
	return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

void
patience_begin(struct patience *patience, pid_t pid, uint64_t now_ms)
{
	*patience = (struct patience){ now_ms, worked_ms(pid) };
}

bool
patience_lasts(struct patience *patience, pid_t pid, uint64_t now_ms)
{
	uint64_t before_ms = patience->worked_ms;

	patience->worked_ms = worked_ms(pid);
	return patience->worked_ms >= before_ms + PATIENCE_WORK_MS &&
		now_ms - patience->since_ms < PATIENCE_MOST_MS;
}
