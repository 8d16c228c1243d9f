/* SPDX-License-Identifier: BSD-2-Clause */
/* The breaker of a filter: alone, shared by two processes, and with whatever a third one writes there. */
#include "unit.h"

#include <pthread.h>

#include "policy/milter_breaker.h"

static bool
admits(struct milter_breaker *breaker, uint64_t now_ms)
{
	uint64_t trial;

	return milter_breaker_admits(breaker, now_ms, &trial);
}

/* The trial of the one who may try, which somebody may. */
static uint64_t
try(struct milter_breaker *breaker, uint64_t now_ms)
{
	uint64_t trial;

	assert_true(milter_breaker_admits(breaker, now_ms, &trial));
	assert_int_not_equal(trial, 0);
	return trial;
}

static void
fail_until_open(struct milter_breaker *breaker, uint64_t now_ms)
{
	for (int i = 1; i < MILTER_BREAK_AFTER; i++) {
		assert_true(admits(breaker, now_ms));
		assert_false(milter_breaker_failed(breaker, now_ms, false));
	}
	assert_true(milter_breaker_failed(breaker, now_ms, false));
}

static void
opens_after_failures_in_a_row(void **state)
{
	struct milter_breaker breaker = { 0 };

	(void)state;
	for (int i = 1; i < MILTER_BREAK_AFTER; i++)
		assert_false(milter_breaker_failed(&breaker, 1000, false));
	assert_int_equal(milter_breaker_read(&breaker, 1000).failures, MILTER_BREAK_AFTER - 1);
	/* One that goes well begins the row anew. */
	assert_false(milter_breaker_worked(&breaker));
	fail_until_open(&breaker, 1000);
	assert_false(admits(&breaker, 1000));
	assert_int_equal(milter_breaker_read(&breaker, 1000).rests, 1);
	assert_int_equal(
		milter_breaker_read(&breaker, 1000).until_ms, 1000 + MILTER_REST_MS);
}

static void
one_tries_after_the_rest(void **state)
{
	struct milter_breaker breaker = { 0 };
	uint64_t now_ms = 1000 + MILTER_REST_MS;

	(void)state;
	fail_until_open(&breaker, 1000);
	assert_false(admits(&breaker, now_ms - 1));
	(void)try(&breaker, now_ms);
	assert_true(milter_breaker_read(&breaker, now_ms).trying);
	assert_false(admits(&breaker, now_ms));
	/* It goes well: all may. */
	assert_true(milter_breaker_worked(&breaker));
	assert_true(admits(&breaker, now_ms));
	assert_false(milter_breaker_worked(&breaker));
}

static void
the_rest_doubles(void **state)
{
	static const uint64_t firsts[] = { 0, 100, 3600 * 1000 };

	(void)state;
	for (size_t i = 0; i < sizeof firsts / sizeof firsts[0]; i++) {
		struct milter_breaker breaker = { .first_rest_ms = firsts[i] };
		uint64_t rest_ms = firsts[i] ? firsts[i] : MILTER_REST_MS;
		uint64_t longest_ms = MILTER_REST_GROWS * rest_ms;
		uint64_t now_ms = 1000;

		fail_until_open(&breaker, now_ms);
		for (unsigned at = 1; at < 20; at++) {
			if (at < 7)
				assert_int_equal(milter_breaker_rest_ms(&breaker, at), rest_ms);
			now_ms += rest_ms;
			assert_false(admits(&breaker, now_ms - 1));
			(void)try(&breaker, now_ms);
			assert_false(milter_breaker_failed(&breaker, now_ms, true));
			rest_ms = rest_ms * 2 > longest_ms ? longest_ms : rest_ms * 2;
		}
		assert_int_equal(
			milter_breaker_read(&breaker, now_ms).failures, MILTER_BREAK_AFTER + 19);
	}
}

