/* SPDX-License-Identifier: BSD-2-Clause */
#include "milter_fixture.h"

/* A whole message, and what the filter hears; a second one on the same connection. */
static void
whole(void **state)
{
	struct fixture fixture;

	(void)state;
	for (int dribbles = 0; dribbles < 2; dribbles++) {
		fixture_open(&fixture, NULL);
		fixture.dribbles = dribbles;
		assert_int_equal(fixture_mail(&fixture), VERDICT_CONTINUE);
		assert_string_equal(fixture.heard, "OCHMRTLLNBE");
		fixture_end_mail(&fixture);
		assert_int_equal(fixture_mail(&fixture), VERDICT_CONTINUE);
		fixture_close(&fixture);
		assert_string_equal(fixture.heard, "OCHMRTLLNBEMRTLLNBEQ.");
		assert_int_equal(fixture.health.messages, 2);
		assert_int_equal(fixture.health.verdicts[VERDICT_CONTINUE], 2);
		assert_true(fixture.health.negotiated);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
