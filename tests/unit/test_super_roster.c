/* SPDX-License-Identifier: BSD-2-Clause */
/* How many processes of each role there are, and their numbers. */
#include "unit.h"

#include "proc/gate_layout.h"
#include "super/roster.h"

static struct settings_listener list[] = {
	{ .protocol = LISTENER_SMTP },
	{ .protocol = LISTENER_IMAP },
};
static struct settings settings = { .listener = { list, 2 }, .workers = 3 };

static void
how_many(void **state)
{
	(void)state;
	settings.listener.count = 2;
	assert_int_equal(roster_wanted(&settings, ROLE_SMTP), 3);
	assert_int_equal(roster_wanted(&settings, ROLE_MAILBOX), 3);
	assert_int_equal(roster_wanted(&settings, ROLE_AUTH), 1);
	assert_int_equal(roster_wanted(&settings, ROLE_SUPER), 0);
	/* Nobody waits for mail clients where no listener is for them. */
	settings.listener.count = 1;
	assert_int_equal(roster_wanted(&settings, ROLE_MAILBOX), 0);
}

static void
numbers(void **state)
{
	static struct child children[GATE_COLUMNS];
	unsigned instance;

	(void)state;
	assert_true(roster_find_instance(NULL, ROLE_SMTP, &instance));
	assert_int_equal(instance, 0);
	for (unsigned i = 0; i < 4; i++)
		children[i] = (struct child){ .role = i % 2 ? ROLE_MAILBOX : ROLE_SMTP,
			.instance = i,
			.next = i < 3 ? &children[i + 1] : NULL };
	/* Front ends of both kinds share the columns of one table. */
	assert_true(roster_find_instance(children, ROLE_SMTP, &instance));
	assert_int_equal(instance, 4);
	assert_true(roster_find_instance(children, ROLE_AUTH, &instance));
	assert_int_equal(instance, 0);
	children[1].instance = 9;
	assert_true(roster_find_instance(children, ROLE_MAILBOX, &instance));
	assert_int_equal(instance, 1);
	assert_int_equal(roster_count(children, ROLE_SMTP), 2);
	children[0].retired = true;
	assert_int_equal(roster_count(children, ROLE_SMTP), 1);
	/* Number 0 has duties for all, so it goes last. */
	assert_ptr_equal(roster_find_last(children, ROLE_MAILBOX), &children[1]);
	children[1].retired = true;
	assert_ptr_equal(roster_find_last(children, ROLE_MAILBOX), &children[3]);
	assert_null(roster_find_last(children, ROLE_AUTH));
	for (unsigned i = 0; i < GATE_COLUMNS; i++)
		children[i] = (struct child){ .role = ROLE_SMTP,
			.instance = i,
			.next = i + 1 < GATE_COLUMNS ? &children[i + 1] : NULL };
	assert_false(roster_find_instance(children, ROLE_MAILBOX, &instance));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(how_many),
		cmocka_unit_test(numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
