/* SPDX-License-Identifier: BSD-2-Clause */
/* The breaker of a filter, in one word that processes may share: a broken filter is not hammered. */
#include "policy/milter_breaker.h"

/* until_ms, 500 years of it; failures; rests; trying */
enum {
	UNTIL_BITS = 44,
	FAILURES_BITS = 16,
	RESTS_BITS = 3,
	TRIES = 8, /* somebody else may write it under our hands, but honest ones not so often */
};

static uint64_t
cut(uint64_t value, unsigned bits)
{
	uint64_t most = (UINT64_C(1) << bits) - 1;

	return value < most ? value : most;
}

uint64_t
milter_breaker_pack(const struct milter_rest *rest)
{
	uint64_t word = rest->trying;

	word = word << RESTS_BITS | cut(rest->rests, RESTS_BITS);
	word = word << FAILURES_BITS | cut(rest->failures, FAILURES_BITS);
	return word << UNTIL_BITS | cut(rest->until_ms, UNTIL_BITS);
}

static uint64_t
take(uint64_t *word, unsigned bits)
{
	uint64_t value = *word & ((UINT64_C(1) << bits) - 1);

	*word >>= bits;
	return value;
}

uint64_t
milter_breaker_rest_ms(const struct milter_breaker *breaker, unsigned rests)
{
	uint64_t first_ms = breaker->first_rest_ms ? breaker->first_rest_ms : MILTER_REST_MS;
	uint64_t longest_ms = MILTER_REST_GROWS * first_ms;
	uint64_t rest_ms = first_ms;

	while (--rests > 0 && rest_ms < longest_ms)
		rest_ms *= 2;
	return rest_ms < longest_ms ? rest_ms : longest_ms;
}

/* Others write there too: what none of us would have written, holds nobody up. */
static struct milter_rest
unpack(const struct milter_breaker *breaker, uint64_t word, uint64_t now_ms)
{
	struct milter_rest rest = { .until_ms = take(&word, UNTIL_BITS) };

	rest.failures = (unsigned)take(&word, FAILURES_BITS);
	rest.rests = (unsigned)take(&word, RESTS_BITS);
	rest.trying = word != 0;
	if (rest.rests == 0)
		return (struct milter_rest){ .failures = rest.failures };
	if (rest.until_ms > now_ms + milter_breaker_rest_ms(breaker, rest.rests) +
				    MILTER_CLOCKS_APART_MS)
		rest.until_ms = 0;
	return rest;
}

static _Atomic uint64_t *
word_of(struct milter_breaker *breaker)
{
	return breaker->shared ? breaker->shared : &breaker->own;
}

struct milter_rest
milter_breaker_read(const struct milter_breaker *breaker, uint64_t now_ms)
{
	const _Atomic uint64_t *word = breaker->shared ? breaker->shared : &breaker->own;

	return unpack(breaker, atomic_load(word), now_ms);
}

static uint64_t
trial_ms(const struct milter_breaker *breaker, unsigned rests)
{
	uint64_t rest_ms = milter_breaker_rest_ms(breaker, rests);

	return rest_ms < MILTER_TRIAL_MS ? rest_ms : MILTER_TRIAL_MS;
}

bool
milter_breaker_admits(struct milter_breaker *breaker, uint64_t now_ms, uint64_t *trial_out)
{
	uint64_t old = atomic_load(word_of(breaker));

	*trial_out = 0;
	for (unsigned i = 0; i < TRIES; i++) {
		struct milter_rest rest = unpack(breaker, old, now_ms);
		uint64_t next;

		if (rest.rests == 0)
			return true;
		if (now_ms < rest.until_ms)
			return false;
		/* If that one never says how it went (its client is slow), another tries later. */
		rest.trying = true;
		rest.until_ms = now_ms + trial_ms(breaker, rest.rests);
		next = milter_breaker_pack(&rest);
		if (atomic_compare_exchange_strong(word_of(breaker), &old, next)) {
			*trial_out = next;
			return true;
		}
	}
	return true; /* who writes it all the time is not to be believed */
}

bool
milter_breaker_worked(struct milter_breaker *breaker)
{
	/* While all is well nobody writes. */
	if (atomic_load(word_of(breaker)) == 0)
		return false;
	return unpack(breaker, atomic_exchange(word_of(breaker), 0), 0).rests != 0;
}

/* False: it opened before, and nothing new was learnt. */
static bool
add_failure(const struct milter_breaker *breaker, uint64_t now_ms, bool tried,
	struct milter_rest *rest)
{
	if (rest->rests != 0 && !(tried && rest->trying))
		return false;
	rest->failures++;
	rest->trying = false;
	if (rest->failures >= MILTER_BREAK_AFTER || rest->rests != 0) {
		rest->rests++;
		rest->until_ms = now_ms + milter_breaker_rest_ms(breaker, rest->rests);
	}
	return true;
}

bool
milter_breaker_failed(struct milter_breaker *breaker, uint64_t now_ms, bool tried)
{
	uint64_t old = atomic_load(word_of(breaker));

	for (unsigned i = 0; i < TRIES; i++) {
		struct milter_rest rest = unpack(breaker, old, now_ms);

		if (!add_failure(breaker, now_ms, tried, &rest))
			return false;
		if (atomic_compare_exchange_strong(
			    word_of(breaker), &old, milter_breaker_pack(&rest)))
			return rest.rests == 1;
	}
	return false;
}

void
milter_breaker_gave_up(struct milter_breaker *breaker, uint64_t trial)
{
	struct milter_rest rest = unpack(breaker, trial, 0);

	/* If another tries by now, that one is waited for. */
	rest.trying = false;
	rest.until_ms = 0;
	atomic_compare_exchange_strong(word_of(breaker), &trial, milter_breaker_pack(&rest));
}

void
milter_breaker_reset(struct milter_breaker *breaker)
{
	atomic_store(word_of(breaker), 0);
}
