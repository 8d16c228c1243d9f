/* SPDX-License-Identifier: BSD-2-Clause */
/* The pace of a content: rate by window, total, and the least that is a byte. */
#include "unit.h"

#include "relay/pace.h"

static void
good_slow_late(void **state)
{
	static const struct {
		uint64_t rate;
		uint64_t now_ms;
		uint64_t taken;
		enum pace_verdict verdict;
		uint64_t wait_ms; /* after it */
	} steps[] = {
		{ 100, 1000, 0, PACE_GOOD, 2000 },     /* the window has begun */
		{ 100, 2999, 0, PACE_GOOD, 1 },
		{ 100, 3000, 200, PACE_GOOD, 2000 },   /* 200 in 2 s is 100 a second */
		{ 100, 5500, 1200, PACE_GOOD, 2000 },  /* a window that ended late is not stricter */
		{ 100, 7500, 1399, PACE_SLOW, 1 },     /* one byte too few since 1,200 */
		{ 0, 7500, 1201, PACE_GOOD, 2000 },    /* no rate: any byte will do */
		{ 0, 9500, 1201, PACE_SLOW, 1 },       /* but none will not */
		{ 0, 9500, 1202, PACE_GOOD, 1500 },    /* the total is nearer than the window's end */
		{ 0, 11000, 5000, PACE_LATE, 1 },
	};
	struct pace pace = { .total_ms = 10000, .window_ms = 2000, .rate = 100 };

	(void)state;
	pace_start(&pace, 1000, 0);
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		pace.rate = steps[i].rate;
		assert_int_equal(pace_check(&pace, steps[i].now_ms, steps[i].taken), steps[i].verdict);
		assert_int_equal(pace_wait_ms(&pace, steps[i].now_ms), steps[i].wait_ms);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_slow_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
