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

enum { TIMEKEEPER_TRUST_MS = 3600 * 1000 };

void timekeeper_init(struct timekeeper *keeper, int64_t wall_ms, uint64_t steady_ms);
int64_t timekeeper_now(struct timekeeper *keeper, int64_t wall_ms, uint64_t steady_ms);

#endif
