/* SPDX-License-Identifier: BSD-2-Clause */
/* Small corrections of the clock are followed, large jumps are not. */
#include "queue/timekeeper.h"
#include "unit.h"

#define YEAR_MS (365 * INT64_C(86400000))

static void
test_corrections_are_followed(void **state)
{
	(void)state;
	struct timekeeper keeper;
	timekeeper_init(&keeper, 5000000, 100);
	assert_int_equal(timekeeper_now(&keeper, 5000010, 110), 5000010);
	assert_int_equal(timekeeper_now(&keeper, 4990000, 120), 4990000);
	assert_int_equal(timekeeper_now(&keeper, 4990000 + TIMEKEEPER_TRUST_MS, 120),
		4990000 + TIMEKEEPER_TRUST_MS);
	assert_false(keeper.jumped);
}

static void
test_jumps_are_not(void **state)
{
	(void)state;
	static const int64_t jumps[] = { YEAR_MS, -YEAR_MS, 86400000, -2 * TIMEKEEPER_TRUST_MS };
	for (size_t i = 0; i < sizeof(jumps) / sizeof(jumps[0]); i++) {
		struct timekeeper keeper;
		int64_t wall = YEAR_MS * 57;
		timekeeper_init(&keeper, wall, 100);
		assert_int_equal(timekeeper_now(&keeper, wall + jumps[i] + 50, 150), wall + 50);
		assert_true(keeper.jumped);
		assert_int_equal(
			timekeeper_now(&keeper, wall + jumps[i] + 9900, 10000), wall + 9900);
		/* and back again */
		assert_int_equal(timekeeper_now(&keeper, wall + 10050, 10100), wall + 10050);
		assert_false(keeper.jumped);
	}
}

/* I10: what was there before does not age by a jump, forward or back, nor by a long stop. */
static void
test_gaps(void **state)
{
	(void)state;
	const int64_t day = 86400000;
	const int64_t end_of_32_bits = INT64_C(2147483647) * 1000;
	const struct {
		int64_t last;
		int64_t now;
		bool leaps;
	} cases[] = {
		{ 0, 57 * YEAR_MS, false },
		{ 57 * YEAR_MS, 57 * YEAR_MS + 1000, false },
		{ 57 * YEAR_MS, 57 * YEAR_MS + day, false },
		{ 57 * YEAR_MS, 57 * YEAR_MS + day + 1, true },
		{ 57 * YEAR_MS, 58 * YEAR_MS, true },
		{ 57 * YEAR_MS, 57 * YEAR_MS - TIMEKEEPER_TRUST_MS, false },
		{ 57 * YEAR_MS, 57 * YEAR_MS - TIMEKEEPER_TRUST_MS - 1, true },
		{ 57 * YEAR_MS, 56 * YEAR_MS, true },
		{ end_of_32_bits - 1000, end_of_32_bits + 1000, false },
		{ end_of_32_bits - 1000, end_of_32_bits + YEAR_MS, true },
		{ end_of_32_bits + 1000, 0, true },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct timekeeper_gap gap = { 0, 0 };
		assert_int_equal(
			timekeeper_leap(&gap, cases[i].last, cases[i].now, 100, false),
			cases[i].leaps);
		int64_t age = cases[i].now -
			timekeeper_received(&gap, 99, cases[i].last - 5 * 3600 * 1000);
		if (cases[i].leaps)
			assert_int_equal(age, 5 * 3600 * 1000);
		assert_int_equal(timekeeper_received(&gap, 100, 7), 7);
	}
}

/* A clock that was set wrong for a while: in doubt nothing is too old. */
static void
test_gaps_one_after_the_other(void **state)
{
	(void)state;
	const int64_t right = 57 * YEAR_MS;
	struct timekeeper_gap gap = { 0, 0 };
	assert_true(timekeeper_leap(&gap, right, right + YEAR_MS, 100, false));
	assert_true(timekeeper_leap(&gap, right + YEAR_MS, right, 200, true));
	assert_true(timekeeper_received(&gap, 150, right + YEAR_MS) >= right);
	assert_true(timekeeper_received(&gap, 50, right) >= right);
	/* With nothing left from before the first of them it is exact. */
	gap = (struct timekeeper_gap){ 100, YEAR_MS };
	assert_true(timekeeper_leap(&gap, right + YEAR_MS, right, 200, false));
	assert_int_equal(timekeeper_received(&gap, 150, right + YEAR_MS), right);

	gap = (struct timekeeper_gap){ 0, 0 };
	assert_true(timekeeper_leap(&gap, right, right - YEAR_MS, 100, false));
	assert_true(timekeeper_leap(&gap, right - YEAR_MS, right, 200, true));
	assert_int_equal(timekeeper_received(&gap, 150, right - YEAR_MS), right);
	assert_true(timekeeper_received(&gap, 50, right) >= right);

	/* Weekend after weekend, it is as long as mail of the last one is there. */
	gap = (struct timekeeper_gap){ 100, YEAR_MS };
	assert_true(timekeeper_leap(&gap, right, right + 3 * 86400000, 200, false));
	assert_int_equal(gap.ms, 3 * 86400000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_corrections_are_followed),
		cmocka_unit_test(test_jumps_are_not),
		cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_gaps_one_after_the_other),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
