/* SPDX-License-Identifier: BSD-2-Clause */
/* What one process knows of one filter: whether it answers, how fast, what it says; and the breaker. */
#include "policy/milter_health.h"

#include <stdio.h>

enum {
	RECENT_WEIGHT = 8,
	WARN_AGAIN_MS = 60 * 1000,
};

bool
milter_health_admits(struct milter_health *health, uint64_t now_ms, uint64_t *trial_out)
{
	bool admits = milter_breaker_admits(&health->breaker, now_ms, trial_out);

	health->skipped += !admits;
	return admits;
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
	health->told_ms = now_ms;
	return milter_breaker_worked(&health->breaker);
}

bool
milter_health_failed(
	struct milter_health *health, uint64_t now_ms, bool tried, const struct fault *why)
{
	health->told_ms = now_ms;
	health->failures++;
	snprintf(health->fault, sizeof health->fault, "%.*s", (int)sizeof health->fault - 1,
		why->text);
	return milter_breaker_failed(&health->breaker, now_ms, tried);
}

bool
milter_health_warns(struct milter_health *health, uint64_t now_ms, uint64_t *more_out)
{
	if (health->warned_ms && now_ms - health->warned_ms < WARN_AGAIN_MS) {
		health->unwarned++;
		return false;
	}
	*more_out = health->unwarned;
	health->unwarned = 0;
	health->warned_ms = now_ms;
	return true;
}

void
milter_health_moved(struct milter_health *health)
{
	milter_breaker_reset(&health->breaker);
	health->told_ms = 0;
	health->warned_ms = 0;
	health->unwarned = 0;
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
