/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "policy/milter_health.h"

static const struct fault why = { .kind = FAULT_PEER, .text = "it went away" };

static struct milter_health
broken(uint64_t now_ms)
{
	struct milter_health health = { 0 };

	for (int i = 1; i < MILTER_BREAK_AFTER; i++) {
		assert_true(milter_health_admits(&health, now_ms));
		assert_false(milter_health_failed(&health, now_ms, &why));
	}
	assert_true(milter_health_failed(&health, now_ms, &why));
	return health;
}

static void
opens_after_failures_in_a_row(void **state)
{
	struct milter_health health = { 0 };

	(void)state;
	for (int i = 1; i < MILTER_BREAK_AFTER; i++)
		assert_false(milter_health_failed(&health, 1000, &why));
	/* One that goes well begins the row anew. */
	assert_false(milter_health_worked(&health, 1000));
	for (int i = 1; i < MILTER_BREAK_AFTER; i++)
		assert_false(milter_health_failed(&health, 1000, &why));
	assert_true(milter_health_admits(&health, 1000));
	assert_true(milter_health_failed(&health, 1000, &why));
	assert_false(milter_health_admits(&health, 1000));
	assert_int_equal(health.failures, 2 * MILTER_BREAK_AFTER - 1);
	assert_int_equal(health.skipped, 1);
	assert_string_equal(health.fault, "it went away");
}

static void
one_tries_after_the_rest(void **state)
{
	struct milter_health health = broken(1000);
	uint64_t now_ms = 1000 + MILTER_REST_MS;

	(void)state;
	assert_false(milter_health_admits(&health, now_ms - 1));
	assert_true(milter_health_admits(&health, now_ms));
	assert_true(health.trying);
	assert_false(milter_health_admits(&health, now_ms));
	/* It goes well: all may. */
	assert_true(milter_health_worked(&health, 1000));
	assert_true(milter_health_admits(&health, now_ms));
	assert_false(health.trying);
	assert_false(milter_health_worked(&health, 1000));
}

static void
the_rest_doubles(void **state)
{
	const uint64_t longest_ms = MILTER_REST_GROWS * MILTER_REST_MS;
	struct milter_health health = broken(1000);
	uint64_t rest_ms = MILTER_REST_MS;
	uint64_t now_ms = 1000;

	(void)state;
	for (int i = 0; i < 8; i++) {
		assert_int_equal(health.rest_ms, rest_ms);
		now_ms += rest_ms;
		assert_false(milter_health_admits(&health, now_ms - 1));
		assert_true(milter_health_admits(&health, now_ms));
		assert_false(milter_health_failed(&health, now_ms, &why));
		rest_ms = rest_ms * 2 > longest_ms ? longest_ms : rest_ms * 2;
	}
}

static void
who_gives_up_leaves_it_to_the_next(void **state)
{
	struct milter_health health = broken(1000);
	uint64_t now_ms = 1000 + MILTER_REST_MS;

	(void)state;
	assert_true(milter_health_admits(&health, now_ms));
	milter_health_gave_up(&health);
	assert_false(health.trying);
	assert_true(milter_health_admits(&health, now_ms));
	/* Who never says how it went is not waited for for ever. */
	assert_false(milter_health_admits(&health, now_ms + MILTER_REST_MS - 1));
	assert_true(milter_health_admits(&health, now_ms + MILTER_REST_MS));
}

/* Those that were under way when it opened tell nothing new. */
static void
stragglers(void **state)
{
	struct milter_health health = broken(1000);

	(void)state;
	for (int i = 0; i < 100; i++)
		assert_false(milter_health_failed(&health, 2000, &why));
	assert_int_equal(health.rest_ms, MILTER_REST_MS);
	assert_int_equal(health.rest_until_ms, 1000 + MILTER_REST_MS);
	/* But that one of them went well does. */
	assert_true(milter_health_worked(&health, 1000));
	assert_true(milter_health_admits(&health, 2000));
}

static void
counts(void **state)
{
	struct milter_health health = { 0 };
	struct milter_offer offer = { .version = 6, .actions = 3, .steps = 5 };

	(void)state;
	milter_health_met(&health, &offer);
	assert_true(health.negotiated);
	assert_int_equal(health.version, 6);
	assert_int_equal(health.actions, 3);
	assert_int_equal(health.steps, 5);
	milter_health_judged(&health, VERDICT_CONTINUE, true, 800);
	assert_int_equal(health.recent_us, 800);
	milter_health_judged(&health, VERDICT_REJECT, false, 1600);
	assert_int_equal(health.messages, 2);
	assert_int_equal(health.changed, 1);
	assert_int_equal(health.verdicts[VERDICT_CONTINUE], 1);
	assert_int_equal(health.verdicts[VERDICT_REJECT], 1);
	assert_int_equal(health.took_us, 2400);
	assert_int_equal(health.longest_us, 1600);
	assert_int_equal(health.recent_us, 900);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_after_failures_in_a_row),
		cmocka_unit_test(one_tries_after_the_rest),
		cmocka_unit_test(the_rest_doubles),
		cmocka_unit_test(who_gives_up_leaves_it_to_the_next),
		cmocka_unit_test(stragglers),
		cmocka_unit_test(counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
