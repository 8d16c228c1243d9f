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

bool
timekeeper_leap(struct timekeeper_gap *gap, int64_t last_ms, int64_t now_ms, uint64_t next_seq,
	bool old_left)
{
	int64_t away_ms = now_ms - last_ms;
	if (!last_ms || (away_ms <= TIMEKEEPER_AWAY_MS && away_ms >= -TIMEKEEPER_TRUST_MS))
		return false;
	gap->ms = away_ms + (old_left && gap->ms > 0 ? gap->ms : 0);
	gap->before_seq = next_seq;
	return true;
}

int64_t
timekeeper_received(const struct timekeeper_gap *gap, uint64_t seq, int64_t received_ms)
{
	return seq && seq < gap->before_seq ? received_ms + gap->ms : received_ms;
}
