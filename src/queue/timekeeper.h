/* SPDX-License-Identifier: BSD-2-Clause */
/* A wall clock that does not jump: small corrections are followed, large ones not; pure. */
#ifndef QUEUE_TIMEKEEPER_H
#define QUEUE_TIMEKEEPER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Expiry and due times are wall clock on disk. Should the wall clock jump by more than an hour,
 * mail must not be returned by the thousands, nor lie for a year: from then on time goes on by the
 * steady clock until the wall clock is back or the process starts again.
 */
struct timekeeper {
	int64_t ahead_ms; /* of the steady clock */
	bool jumped;
};

enum {
	TIMEKEEPER_TRUST_MS = 3600 * 1000,
	TIMEKEEPER_AWAY_MS = 24 * 3600 * 1000, /* as long may it take until queue runs again */
};

void timekeeper_init(struct timekeeper *keeper, int64_t wall_ms, uint64_t steady_ms);
int64_t timekeeper_now(struct timekeeper *keeper, int64_t wall_ms, uint64_t steady_ms);

/*
 * A time between two runs in which nothing was tried, whether the machine was off or its clock was
 * set: mail from before does not age by it, and dates that a wrong clock gave are put right.
 */
struct timekeeper_gap {
	uint64_t before_seq; /* messages accepted before */
	int64_t ms;          /* less than 0: the clock went back */
};

/*
 * The last run ended at last_ms (0: there was none); this one begins at now_ms, and what it accepts
 * has next_seq or more. Is that too far off? old_left: messages of an earlier gap are still there;
 * in doubt they age less.
 */
bool timekeeper_leap(struct timekeeper_gap *gap, int64_t last_ms, int64_t now_ms,
	uint64_t next_seq, bool old_left);
/* When a message came, so that its age is what it has lived through. */
int64_t timekeeper_received(
	const struct timekeeper_gap *gap, uint64_t seq, int64_t received_ms);

#endif