static void
who_gives_up_leaves_it_to_the_next(void **state)
{
	struct milter_breaker breaker = { 0 };
	uint64_t now_ms = 1000 + MILTER_REST_MS;
	uint64_t trial;

	(void)state;
	fail_until_open(&breaker, 1000);
	milter_breaker_gave_up(&breaker, try(&breaker, now_ms));
	assert_false(milter_breaker_read(&breaker, now_ms).trying);
	trial = try(&breaker, now_ms);
	/* Who never says how it went is not waited for for ever; and then is not the one any more. */
	assert_false(admits(&breaker, now_ms + MILTER_REST_MS - 1));
	(void)try(&breaker, now_ms + MILTER_REST_MS);
	milter_breaker_gave_up(&breaker, trial);
	assert_false(admits(&breaker, now_ms + MILTER_REST_MS));
	/* But that it failed says as much as if the other did, once. */
	assert_false(milter_breaker_failed(&breaker, now_ms + MILTER_REST_MS + 5, true));
	assert_int_equal(milter_breaker_read(&breaker, now_ms + MILTER_REST_MS + 5).rests, 2);
	assert_false(milter_breaker_failed(&breaker, now_ms + MILTER_REST_MS + 6, true));
	assert_int_equal(milter_breaker_read(&breaker, now_ms + MILTER_REST_MS + 6).rests, 2);
}

/* A process that died while it tried: another tries soon, however long the rests are. */
static void
a_trial_ends(void **state)
{
	static const uint64_t firsts[] = { 300, 3600 * 1000 };

	(void)state;
	for (size_t i = 0; i < sizeof firsts / sizeof firsts[0]; i++) {
		struct milter_breaker breaker = { .first_rest_ms = firsts[i] };
		uint64_t now_ms = 1000 + firsts[i];
		uint64_t ends_ms = now_ms +
			(firsts[i] < MILTER_TRIAL_MS ? firsts[i] : MILTER_TRIAL_MS);

		fail_until_open(&breaker, 1000);
		(void)try(&breaker, now_ms);
		assert_false(admits(&breaker, ends_ms - 1));
		(void)try(&breaker, ends_ms);
	}
}

/* Those that were under way when it opened tell nothing new. */
static void
stragglers(void **state)
{
	struct milter_breaker breaker = { 0 };
	uint64_t now_ms = 1000 + MILTER_REST_MS;

	(void)state;
	fail_until_open(&breaker, 1000);
	for (int i = 0; i < 100; i++)
		assert_false(milter_breaker_failed(&breaker, 2000, false));
	assert_int_equal(
		milter_breaker_read(&breaker, 2000).until_ms, 1000 + MILTER_REST_MS);
	(void)try(&breaker, now_ms);
	assert_false(milter_breaker_failed(&breaker, now_ms, false));
	assert_true(milter_breaker_read(&breaker, now_ms).trying);
	/* But that one of them went well does. */
	assert_true(milter_breaker_worked(&breaker));
	assert_true(admits(&breaker, 2000));
}

/* ---- shared ---------------------------------------------------------------------------------- */

static void
two_processes(void **state)
{
	_Atomic uint64_t word = 0;
	struct milter_breaker first = { .shared = &word };
	struct milter_breaker second = { .shared = &word };
	uint64_t now_ms = 1000 + MILTER_REST_MS;
	uint64_t trial;

	(void)state;
	for (int i = 1; i < MILTER_BREAK_AFTER; i++)
		assert_false(milter_breaker_failed(i % 2 ? &first : &second, 1000, false));
	/* One of them is told, and logs it. */
	assert_true(milter_breaker_failed(&second, 1000, false));
	assert_false(milter_breaker_failed(&first, 1000, false));
	assert_false(admits(&first, 1001));
	assert_false(admits(&second, 1001));
	/* One message of both tries. */
	trial = try(&first, now_ms);
	assert_false(admits(&second, now_ms));
	assert_false(admits(&first, now_ms));
	milter_breaker_gave_up(&first, trial);
	(void)try(&second, now_ms);
	assert_false(admits(&first, now_ms));
	assert_true(milter_breaker_worked(&second));
	assert_false(milter_breaker_worked(&first));
	assert_true(admits(&first, now_ms));
	assert_int_equal(first.own | second.own, 0);
	assert_int_equal(word, 0);
}

/* Clocks are taken once a turn: what another wrote a moment later than our now is no nonsense. */
static void
clocks_apart(void **state)
{
	_Atomic uint64_t word = 0;
	struct milter_breaker first = { .shared = &word, .first_rest_ms = 100 };
	struct milter_breaker second = { .shared = &word, .first_rest_ms = 100 };

	(void)state;
	fail_until_open(&first, 1000 + MILTER_CLOCKS_APART_MS);
	assert_false(admits(&second, 1000));
	assert_true(admits(&second, 999));
}

