/* SPDX-License-Identifier: BSD-2-Clause */
/* A wall clock that does not jump: small corrections are followed, large ones not; pure. */
#include "queue/timekeeper.h"

void
timekeeper_init(struct timekeeper *keeper, int64_t wall_ms, uint64_t steady_ms)
{
	keeper->ahead_ms = wall_ms - (int64_t)steady_ms;
	keeper->jumped = false;
}

int64_t
timekeeper_now(struct timekeeper *keeper, int64_t wall_ms, uint64_t steady_ms)
{
	int64_t expected = (int64_t)steady_ms + keeper->ahead_ms;
	int64_t off = wall_ms - expected;
	keeper->jumped = off > TIMEKEEPER_TRUST_MS || off < -TIMEKEEPER_TRUST_MS;
	if (keeper->jumped)
		return expected;
	keeper->ahead_ms += off;
	return wall_ms;
}
