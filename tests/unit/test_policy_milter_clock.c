/* SPDX-License-Identifier: BSD-2-Clause */
/* How long a filter is waited for, and whose time is over. */
#include "unit.h"

#include "policy/milter_clock.h"

enum { START_MS = 5000, START_US = 7000000 };

static const struct settings_milter usual = { .title = "f" };
static const struct settings_milter set = { .title = "f", .connect_wait = 1, .command_wait = 2,
	.content_wait = 3, .end_wait = 4, .budget = 1000 };
static const struct settings_milter brief = { .title = "f", .budget = 100 };

/* A question, behind one that lasted for spent_ms. */
static struct milter_clock
question(const struct settings_milter *settings, uint64_t all_ms, uint64_t spent_ms,
	uint64_t before_ms)
{
	struct milter_clock clock;

	milter_clock_begin(&clock, settings, all_ms);
	milter_clock_start(&clock, 0, START_MS - spent_ms, START_US);
	assert_int_equal(milter_clock_stop(&clock, START_MS, START_US), spent_ms);
	milter_clock_start(&clock, before_ms, START_MS, START_US);
	return clock;
}

static void
each_place_has_its_wait(void **state)
{
	static const struct {
		enum milter_place place;
		uint64_t usual_ms;
		uint64_t set_ms;
	} cases[] = {
		{ MILTER_AT_CONNECT, 30000, 2 },
		{ MILTER_AT_DATA, 30000, 2 },
		{ MILTER_AT_HEADER, 60000, 3 },
		{ MILTER_AT_BODY, 60000, 3 },
		{ MILTER_AT_END, 100000, 4 },
	};
	struct milter_clock clock = question(&usual, 0, 0, 0);

	(void)state;
	assert_int_equal(milter_clock_connect_ms(&clock, START_MS), 10000);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_int_equal(milter_clock_answer_ms(&clock, cases[i].place, START_MS),
			cases[i].usual_ms);
	clock = question(&set, 0, 0, 0);
	assert_int_equal(milter_clock_connect_ms(&clock, START_MS), 1);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_int_equal(milter_clock_answer_ms(&clock, cases[i].place, START_MS),
			cases[i].set_ms);
}

/* What was spent, before and in the question, is missing from the wait, down to 1. */
static void
budgets_cut_waits(void **state)
{
	static const struct {
		const struct settings_milter *settings;
		uint64_t all_ms;
		uint64_t spent_ms;
		uint64_t before_ms;
		uint64_t asked_ms;
		uint64_t left_ms;
		bool own_is_over;
		bool all_is_over;
		bool crowded;
	} cases[] = {
		{ &usual, 0, 0, 0, 109000, 1000, false, false, false },
		{ &usual, 0, 0, 0, 110000, 1, true, true, false },
		{ &brief, 1000, 0, 0, 0, 100, false, false, true },
		{ &brief, 1000, 60, 60, 30, 10, false, false, true },
		{ &brief, 1000, 60, 60, 40, 1, true, false, true },
		{ &brief, 1000, 60, 60, 400, 1, true, false, true },
		{ &brief, 50, 0, 0, 20, 30, false, false, true },
		{ &brief, 50, 0, 0, 25, 25, false, false, false },
		{ &brief, 50, 10, 40, 0, 10, false, false, true },
		{ &brief, 50, 10, 40, 10, 1, false, true, true },
		{ &brief, 50, 25, 50, 0, 1, false, true, false },
		{ &brief, 50, 0, 60, 0, 1, false, true, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		uint64_t now_ms = START_MS + cases[i].asked_ms;
		struct milter_clock clock = question(cases[i].settings, cases[i].all_ms,
			cases[i].spent_ms, cases[i].before_ms);

		assert_int_equal(milter_clock_answer_ms(&clock, MILTER_AT_END, now_ms),
			cases[i].left_ms);
		assert_int_equal(milter_clock_own_is_over(&clock, now_ms), cases[i].own_is_over);
		assert_int_equal(milter_clock_all_is_over(&clock, now_ms), cases[i].all_is_over);
		assert_int_equal(milter_clock_is_crowded(&clock, now_ms), cases[i].crowded);
	}
}

static void
connecting_is_not_what_the_filter_took(void **state)
{
	struct milter_clock clock;

	(void)state;
	milter_clock_begin(&clock, &usual, 0);
	milter_clock_start(&clock, 0, 10, 1000);
	milter_clock_lose(&clock, 1005);
	milter_clock_meet(&clock, 3000);
	assert_int_equal(milter_clock_stop(&clock, 13, 3700), 3);
	assert_int_equal(clock.took_us, 705);
	/* Between two questions nobody works. */
	milter_clock_start(&clock, 3, 100, 100000);
	assert_int_equal(milter_clock_stop(&clock, 100, 100020), 0);
	assert_int_equal(clock.took_us, 725);
	assert_int_equal(clock.spent_ms, 3);
	/* It never came back. */
	milter_clock_start(&clock, 3, 200, 200000);
	milter_clock_lose(&clock, 200001);
	assert_int_equal(milter_clock_stop(&clock, 250, 250000), 50);
	assert_int_equal(clock.took_us, 726);
	assert_int_equal(clock.spent_ms, 53);
	milter_clock_begin(&clock, &usual, 0);
	assert_int_equal(clock.took_us + clock.spent_ms, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_place_has_its_wait),
		cmocka_unit_test(budgets_cut_waits),
		cmocka_unit_test(connecting_is_not_what_the_filter_took),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