/* With any bits whatever, no reader waits longer than its own longest rest, and all are in bounds. */
static void
nonsense_in_the_word(void **state)
{
	static const uint64_t firsts[] = { 0, 100, 3600 * 1000 };
	const uint64_t now_ms = 1000 * 1000;
	uint64_t random = 88172645463325252u;

	(void)state;
	for (unsigned i = 0; i < 30000; i++) {
		_Atomic uint64_t word = 0;
		struct milter_breaker breaker = { .shared = &word, .first_rest_ms = firsts[i % 3] };
		uint64_t longest_ms = MILTER_REST_GROWS * milter_breaker_rest_ms(&breaker, 1);
		struct milter_rest rest;

		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		/* All bits, bits alone, and numbers near to the present. */
		word = i % 4 == 0 ? random : i % 4 == 1 ? UINT64_C(1) << i % 64
			: i % 4 == 2 ? ~(UINT64_C(1) << i % 64)
			: (random & UINT64_C(0xffff) << 48) | (now_ms + i);
		rest = milter_breaker_read(&breaker, now_ms);
		assert_true(rest.rests <= 7);
		assert_true(rest.until_ms <= now_ms + longest_ms + MILTER_CLOCKS_APART_MS);
		assert_true(admits(&breaker, rest.until_ms > now_ms ? rest.until_ms : now_ms));
		(void)milter_breaker_failed(&breaker, now_ms, i % 2);
		milter_breaker_gave_up(&breaker, random);
		(void)milter_breaker_worked(&breaker);
		assert_true(admits(&breaker, now_ms));
	}
}

static void
numbers_have_their_most(void **state)
{
	const struct milter_rest most = { .failures = 65535, .rests = 7, .trying = true,
		.until_ms = (UINT64_C(1) << 44) - 1 };
	const struct milter_rest more = { .failures = 70000, .rests = 8, .trying = true,
		.until_ms = UINT64_MAX };
	struct milter_breaker breaker = { .own = milter_breaker_pack(&most) };
	struct milter_rest rest = milter_breaker_read(&breaker, most.until_ms);

	(void)state;
	assert_int_equal(milter_breaker_pack(&more), milter_breaker_pack(&most));
	assert_int_equal(rest.failures, most.failures);
	assert_int_equal(rest.rests, most.rests);
	assert_int_equal(rest.until_ms, most.until_ms);
	assert_true(rest.trying);
}

/* ---- at once --------------------------------------------------------------------------------- */

enum { RACERS = 4, MESSAGES = 50000 };

struct racer {
	struct milter_breaker breaker;
	unsigned opened;
	unsigned tried;
};

static void *
fail_and_ask(void *context)
{
	struct racer *racer = context;
	uint64_t trial;

	for (unsigned i = 0; i < MESSAGES; i++) {
		racer->opened += milter_breaker_failed(&racer->breaker, 1000, false);
		racer->tried += milter_breaker_admits(
					&racer->breaker, 1000 + MILTER_REST_MS, &trial) && trial;
	}
	return NULL;
}

/* However they meet: it opens once, and one of them tries. */
static void
a_race(void **state)
{
	_Atomic uint64_t word = 0;
	struct racer racers[RACERS] = { { .opened = 0 } };
	pthread_t threads[RACERS];
	unsigned opened = 0;
	unsigned tried = 0;

	(void)state;
	for (unsigned i = 0; i < RACERS; i++) {
		racers[i].breaker.shared = &word;
		assert_int_equal(
			pthread_create(&threads[i], NULL, fail_and_ask, &racers[i]), 0);
	}
	for (unsigned i = 0; i < RACERS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		opened += racers[i].opened;
		tried += racers[i].tried;
	}
	assert_int_equal(opened, 1);
	assert_int_equal(tried, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_after_failures_in_a_row),
		cmocka_unit_test(one_tries_after_the_rest),
		cmocka_unit_test(the_rest_doubles),
		cmocka_unit_test(who_gives_up_leaves_it_to_the_next),
		cmocka_unit_test(a_trial_ends),
		cmocka_unit_test(stragglers),
		cmocka_unit_test(two_processes),
		cmocka_unit_test(clocks_apart),
		cmocka_unit_test(nonsense_in_the_word),
		cmocka_unit_test(numbers_have_their_most),
		cmocka_unit_test(a_race),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
