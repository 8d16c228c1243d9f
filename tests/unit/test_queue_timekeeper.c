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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_corrections_are_followed),
		cmocka_unit_test(test_jumps_are_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
