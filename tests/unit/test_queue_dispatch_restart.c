/* SPDX-License-Identifier: BSD-2-Clause */
/* Relay or queue die and start again: no message is lost, none is forgotten, results come first. */
#include "dispatch_fixture.h"

/* The same result again, as after a RESULT_KEPT that was lost. */
static void
test_repeated_result(void **state)
{
	(void)state;
	say_ready(1);
	bring_to("0001", (const char *const[]){ "a@example.net", "b@example.com", NULL });
	wait_for(&job_count, 1);
	say_result(&jobs[0], OUTCOME_FAILED);
	say_result(&jobs[0], OUTCOME_FAILED);
	wait_for(&kept_count, 2);
	assert_int_equal(spool_counts(spool)->messages, 2); /* it and one notice */
	say_result(&jobs[0], OUTCOME_DELIVERED);
	wait_for(&kept_count, 3);
	assert_int_equal(spool_counts(spool)->messages, 2);
	/* and of a message that is gone */
	struct seen_job gone = { .job = 4711, .id = "never", .recipient_count = 1 };
	say_result(&gone, OUTCOME_DELIVERED);
	wait_for(&kept_count, 4);
}

static void
test_relay_dies(void **state)
{
	(void)state;
	struct recipient stored = { .attempts = 99 };
	say_ready(10);
	bring_one("0001");
	wait_for(&job_count, 1);
	link_relay(); /* the old one is gone, with the job */
	assert_false(dispatch_has_relay(dispatch));
	assert_int_equal(dispatch_busy(dispatch), 0);
	say_ready(10);
	wait_for(&job_count, 2); /* after a second, in case it was this message that killed it */
	assert_string_equal(jobs[1].id, "0001");
	assert_true(jobs[1].job != jobs[0].job);
	assert_true(is_queued("0001", &stored));
	assert_int_equal(stored.attempts, 99); /* nothing was stored: no attempt counts */
	say_result(&jobs[1], OUTCOME_DELIVERED);
	wait_for(&kept_count, 1);
}

/* Queue dies with jobs at relay: the results find their messages, and nothing is sent twice. */
static void
test_queue_starts_again(void **state)
{
	(void)state;
	say_ready(10);
	bring_one("0001");
	bring_one("0002");
	bring_one("0003");
	wait_for(&job_count, 3);
	close_queue();
	open_queue();
	link_relay();
	say_result(&jobs[0], OUTCOME_DELIVERED);
	say_result(&jobs[1], OUTCOME_FAILED);
	say_result(&jobs[2], OUTCOME_DEFERRED);
	wait_for(&kept_count, 3);
	assert_int_equal(job_count, 3); /* relay has not said that it is ready */
	say_ready(10);
	wait_for(&job_count, 5);
	assert_false(is_queued("0001", NULL));
	assert_false(is_queued("0002", NULL));
	const char *one = jobs[3].id;
	const char *other = jobs[4].id;
	assert_true(strcmp(one, "0002.F0") == 0 || strcmp(other, "0002.F0") == 0);
	assert_true(strcmp(one, "0003") == 0 || strcmp(other, "0003") == 0);
}

/* Relay is ready right behind its results: those are on disk before anything goes out. */
static void
test_results_come_before_jobs(void **state)
{
	(void)state;
	say_ready(10);
	for (unsigned i = 0; i < 8; i++)
		bring_one((char[]){ '0', (char)('0' + i), '\0' });
	wait_for(&job_count, 8);
	close_queue();
	open_queue();
	assert_quiet(50); /* all of them are in memory, and due */
	link_relay();
	for (unsigned i = 0; i < 8; i++)
		say_result(&jobs[i], OUTCOME_DELIVERED);
	say_ready(10);
	wait_for(&kept_count, 8);
	bring_one("last");
	wait_for(&job_count, 9);
	assert_string_equal(jobs[8].id, "last");
	say_result(&jobs[8], OUTCOME_DELIVERED);
	wait_for(&kept_count, 9);
	assert_quiet(100);
}

/* A deferral that came in twice, once before and once after the restart, counts once. */
static void
test_same_deferral_after_a_restart(void **state)
{
	(void)state;
	struct recipient stored = { .attempts = 0 };
	say_ready(10);
	bring_one("0001");
	wait_for(&job_count, 1);
	say_result(&jobs[0], OUTCOME_DEFERRED);
	wait_for(&kept_count, 1);
	close_queue();
	open_queue();
	link_relay();
	say_result(&jobs[0], OUTCOME_DEFERRED);
	wait_for(&kept_count, 2);
	assert_true(is_queued("0001", &stored));
	assert_int_equal(stored.attempts, 1);
	say_ready(10);
	wait_for(&job_count, 2);
}

/* What is not in memory is found again: loaded by pages at the start. */
static void
test_loaded_at_start(void **state)
{
	(void)state;
	struct spool_change change = { { .verb = SPOOL_CHANGE }, .kind = SPOOL_HOLD,
		.id = "0001", .reason = "because" };
	for (unsigned i = 0; i < 30; i++) {
		char id[20];
		snprintf(id, sizeof(id), "%04u", i);
		bring_one(id);
	}
	assert_int_equal(ask_spool(&change.request), SPOOL_DONE);
	close_queue();
	open_queue();
	link_relay();
	say_ready(40);
	wait_for(&job_count, 10); /* not more to one that is not known yet; then two for one */
	for (size_t i = 0; i < 29; i++) {
		say_result(&jobs[i], OUTCOME_DELIVERED);
		wait_for(&kept_count, i + 1);
	}
	assert_int_equal(job_count, 29);
	assert_int_equal(spool_counts(spool)->messages, 1);
}

/* N4: what is not a result ends that relay's channel, and its jobs are due again. */
static void
test_malformed_result(void **state)
{
	(void)state;
	struct buf content = BUF_INIT(0);
	say_ready(10);
	bring_one("0001");
	wait_for(&job_count, 1);
	buf_add_text(&content, "nonsense");
	assert_true(channel_send(relay, MSG_RESULT, &content, -1));
	buf_fini(&content);
	loop_timer_start(&deadline, QUEUE_RIG_WAIT_MS);
	while (!relay_closed && !late)
		loop_run(loop);
	loop_timer_stop(&deadline);
	assert_true(relay_closed);
	assert_false(dispatch_has_relay(dispatch));
	link_relay();
	say_ready(10);
	wait_for(&job_count, 2);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_repeated_result),
		TEST(test_relay_dies),
		TEST(test_queue_starts_again),
		TEST(test_results_come_before_jobs),
		TEST(test_same_deferral_after_a_restart),
		TEST(test_loaded_at_start),
		TEST(test_malformed_result),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
