/* SPDX-License-Identifier: BSD-2-Clause */
/* What the queue does to a transaction: no room, a refusal, its end; and a client that leaves. */
#include "transaction_fixture.h"

#include "client/auth_link.h"

#include <stdio.h>

static void
test_pressure(void **state)
{
	struct rig *rig = begin("", false);

	(void)state;
	rig_press(rig, true);
	/* what was begun goes on */
	say_data(rig, HEAD "x\r\n.\r\n");
	rig_hear_line(rig, ok);
	rig_play(
		rig, "C: MAIL FROM:<alice@example.org>\nS: 452 4.3.1 Disk full; try again later\n");
	rig_press(rig, false);
	rig_play(rig, MAIL);
	rig_free(&rig);
}

static void
test_queue_refuses(void **state)
{
	struct rig *rig = begin("", false);

	(void)state;
	rig->queue_mode = RIG_QUEUE_REFUSES;
	say_data(rig, HEAD "x\r\n.\r\n");
	rig_hear(rig, "452 4.3.1 The disk is full\r\n");
	rig->queue_mode = RIG_QUEUE_GOOD;
	next(rig);
	say_data(rig, HEAD "x\r\n.\r\n");
	rig_hear_line(rig, ok);
	rig_free(&rig);
}

static bool
has_commit(struct rig *rig)
{
	return rig->commits >= 1;
}

static bool
has_two_commits(struct rig *rig)
{
	return rig->commits >= 2;
}

/* An unanswered COMMIT is sent again, the same one; what was pipelined behind it is not lost. */
static void
test_queue_restarts(void **state)
{
	struct rig *rig = begin("", false);
	char id[64];

	(void)state;
	rig->queue_mode = RIG_QUEUE_SILENT;
	say_data(rig, HEAD "x\r\n.\r\nNOOP\r\nMAIL FROM:<alice@example.org>\r\n");
	rig_wait(rig, has_commit);
	snprintf(id, sizeof id, "%s", rig_last(rig)->id);
	rig_kill_queue(rig);
	rig_hear_silence(rig);
	rig->queue_mode = RIG_QUEUE_GOOD;
	rig_link_queue(rig);
	rig_wait(rig, has_two_commits);
	assert_string_equal(rig_last(rig)->id, id);
	rig_hear_line(rig, ok);
	rig_hear(rig, "250 2.0.0 Ok\r\n250 2.1.0 Ok\r\n");
	rig_free(&rig);
}

/* What is sent again is the grant of then, though the session's was renewed meanwhile. */
static void
test_grant_is_renewed(void **state)
{
	struct rig *rig = begin("", false);
	struct session *session = rig->service.front->sessions;

	(void)state;
	rig->queue_mode = RIG_QUEUE_SILENT;
	say_data(rig, HEAD "x\r\n.\r\n");
	rig_wait(rig, has_commit);
	rig_kill_queue(rig);
	standing_refetch(session_standing(session), auth_link_channel(rig->service.front->auth));
	rig_turns(rig, 10);
	rig->queue_mode = RIG_QUEUE_GOOD;
	rig_link_queue(rig);
	rig_hear_line(rig, ok);
	assert_string_equal(rig_last(rig)->grant, "granted");
	rig_free(&rig);
}

/*
 * A queue breaks, and in the same turn a session that awaits its answer ends: whichever the loop
 * sees first, nobody is told who is gone.
 */
static void
test_session_ends_with_its_queue(void **state)
{
	(void)state;
	for (int order = 0; order < 2; order++) {
		struct rig *rig = begin("", false);
		struct channel *broken = queue_link_channel(rig->service.queue);

		rig->queue_mode = RIG_QUEUE_SILENT;
		say_data(rig, HEAD "x\r\n.\r\n");
		rig_wait(rig, has_commit);
		if (order)
			channel_drop(broken, "broken");
		session_abort(rig->service.front->sessions, SESSION_END_KICKED);
		if (!order)
			channel_drop(broken, "broken");
		rig_wait_close(rig);
		rig_turns(rig, 4);
		assert_null(queue_link_channel(rig->service.queue));
		rig_free(&rig);
	}
}

/* The new queue is there before the end of the old one was seen. */
static void
test_queue_is_replaced(void **state)
{
	struct rig *rig = begin("", false);

	(void)state;
	rig->queue_mode = RIG_QUEUE_SILENT;
	say_data(rig, HEAD "x\r\n.\r\n");
	rig_wait(rig, has_commit);
	rig->queue_mode = RIG_QUEUE_GOOD;
	rig_link_queue(rig);
	rig_hear_line(rig, ok);
	assert_int_equal(rig->commits, 2);
	rig_free(&rig);
}

/* 250 is said for the own id alone; a queue that answers otherwise is not believed. */
static void
test_queue_answers_for_another(void **state)
{
	struct rig *rig = begin("", false);

	(void)state;
	rig->queue_mode = RIG_QUEUE_OTHER_ID;
	say_data(rig, HEAD "x\r\n.\r\n");
	rig_wait(rig, has_commit);
	rig_hear_silence(rig);
	assert_null(rig->queue);
	rig->queue_mode = RIG_QUEUE_GOOD;
	rig_link_queue(rig);
	rig_hear_line(rig, ok);
	rig_free(&rig);
}

static void
test_no_queue(void **state)
{
	struct rig *rig = begin("", false);

	(void)state;
	rig_play(rig, "C: RSET\nS: 250 2.0.0 Ok\n");
	rig_kill_queue(rig);
	rig_turns(rig, 4);
	rig_play(rig, "C: MAIL FROM:<alice@example.org>\n"
		      "S: 451 4.3.0 The queue is away; try again later\n");
	rig_free(&rig);
}

/* The client is gone before the answer: the message is queued, and nothing else happens. */
static void
test_client_leaves_early(void **state)
{
	struct rig *rig = begin("", false);

	(void)state;
	rig->queue_mode = RIG_QUEUE_SILENT;
	say_data(rig, HEAD "x\r\n.\r\n");
	rig_wait(rig, has_commit);
	rig_hang_up(rig);
	rig_answer_commit(rig);
	rig_turns(rig, 10);
	assert_int_equal(rig->service.front->session_count, 0);
	rig_free(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pressure),
		cmocka_unit_test(test_queue_refuses),
		cmocka_unit_test(test_queue_restarts),
		cmocka_unit_test(test_grant_is_renewed),
		cmocka_unit_test(test_session_ends_with_its_queue),
		cmocka_unit_test(test_queue_is_replaced),
		cmocka_unit_test(test_queue_answers_for_another),
		cmocka_unit_test(test_no_queue),
		cmocka_unit_test(test_client_leaves_early),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
