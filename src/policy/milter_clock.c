/* SPDX-License-Identifier: BSD-2-Clause */
/* The time of filters: deadlines, budgets, what they took. */
#include "policy/milter_clock.h"

/* For settings that do not say. */
enum {
	CONNECT_WAIT_MS = 10 * 1000,
	COMMAND_WAIT_MS = 30 * 1000,
	CONTENT_WAIT_MS = 60 * 1000,
	END_WAIT_MS = 100 * 1000,
	BUDGET_MS = 110 * 1000,
	ALL_MS = 110 * 1000,
};

static uint64_t
setting(uint64_t ms, uint64_t otherwise_ms)
{
	return ms ? ms : otherwise_ms;
}

static uint64_t
least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* ---- questions ------------------------------------------------------------------------------- */

void
milter_clock_begin(struct milter_clock *clock, const struct settings_milter *settings,
	uint64_t all_ms)
{
	*clock = (struct milter_clock){ .settings = settings, .all_ms = setting(all_ms, ALL_MS) };
}

void
milter_clock_start(struct milter_clock *clock, uint64_t before_ms, uint64_t now_ms, uint64_t now_us)
{
	clock->before_ms = before_ms;
	clock->since_ms = now_ms;
	milter_clock_meet(clock, now_us);
}

static uint64_t
asked_ms(const struct milter_clock *clock, uint64_t now_ms)
{
	return now_ms - clock->since_ms;
}

uint64_t
milter_clock_stop(struct milter_clock *clock, uint64_t now_ms, uint64_t now_us)
{
	uint64_t ms = asked_ms(clock, now_ms);

	milter_clock_lose(clock, now_us);
	clock->spent_ms += ms;
	return ms;
}

void
milter_clock_lose(struct milter_clock *clock, uint64_t now_us)
{
	if (clock->connected)
		clock->took_us += now_us - clock->since_us;
	clock->connected = false;
}

void
milter_clock_meet(struct milter_clock *clock, uint64_t now_us)
{
	clock->connected = true;
	clock->since_us = now_us;
}

/* ---- what is left ---------------------------------------------------------------------------- */

/* Never 0, which is no deadline. */
static uint64_t
left_of(uint64_t budget_ms, uint64_t spent_ms)
{
	return spent_ms < budget_ms ? budget_ms - spent_ms : 1;
}

static uint64_t
left_of_own(const struct milter_clock *clock, uint64_t now_ms)
{
	return left_of(setting(clock->settings->budget, BUDGET_MS),
		clock->spent_ms + asked_ms(clock, now_ms));
}

static uint64_t
left_of_all(const struct milter_clock *clock, uint64_t now_ms)
{
	return left_of(clock->all_ms, clock->before_ms + asked_ms(clock, now_ms));
}

bool
milter_clock_own_is_over(const struct milter_clock *clock, uint64_t now_ms)
{
	return left_of_own(clock, now_ms) == 1;
}

bool
milter_clock_all_is_over(const struct milter_clock *clock, uint64_t now_ms)
{
	return left_of_all(clock, now_ms) == 1;
}

bool
milter_clock_is_crowded(const struct milter_clock *clock, uint64_t now_ms)
{
	return 2 * (clock->spent_ms + asked_ms(clock, now_ms)) < clock->all_ms;
}

/* ---- deadlines ------------------------------------------------------------------------------- */

static uint64_t
at_most_left(const struct milter_clock *clock, uint64_t wait_ms, uint64_t now_ms)
{
	return least(wait_ms, least(left_of_own(clock, now_ms), left_of_all(clock, now_ms)));
}

uint64_t
milter_clock_connect_ms(const struct milter_clock *clock, uint64_t now_ms)
{
	return at_most_left(clock, setting(clock->settings->connect_wait, CONNECT_WAIT_MS), now_ms);
}

uint64_t
milter_clock_answer_ms(const struct milter_clock *clock, enum milter_place place, uint64_t now_ms)
{
	uint64_t wait_ms;

	if (place < MILTER_AT_HEADER)
		wait_ms = setting(clock->settings->command_wait, COMMAND_WAIT_MS);
	else if (place < MILTER_AT_END)
		wait_ms = setting(clock->settings->content_wait, CONTENT_WAIT_MS);
	else
		wait_ms = setting(clock->settings->end_wait, END_WAIT_MS);
	return at_most_left(clock, wait_ms, now_ms);
}
