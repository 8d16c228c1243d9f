/* SPDX-License-Identifier: BSD-2-Clause */
/* Words for the bits and bytes of the milter protocol: there is one for each that exists. */
#include "unit.h"

#include "wire/milter_words.h"

static void
bits(void **state)
{
	(void)state;
	assert_string_equal(milter_words_action(MILTER_MAY_ADD_HEADERS, 0), "add-header");
	assert_string_equal(
		milter_words_action(MILTER_MAY_CHANGE_BODY | MILTER_MAY_QUARANTINE, 1), "quarantine");
	assert_string_equal(milter_words_action(MILTER_MAY_ALL, 8), "name-macros");
	assert_null(milter_words_action(MILTER_MAY_ALL, 9));
	assert_null(milter_words_action(0, 0));
	assert_null(milter_words_action(0x80000000, 0));
	assert_string_equal(milter_words_step(MILTER_NO_BODY, 0), "no-body");
	assert_string_equal(milter_words_step(MILTER_NO_CONNECT | MILTER_MUTE_HEADER, 1), "mute-header");
	assert_string_equal(milter_words_step(MILTER_STEPS_ALL, 20), "leading-space");
	assert_null(milter_words_step(MILTER_STEPS_ALL, 21));
}

static void
all_that_exist(void **state)
{
	static const char answers[] = "+-24abcdehimpqrsty";
	static const char commands[] = "ABCDEHKLMNOQRTU";

	(void)state;
	for (size_t i = 0; answers[i]; i++)
		assert_non_null(milter_words_answer((unsigned char)answers[i]));
	for (size_t i = 0; commands[i]; i++)
		assert_non_null(milter_words_command((enum milter_command)commands[i]));
	for (unsigned stage = 0; stage < MILTER_STAGE_COUNT; stage++)
		assert_non_null(milter_words_stage((enum milter_stage)stage));
	assert_string_equal(milter_words_answer('y'), "reply");
	assert_string_equal(milter_words_command(MILTER_END), "end-of-message");
	assert_null(milter_words_answer('f'));
	assert_null(milter_words_answer('\0'));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bits),
		cmocka_unit_test(all_that_exist),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
