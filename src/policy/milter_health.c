/* SPDX-License-Identifier: BSD-2-Clause */
/* Counters of a filter, and the breaker: a broken filter is not hammered. */
#include "policy/milter_health.h"

#include <stdio.h>

enum { RECENT_WEIGHT = 8 };

static bool
is_open(const struct milter_health *health)
{
	return health->rest_until_ms != 0;
}

bool
milter_health_admits(struct milter_health *health, uint64_t now_ms)
{
	if (!is_open(health))
		return true;
	if (now_ms < health->rest_until_ms) {
		health->skipped++;
		return false;
	}
	/* Should that one never say how it went (its client types slowly), another may try later. */
	health->trying = true;
	health->rest_until_ms = now_ms + health->rest_ms;
	return true;
}

void
milter_health_met(struct milter_health *health, const struct milter_offer *offer)
{
	health->negotiated = true;
	health->version = offer->version;
	health->actions = offer->actions;
	health->steps = offer->steps;
}

bool
milter_health_worked(struct milter_health *health, uint64_t now_ms)
{
	bool was_open = is_open(health);

	health->told_ms = now_ms;
	health->failures_in_row = 0;
	health->trying = false;
	health->rest_ms = 0;
	health->rest_until_ms = 0;
	return was_open;
}

static uint64_t
first_rest_ms(const struct milter_health *health)
{
	return health->first_rest_ms ? health->first_rest_ms : MILTER_REST_MS;
}

bool
milter_health_failed(struct milter_health *health, uint64_t now_ms, const struct fault *why)
{
	health->told_ms = now_ms;
	health->failures++;
	health->failures_in_row++;
	snprintf(health->fault, sizeof health->fault, "%.*s", (int)sizeof health->fault - 1,
		why->text);
	if (is_open(health)) {
		/* Who was admitted before it opened tells nothing new. */
		if (!health->trying)
			return false;
		health->trying = false;
		health->rest_ms *= 2;
		if (health->rest_ms > MILTER_REST_GROWS * first_rest_ms(health))
			health->rest_ms = MILTER_REST_GROWS * first_rest_ms(health);
		health->rest_until_ms = now_ms + health->rest_ms;
		return false;
	}
	if (health->failures_in_row < MILTER_BREAK_AFTER)
		return false;
	health->rest_ms = first_rest_ms(health);
	health->rest_until_ms = now_ms + health->rest_ms;
	return true;
}

void
milter_health_gave_up(struct milter_health *health)
{
	if (!health->trying)
		return;
	health->trying = false;
	health->rest_until_ms = 1; /* open, and over: the next one tries */
}

void
milter_health_moved(struct milter_health *health)
{
	(void)milter_health_worked(health, 0);
	health->negotiated = false;
	health->version = health->actions = health->steps = 0;
	health->fault[0] = '\0';
}

void
milter_health_judged(struct milter_health *health, enum verdict_kind verdict, bool changed,
	uint64_t took_us)
{
	health->recent_us = health->messages
		? (health->recent_us * (RECENT_WEIGHT - 1) + took_us) / RECENT_WEIGHT : took_us;
	health->messages++;
	health->verdicts[verdict]++;
	health->changed += changed;
	health->took_us += took_us;
	if (took_us > health->longest_us)
		health->longest_us = took_us;
}
