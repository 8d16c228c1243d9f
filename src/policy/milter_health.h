/* SPDX-License-Identifier: BSD-2-Clause */
/* What one process knows of one filter: whether it answers, how fast, what it says; and the breaker. */
#ifndef POLICY_MILTER_HEALTH_H
#define POLICY_MILTER_HEALTH_H

#include "base/fault.h"
#include "policy/verdict.h"
#include "wire/milter_answer.h"

enum {
	MILTER_BREAK_AFTER = 5,     /* failures in a row */
	MILTER_REST_MS = 10 * 1000, /* then it is let alone, and one message tries again */
	MILTER_REST_GROWS = 6,      /* it doubles while the tries fail, up to so many times the first */
};

/*
 * Zeroed storage is a filter nobody has asked yet. All may be read; the functions alone write, but for
 * first_rest_ms.
 */
struct milter_health {
	uint64_t first_rest_ms;      /* by the settings; 0: MILTER_REST_MS */
	bool negotiated;             /* the five below are known */
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
	unsigned failures_in_row;
	uint64_t told_ms;            /* loop time when it last worked or failed; 0: never */
	bool trying;                 /* somebody is finding out whether it is back */
	uint64_t rest_ms;            /* the present or last rest; 0: none yet */
	uint64_t rest_until_ms;      /* loop time; 0: closed, mail flows */
	char fault[256];             /* the last failure, printable */
};

/* May it be asked? After a rest one caller is told yes, and has to say how it went. */
bool milter_health_admits(struct milter_health *health, uint64_t now_ms);
void milter_health_met(struct milter_health *health, const struct milter_offer *offer);
/* An answer came as it should: the row of failures is over. True if the breaker closed by it. */
bool milter_health_worked(struct milter_health *health, uint64_t now_ms);
/* True if the breaker opened by it. */
bool milter_health_failed(struct milter_health *health, uint64_t now_ms, const struct fault *why);
/* Whoever was admitted neither met it nor failed (the client went away). */
void milter_health_gave_up(struct milter_health *health);
/* It is elsewhere now: what failed, failed at the old place. */
void milter_health_moved(struct milter_health *health);
void milter_health_judged(struct milter_health *health, enum verdict_kind verdict, bool changed,
	uint64_t took_us);

#endif
