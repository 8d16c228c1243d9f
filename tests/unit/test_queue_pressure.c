/* SPDX-License-Identifier: BSD-2-Clause */
/* Room for mail: two thresholds for space, files and messages. */
#include "queue/pressure.h"
#include "unit.h"

static const struct settings_queue limits = { .free_space = 100, .free_space_resume = 150,
	.free_files = 1000, .messages = 50 };

static void
test_cases(void **state)
{
	(void)state;
	static const struct {
		struct folder_space space;
		uint64_t messages;
		bool is_short;
	} steps[] = {
		{ { 100, 1000 }, 49, false },
		{ { 99, 1000 }, 0, true },   /* space */
		{ { 149, 2000 }, 0, true },
		{ { 150, 2000 }, 0, false },
		{ { 120, 2000 }, 0, false },
		{ { 500, 999 }, 0, true },   /* files */
		{ { 500, 1099 }, 0, true },
		{ { 500, 1100 }, 0, false },
		{ { 500, 9999 }, 50, true }, /* messages */
		{ { 500, 9999 }, 46, true },
		{ { 500, 9999 }, 44, false },
		{ { UINT64_MAX, UINT64_MAX }, 0, false },
	};
	struct pressure pressure = { .is_short = false };
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		bool was = pressure.is_short;
		bool changed = pressure_update(
			&pressure, &limits, &steps[i].space, steps[i].messages);
		assert_int_equal(pressure.is_short, steps[i].is_short);
		assert_int_equal(changed, was != steps[i].is_short);
		assert_int_equal(pressure.text[0] != '\0', steps[i].is_short);
	}
}

static void
test_no_limit(void **state)
{
	(void)state;
	const struct settings_queue none = { .messages = 0 };
	const struct folder_space space = { 0, 0 };
	struct pressure pressure = { .is_short = false };
	assert_false(pressure_update(&pressure, &none, &space, 1000000000));
	assert_false(pressure.is_short);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_no_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
