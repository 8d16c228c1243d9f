/* SPDX-License-Identifier: BSD-2-Clause */
/* Jobs and results: a spool, a dispatch and a relay of our own on the other end of its channel. */
#include "dispatch_fixture.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

static void
say_unreached(const struct seen_job *job)
{
	say_reply(job, OUTCOME_DEFERRED, 0, "4.4.1");
}

static void
test_from_commit_to_history(void **state)
{
	(void)state;
	bring_one("0001");
	assert_quiet(50); /* relay is not ready */
	say_ready(10);
	wait_for(&job_count, 1);
	assert_string_equal(jobs[0].id, "0001");
	assert_string_equal(jobs[0].route, "example.net");
	assert_string_equal(jobs[0].sender, "alice@example.org");
	assert_string_equal(jobs[0].first_path, "bob@example.net");
	assert_span_equal(buf_span(&jobs[0].content),
		"From: <alice@example.org>\r\nSubject: sample\r\n\r\nHello.\r\n");
	assert_int_equal(dispatch_busy(dispatch), 1);
	say_result(&jobs[0], OUTCOME_DELIVERED);
	wait_for(&kept_count, 1);
	assert_true(kept[0] == jobs[0].job);
	assert_false(is_queued("0001", NULL));
	assert_int_equal(dispatch_busy(dispatch), 0);
	assert_int_equal(spool_counts(spool)->messages, 0);
}

static void
test_one_job_for_each_route(void **state)
{
	(void)state;
	static const char *const recipients[] = { "a@example.net", "b@example.com",
		"c@EXAMPLE.net", "d@nowhere.test", NULL };
	say_ready(10);
	bring_to("0001", recipients);
	wait_for(&job_count, 2);
	struct seen_job *net = strcmp(jobs[0].route, "example.net") == 0 ? &jobs[0] : &jobs[1];
	struct seen_job *com = net == &jobs[0] ? &jobs[1] : &jobs[0];
	assert_string_equal(com->route, "example.com");
	assert_int_equal(net->recipient_count, 2);
	assert_int_equal(net->numbers[0], 0);
	assert_int_equal(net->numbers[1], 2);
	assert_int_equal(com->recipient_count, 1);
	assert_int_equal(com->numbers[0], 1);
	say_result(net, OUTCOME_DELIVERED);
	say_result(com, OUTCOME_DELIVERED);
	wait_for(&kept_count, 2);
	assert_true(is_queued("0001", NULL)); /* one recipient has no way out */
	assert_quiet(60);
	/* a route for it appears */
	routes[2].title = "nowhere.test";
	dispatch_use(dispatch, &all_settings);
	wait_for(&job_count, 3);
	routes[2].title = "example.org";
	assert_string_equal(jobs[2].first_path, "d@nowhere.test");
	say_result(&jobs[2], OUTCOME_DELIVERED);
	wait_for(&kept_count, 3);
	assert_false(is_queued("0001", NULL));
}

static void
test_slots(void **state)
{
	(void)state;
	say_ready(2);
	for (unsigned i = 0; i < 5; i++) {
		char id[20];
		snprintf(id, sizeof(id), "%04u", i);
		bring_one(id);
	}
	wait_for(&job_count, 2);
	assert_quiet(30);
	say_result(&jobs[0], OUTCOME_DELIVERED);
	wait_for(&job_count, 3);
	assert_string_equal(jobs[2].id, "0002");
}

