/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of sessions and messages: never twice, in the order of time, whatever the clock does. */
#include "unit.h"

#include <stdlib.h>

#include "base/memory.h"
#include "client/serial.h"

enum { MANY = 1000000 };

static void
test_messages_sort(void **state)
{
	struct serial serial;
	char last[SERIAL_MESSAGE_SIZE] = "";
	char next[SERIAL_MESSAGE_SIZE];

	(void)state;
	serial_init(&serial, 0x1ffffff);
	for (int64_t i = 0; i < MANY; i++) {
		/* a step back of an hour in the middle, and more in one ms than fit */
		int64_t now = 1700000000000 + i / 100000 - (i > MANY / 2 ? 3600000 : 0);

		serial_message(&serial, now, next);
		assert_true(strcmp(last, next) < 0);
		memcpy(last, next, sizeof last);
	}
	assert_int_equal(strlen(next), 17);
}

static void
test_sessions_differ(void **state)
{
	struct serial serial;
	struct serial other;
	char a[SERIAL_SESSION_SIZE];
	char b[SERIAL_SESSION_SIZE];

	(void)state;
	serial_init(&serial, 1);
	serial_init(&other, 2);
	serial_session(&serial, a);
	serial_session(&serial, b);
	assert_string_equal(a, "00001000000");
	assert_string_equal(b, "00001000001");
	serial_session(&other, b);
	assert_string_not_equal(a, b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages_sort),
		cmocka_unit_test(test_sessions_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
