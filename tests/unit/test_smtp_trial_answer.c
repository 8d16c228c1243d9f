/* SPDX-License-Identifier: BSD-2-Clause */
/* What a filter says, in a line for people. */
#include "unit.h"

#include "smtp/trial_answer.h"

static void
lines(void **state)
{
	static const struct {
		struct milter_packet packet;
		const char *wanted;
	} cases[] = {
		{ { MILTER_ADD_HEADER, { "X", 1 }, false }, "malformed" },
		{ { MILTER_CHANGE_SENDER, { "", 0 }, false }, "malformed" },
		{ { MILTER_REPLY, { "250 ok", 7 }, false }, "malformed" },
		{ { MILTER_CONTINUE, { NULL, 0 }, false }, "" },
		{ { MILTER_ADD_HEADER, { "X-A\0 b\0", 7 }, false }, "X-A: b" },
		{ { MILTER_CHANGE_HEADER, { "\0\0\0\2X-A\0\0", 9 }, false }, "2 X-A: " },
		{ { MILTER_ADD_RCPT_WITH, { "<a@b>\0NOTIFY=NEVER\0", 19 }, false },
			"<a@b> NOTIFY=NEVER" },
		{ { MILTER_REPLY, { "451 4.7.1 Later\0", 16 }, false }, "451 4.7.1 Later" },
		{ { MILTER_REPLY, { "550-5.7.1 One\r\n550 5.7.1 Two\0", 29 }, false },
			"550 5.7.1 One Two" },
		{ { MILTER_QUARANTINE, { "\x1b[1mspam\0", 9 }, false }, "\\x1b[1mspam" },
		{ { MILTER_REPLACE_BODY, { "xyz", 3 }, false }, "3 bytes" },
	};
	char line[TRIAL_ANSWER_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		trial_answer_format(&cases[i].packet, cases[i].packet.payload.length, line);
		assert_string_equal(line, cases[i].wanted);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(lines) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
