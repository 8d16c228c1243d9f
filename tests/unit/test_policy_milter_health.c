/* SPDX-License-Identifier: BSD-2-Clause */
/* What is counted of a filter. */
#include "unit.h"

#include "policy/milter_health.h"

static const struct fault why = { .kind = FAULT_PEER, .text = "it went away" };

static void
failures_and_who_was_passed_over(void **state)
{
	struct milter_health health = { 0 };
	uint64_t trial;

	(void)state;
	for (int i = 1; i < MILTER_BREAK_AFTER; i++) {
		assert_true(milter_health_admits(&health, 1000, &trial));
		assert_false(milter_health_failed(&health, 1000, false, &why));
	}
	assert_true(milter_health_failed(&health, 1100, false, &why));
	assert_false(milter_health_admits(&health, 1200, &trial));
	assert_false(milter_health_failed(&health, 1300, false, &why));
	assert_int_equal(health.failures, MILTER_BREAK_AFTER + 1);
	assert_int_equal(health.skipped, 1);
	assert_int_equal(health.told_ms, 1300);
	assert_string_equal(health.fault, "it went away");
	/* It is well again; what it said last is still to be seen. */
	assert_true(milter_health_worked(&health, 1400));
	assert_false(milter_health_worked(&health, 1500));
	assert_true(milter_health_admits(&health, 1500, &trial));
	assert_int_equal(health.told_ms, 1500);
	assert_string_equal(health.fault, "it went away");
}

/* Once a minute, whatever there was in between; and at once of one that is elsewhere. */
static void
warns_once_a_minute(void **state)
{
	static const struct {
		uint64_t now_ms;
		bool warns;
		uint64_t more;
	} rows[] = { { 1000, true, 0 }, { 1000, false, 0 }, { 60999, false, 0 }, { 61000, true, 2 },
		{ 61001, false, 0 }, { 121000, true, 1 }, { 300000, true, 0 } };
	struct milter_health health = { 0 };
	uint64_t more = 77;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		more = 77;
		assert_int_equal(milter_health_warns(&health, rows[i].now_ms, &more), rows[i].warns);
		assert_int_equal(more, rows[i].warns ? rows[i].more : 77);
		(void)milter_health_worked(&health, rows[i].now_ms);
	}
	assert_false(milter_health_warns(&health, 300001, &more));
	milter_health_moved(&health);
	assert_true(milter_health_warns(&health, 300002, &more));
	assert_int_equal(more, 0);
}

static void
elsewhere_it_is_unknown(void **state)
{
	struct milter_health health = { 0 };
	uint64_t trial;

	(void)state;
	milter_health_met(&health, &(struct milter_offer){ .version = 6, .actions = 1 });
	for (int i = 0; i < MILTER_BREAK_AFTER; i++)
		(void)milter_health_failed(&health, 1000, false, &why);
	milter_health_moved(&health);
	assert_true(milter_health_admits(&health, 1000, &trial));
	assert_int_equal(trial, 0);
	assert_false(health.negotiated);
	assert_int_equal(health.version + health.actions, 0);
	assert_int_equal(health.told_ms, 0);
	assert_int_equal(health.failures, MILTER_BREAK_AFTER);
	assert_string_equal(health.fault, "");
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
		cmocka_unit_test(failures_and_who_was_passed_over),
		cmocka_unit_test(warns_once_a_minute),
		cmocka_unit_test(elsewhere_it_is_unknown),
		cmocka_unit_test(counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