static void
limit_file_size(rlim_t bytes)
{
	struct rlimit limit;
	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* What cannot be recorded would be delivered again: a dead disk ends deliveries, a well one goes on. */
static void
test_dead_disk(void **state)
{
	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	say_ready(2);
	for (unsigned i = 0; i < 6; i++) {
		char id[20];
		snprintf(id, sizeof(id), "%04u", i);
		bring_one(id);
	}
	wait_for(&job_count, 2);
	limit_file_size(1);
	say_result(&jobs[0], OUTCOME_DELIVERED);
	wait_for(&job_count, 3);
	say_result(&jobs[1], OUTCOME_DELIVERED);
	say_result(&jobs[2], OUTCOME_DELIVERED);
	assert_quiet(300);
	assert_int_equal(kept_count, 0);
	limit_file_size(RLIM_INFINITY);
	wait_for(&kept_count, 3);
	wait_for_least(&job_count, 4); /* the last two may come at once */
	wait_for_least(&job_count, 5);
}

static void
test_deferred_is_tried_again(void **state)
{
	(void)state;
	struct recipient stored = { .attempts = 0 };
	say_ready(10);
	bring_one("0001");
	wait_for(&job_count, 1);
	say_result(&jobs[0], OUTCOME_DEFERRED);
	wait_for(&kept_count, 1);
	assert_true(is_queued("0001", &stored));
	assert_int_equal(stored.attempts, 1);
	wait_for(&job_count, 2);
	assert_true(jobs[1].job > jobs[0].job);
	say_result(&jobs[1], OUTCOME_DELIVERED);
	wait_for(&kept_count, 2);
	assert_false(is_queued("0001", NULL));
}

static void
test_failure_tells_the_sender(void **state)
{
	(void)state;
	say_ready(10);
	bring_one("0001");
	wait_for(&job_count, 1);
	say_result(&jobs[0], OUTCOME_FAILED);
	wait_for(&job_count, 2);
	assert_string_equal(jobs[1].id, "0001.F0");
	assert_string_equal(jobs[1].sender, "");
	assert_string_equal(jobs[1].first_path, "alice@example.org");
	assert_string_equal(jobs[1].route, "example.org");
	assert_false(is_queued("0001", NULL));
	/* I6: that fails too, and the postmaster hears of it; behind him there is nobody */
	say_result(&jobs[1], OUTCOME_FAILED);
	wait_for(&job_count, 3);
	assert_string_equal(jobs[2].id, "0001.F0.P0");
	assert_string_equal(jobs[2].sender, "");
	assert_string_equal(jobs[2].first_path, "postmaster@example.net");
	say_result(&jobs[2], OUTCOME_FAILED);
	wait_for(&kept_count, 3);
	assert_quiet(30);
	assert_int_equal(job_count, 3);
	assert_int_equal(spool_counts(spool)->messages, 1);
	assert_int_equal(spool_counts(spool)->held, 1);
}

static void
test_park_and_wake(void **state)
{
	(void)state;
	struct spool_change change = { { .verb = SPOOL_CHANGE }, .kind = SPOOL_HOLD,
		.id = "0001", .reason = "because" };
	bring_one("0001");
	assert_int_equal(ask_spool(&change.request), SPOOL_DONE);
	dispatch_park(dispatch, change.seq);
	say_ready(10);
	assert_quiet(50);
	change.kind = SPOOL_RELEASE;
	assert_int_equal(ask_spool(&change.request), SPOOL_DONE);
	dispatch_wake(dispatch, change.seq);
	wait_for(&job_count, 1);
	/* held while it is under way: the result counts, and then it stays */
	change.kind = SPOOL_HOLD;
	assert_int_equal(ask_spool(&change.request), SPOOL_DONE);
	dispatch_park(dispatch, change.seq);
	say_result(&jobs[0], OUTCOME_DEFERRED);
	wait_for(&kept_count, 1);
	assert_quiet(80);
	change.kind = SPOOL_DELETE;
	assert_int_equal(ask_spool(&change.request), SPOOL_DONE);
	dispatch_park(dispatch, change.seq);
	dispatch_wake(dispatch, change.seq); /* of what is gone: nothing */
	assert_quiet(30);
}

/* Deleted under way: the result is kept for relay's sake, and changes nothing. */
static void
test_deleted_under_way(void **state)
{
	(void)state;
	struct spool_change change = { { .verb = SPOOL_CHANGE }, .kind = SPOOL_DELETE,
		.id = "0001" };
	say_ready(10);
	bring_one("0001");
	wait_for(&job_count, 1);
	assert_int_equal(ask_spool(&change.request), SPOOL_DONE);
	dispatch_park(dispatch, change.seq);
	say_result(&jobs[0], OUTCOME_FAILED);
	wait_for(&kept_count, 1);
	assert_quiet(30); /* no notice */
	assert_int_equal(spool_counts(spool)->messages, 0);
}

static void
test_body_file(void **state)
{
	(void)state;
	struct fault fault = FAULT_INIT;
	uint64_t file = spool_next_file(spool);
	int fd = folder_make_body(spool_folder(spool), file, &fault);
	assert_int_equal(write(fd, "large body", 10), 10);
	close(fd);
	struct parcel *parcel = sample_parcel_file("0001", file, SPAN_LITERAL("large body"));
	say_ready(10);
	bring(parcel);
	parcel_drop(&parcel);
	wait_for(&job_count, 1);
	assert_span_equal(buf_span(&jobs[0].content), "large body");
	say_result(&jobs[0], OUTCOME_DELIVERED);
	wait_for(&kept_count, 1);
	assert_int_equal(folder_open_body(spool_folder(spool), file, 10, &fault), -1);
}

static size_t
ready_count(void)
{
	return schedule_count(dispatch_schedule(dispatch)).ready;
}

/* One that cannot be reached is left alone; mail for others goes on, and nothing is lost. */
static void
test_unreached_rests(void **state)
{
	(void)state;
	say_ready(40);
	for (unsigned i = 0; i < 12; i++) {
		char id[20];
		snprintf(id, sizeof(id), "%04u", i);
		bring_one(id);
	}
	wait_for(&job_count, 10);
	for (size_t i = 0; i < 10; i++)
		say_unreached(&jobs[i]);
	wait_for(&kept_count, 10);
	assert_int_equal(job_count, 10);
	assert_int_equal(ready_count(), 2);
	bring_to("other", (const char *const[]){ "b@example.com", NULL });
	wait_for(&job_count, 11);
	assert_string_equal(jobs[10].id, "other");
	/* Its rest ends: one of those that wait tries it alone, and opens the way. */
	wait_for(&job_count, 12);
	assert_string_equal(jobs[11].id, "0010");
	assert_quiet(20);
	say_result(&jobs[11], OUTCOME_DELIVERED);
	wait_for(&job_count, 13);
	assert_string_equal(jobs[12].id, "0011");
}

/* Down: what comes due is put off without a connection, with the reason, and by its own steps. */
static void
test_down_puts_off(void **state)
{
	(void)state;
	static const uint64_t hour[] = { 3600 * 1000 };
	struct recipient recipient = { .number = 9 };
	all_settings.queue.retry = (struct settings_durations){ hour, 1 };
	say_ready(40);
	bring_one("0001");
	wait_for(&job_count, 1);
	say_unreached(&jobs[0]);
	wait_for(&kept_count, 1);
	bring_one("0002");
	bring_one("0003");
	wait_for(&job_count, 2); /* after its rest; then a longer one */
	while (ready_count() < 1)
		assert_quiet(5);
	say_unreached(&jobs[1]);
	wait_for(&kept_count, 2);
	while (ready_count() || dispatch_busy(dispatch))
		assert_quiet(5);
	assert_true(is_queued("0003", &recipient));
	assert_int_equal(recipient.number, 0);
	assert_int_equal(recipient.attempts, 1);
	assert_int_equal(recipient.code, 0);
	assert_int_equal(job_count, 2);
	/* The administrator knows better. */
	struct spool_change change = { { .verb = SPOOL_CHANGE }, .kind = SPOOL_FLUSH,
		.id = "0003", .now_ms = now(NULL) };
	assert_int_equal(ask_spool(&change.request), SPOOL_DONE);
	dispatch_flush(dispatch);
	dispatch_wake(dispatch, change.seq);
	wait_for(&job_count, 3);
	assert_string_equal(jobs[2].id, "0003");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_from_commit_to_history),
		TEST(test_one_job_for_each_route),
		TEST(test_slots),
		TEST(test_dead_disk),
		TEST(test_deferred_is_tried_again),
		TEST(test_failure_tells_the_sender),
		TEST(test_park_and_wake),
		TEST(test_deleted_under_way),
		TEST(test_body_file),
		TEST(test_unreached_rests),
		TEST(test_down_puts_off),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
