/* SPDX-License-Identifier: BSD-2-Clause */
/* A filter's time: how long an answer may take, what is left of two budgets, what it took. Pure. */
#ifndef POLICY_MILTER_CLOCK_H
#define POLICY_MILTER_CLOCK_H

#include "policy/milter_verdict.h"

/*
 * A message has many questions, one after another. Budgets are counted in milliseconds of the loop,
 * from question to answer, connecting too; what the filter took in exact microseconds, and only
 * while it is connected.
 */
struct milter_clock {
	const struct settings_milter *settings;
	uint64_t all_ms;       /* the budget of all filters of the policy, for this message */
	uint64_t spent_ms;     /* of its own, before the question under way */
	uint64_t took_us;
	/* ---- the question under way */
	uint64_t before_ms;    /* that all filters had had when it began */
	uint64_t since_ms;
	bool connected;
	uint64_t since_us;
};

/* A message. all_ms: 0 for what is usual. */
void milter_clock_begin(struct milter_clock *clock, const struct settings_milter *settings,
	uint64_t all_ms);

/* A question; before_ms: what all filters have had for the message so far. */
void milter_clock_start(struct milter_clock *clock, uint64_t before_ms, uint64_t now_ms,
	uint64_t now_us);
/* … and its answer, or that there is none: how long it was, in ms. */
uint64_t milter_clock_stop(struct milter_clock *clock, uint64_t now_ms, uint64_t now_us);
/* In a question: the connection is to be made anew, and is made. */
void milter_clock_lose(struct milter_clock *clock, uint64_t now_us);
void milter_clock_meet(struct milter_clock *clock, uint64_t now_us);

/* In a question: for how long to wait, at least 1 ms, and no longer than the budgets last. */
uint64_t milter_clock_connect_ms(const struct milter_clock *clock, uint64_t now_ms);
/* place: what was told last; CONNECT for the negotiation too. */
uint64_t milter_clock_answer_ms(const struct milter_clock *clock, enum milter_place place,
	uint64_t now_ms);

/* In a question: which budget is over? */
bool milter_clock_own_is_over(const struct milter_clock *clock, uint64_t now_ms);
bool milter_clock_all_is_over(const struct milter_clock *clock, uint64_t now_ms);
/* Has it had less than half of the budget of all, so that others are to blame? */
bool milter_clock_is_crowded(const struct milter_clock *clock, uint64_t now_ms);

#endif
