/* SPDX-License-Identifier: BSD-2-Clause */
/* The charge of a message: who is charged, what auth is told, and what is given back. */
#include "transaction_fixture.h"

#include <stdio.h>

static bool
has_refund(struct rig *rig)
{
	return rig->refunds > 0;
}

static void
test_refund_of_what_the_queue_refuses(void **state)
{
	struct rig *rig = begin("", false);

	(void)state;
	rig->queue_mode = RIG_QUEUE_REFUSES;
	say_data(rig, HEAD "x\r\n.\r\n");
	rig_hear(rig, "452 4.3.1 The disk is full\r\n");
	rig_wait(rig, has_refund);
	rig->queue_mode = RIG_QUEUE_GOOD;
	next(rig);
	say_data(rig, HEAD "x\r\n.\r\n");
	rig_hear_line(rig, ok);
	rig_turns(rig, 4);
	assert_int_equal(rig->charges, 2);
	assert_int_equal(rig->refunds, 1);
	rig_free(&rig);
}

/* Since when its mail is held goes to the queue, which tells those who must know. */
static void
test_held_since(void **state)
{
	struct rig *rig = begin("", false);

	(void)state;
	rig->charge = CHARGE_HOLD;
	rig->over_since_ms = 1700000000000;
	say_data(rig, HEAD "x\r\n.\r\n");
	rig_hear_line(rig, ok);
	assert_int_equal(rig_last(rig)->over_since_ms, 1700000000000);
	assert_int_equal(rig->marks, 0);
	rig->charge = CHARGE_PASS;
	next(rig);
	say_data(rig, HEAD "x\r\n.\r\n");
	rig_hear_line(rig, ok);
	assert_int_equal(rig_last(rig)->over_since_ms, 0);
	rig_free(&rig);
}

/* Where first-time recipients count, auth is told who they are, without their addresses. */
static void
test_marks(void **state)
{
	struct rig *rig = rig_new("none", CLEAR "limits = \"new\"\n",
		"limits \"new\" { new-recipients-per-day = 5 messages-per-hour = 0 "
		"recipients-per-hour = 0 }\n");

	(void)state;
	rig_log_in(rig);
	rig_play(rig, MAIL RCPT "C: RCPT TO:<other@example.net>\nS: 250 2.1.5 Ok\n");
	say_data(rig, HEAD "x\r\n.\r\n");
	rig_hear_line(rig, ok);
	assert_int_equal(rig->marks, 2 * MESSAGE_MARK_BYTES);
	rig_free(&rig);
}

/* A section without budgets is no question to auth. */
static void
test_no_budget(void **state)
{
	struct rig *rig = rig_new("none", CLEAR "limits = \"free\"\n",
		"limits \"free\" { messages-per-hour = 0 recipients-per-hour = 0 }\n");

	(void)state;
	rig_log_in(rig);
	rig_play(rig, MAIL RCPT);
	say_data(rig, HEAD "x\r\n.\r\n");
	rig_hear_line(rig, ok);
	assert_int_equal(rig->charges, 0);
	rig_free(&rig);
}

/* A stranger is charged only where a section is named for strangers. */
static void
test_stranger_with_limits(void **state)
{
	struct rig *rig = rig_new("none", "login = off\n",
		"permit \"anonymous\" { rights = { submit, any-sender } limits = \"mx\" }\n"
		"limits \"mx\" { messages-per-hour = 5 }\n");

	(void)state;
	rig->charge = CHARGE_TEMPFAIL;
	rig_connect(rig);
	rig_hear_line(rig, "220");
	rig_play(rig, "C: HELO relay.example.net\nS: 250 mail.example.org\n"
		      "C: MAIL FROM:<somebody@example.net>\nS: 250 2.1.0 Ok\n"
		      "C: RCPT TO:<alice@example.org>\nS: 250 2.1.5 Ok\n" DATA
		      "C: From: <somebody@example.net>\nC: \nC: x\nC: .\n");
	rig_hear_line(rig, "452 4.7.1 ");
	assert_int_equal(rig->charges, 1);
	rig_free(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refund_of_what_the_queue_refuses),
		cmocka_unit_test(test_held_since),
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_no_budget),
		cmocka_unit_test(test_stranger_with_limits),
	};

	return cmocka_run_group_tests_name("smtp/handoff", tests, NULL, NULL);
}
