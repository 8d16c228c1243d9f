/* SPDX-License-Identifier: BSD-2-Clause */
/* What one process knows of one filter: whether it answers, how fast, what it says; and the breaker. */
#ifndef POLICY_MILTER_HEALTH_H
#define POLICY_MILTER_HEALTH_H

#include "base/fault.h"
#include "policy/milter_breaker.h"
#include "policy/verdict.h"
#include "wire/milter_answer.h"

/*
 * Zeroed storage is a filter nobody has asked yet. All may be read; the functions alone write, but for
 * where the breaker is and how long it opens.
 */
struct milter_health {
	struct milter_breaker breaker;
	bool negotiated;             /* the three below are known */
	uint32_t version;
	uint32_t actions;
	uint32_t steps;
	unsigned connections;        /* open just now */
	uint64_t messages;           /* that came to a verdict at the end of message or before */
	uint64_t verdicts[VERDICT_HOLD + 1];
	uint64_t changed;            /* messages that it changed */
	uint64_t failures;
	uint64_t skipped;            /* while the breaker was open */
	uint64_t took_us;            /* for all messages, connecting not counted … */
	uint64_t longest_us;
	uint64_t recent_us;          /* … and a mean in which the last eight or so weigh most */
	uint64_t told_ms;            /* loop time when it last worked or failed; 0: never */
	char fault[256];             /* the last failure, printable */
	uint64_t warned_ms;          /* loop time when it was last warned that it cannot be met; 0: never */
	uint64_t unwarned;           /* how often it could not since */
};

/* As milter_breaker_admits(). */
bool milter_health_admits(struct milter_health *health, uint64_t now_ms, uint64_t *trial_out);
void milter_health_met(struct milter_health *health, const struct milter_offer *offer);
/* An answer came as it should: the row of failures is over. True if the breaker closed by it. */
bool milter_health_worked(struct milter_health *health, uint64_t now_ms);
/* tried: it was let in to try. True if the breaker opened by it. */
bool milter_health_failed(struct milter_health *health, uint64_t now_ms, bool tried,
	const struct fault *why);
/*
 * It cannot be met, which it will not be for the next message either: true once a minute, when it is
 * worth a warning, with how often it was not since the last.
 */
bool milter_health_warns(struct milter_health *health, uint64_t now_ms, uint64_t *more_out);
/* It is elsewhere now: what failed, failed at the old place. */
void milter_health_moved(struct milter_health *health);
void milter_health_judged(struct milter_health *health, enum verdict_kind verdict, bool changed,
	uint64_t took_us);

#endif
