/* SPDX-License-Identifier: BSD-2-Clause */
/* Jobs and results: a spool, a dispatch and a relay of our own on the other end of its channel. */
#include "queue_rig.h"

#include "queue/dispatch.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { JOBS_MAX = 64 };

static const uint64_t retry[] = { 40, 40, 40 };

static struct settings_route routes[] = {
	{ .title = "example.net", .to = { .scheme = ROUTE_SMTP } },
	{ .title = "example.com", .to = { .scheme = ROUTE_LMTP } },
	{ .title = "example.org", .to = { .scheme = ROUTE_SMTP } },
};

static struct settings all_settings = {
	.hostname = "mail.example.org",
	.postmaster = "postmaster@example.net",
	.queue = { .retry = { retry, 3 }, .expiry = 100000, .notice_expiry = 100000,
		.concurrency = 10, .concurrency_per_destination = 10,
		.destination_rest = 100, .destination_rest_longest = 200 },
	.route = { routes, 3 },
};

/* A job as relay got it. */
struct seen_job {
	uint64_t job;
	char id[40];
	char route[40];
	char sender[60];
	size_t recipient_count;
	uint32_t numbers[10];
	char first_path[60];
	struct buf content; /* header and body, wherever that was */
};

static struct dispatch *dispatch;
static struct channel *relay;
static struct seen_job jobs[JOBS_MAX];
static size_t job_count;
static uint64_t kept[JOBS_MAX];
static size_t kept_count;
static bool relay_closed;
static uint64_t start_ms;

/* ---- the relay */

static void
read_body(int fd, struct buf *to)
{
	char block[4096];
	ssize_t got;
	while ((got = pread(fd, block, sizeof(block), (off_t)0)) > 0 && !buf_length(to))
		buf_add(to, block, (size_t)got);
}

static bool
on_job(struct channel_message *message)
{
	struct arena *arena = arena_new(0);
	struct message_job job;
	assert_true(message_job_unpack(message->bytes, arena, &job));
	assert_true(job_count < JOBS_MAX);
	struct seen_job *seen = &jobs[job_count++];
	seen->job = job.job;
	snprintf(seen->id, sizeof(seen->id), "%s", job.id);
	snprintf(seen->route, sizeof(seen->route), "%s", job.route);
	snprintf(seen->sender, sizeof(seen->sender), "%s", job.envelope.sender);
	snprintf(seen->first_path, sizeof(seen->first_path), "%s",
		job.envelope.recipients[0].path);
	seen->recipient_count = job.envelope.recipient_count;
	for (size_t i = 0; i < seen->recipient_count && i < 10; i++)
		seen->numbers[i] = job.envelope.recipients[i].number;
	buf_init(&seen->content, 0);
	if (job.content.in_file) {
		assert_true(message->fd >= 0);
		read_body(message->fd, &seen->content);
	} else {
		buf_add_span(&seen->content, job.content.header);
		buf_add_span(&seen->content, job.content.body);
	}
	arena_free(&arena);
	return true;
}

static bool
on_relay_message(void *context, struct channel_message *message)
{
	struct message_result_kept result_kept;
	(void)context;
	loop_stop(loop);
	if (message->id == MSG_JOB)
		return on_job(message);
	assert_int_equal(message->id, MSG_RESULT_KEPT);
	assert_true(message_result_kept_unpack(message->bytes, NULL, &result_kept));
	kept[kept_count++] = result_kept.job;
	return true;
}

static void
on_relay_closed(void *context, const struct fault *why)
{
	(void)context;
	(void)why;
	relay_closed = true;
	loop_stop(loop);
}

static const struct channel_events relay_events = { .on_message = on_relay_message,
	.on_closed = on_relay_closed };

static void
link_relay(void)
{
	int fds[2];
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
	channel_free(&relay);
	relay_closed = false;
	relay = channel_new(loop, fds[0], ROLE_RELAY, ROLE_QUEUE, &relay_events, NULL);
	dispatch_link(dispatch, fds[1]);
}

static void
say_ready(uint32_t slots)
{
	struct message_relay_ready ready = { .slots = slots };
	struct buf content = BUF_INIT(0);
	message_relay_ready_pack(&content, &ready);
	assert_true(channel_send(relay, MSG_RELAY_READY, &content, -1));
	buf_fini(&content);
}

/* The same outcome for every recipient of the job. */
static void
say_reply(const struct seen_job *job, enum outcome outcome, uint16_t code, const char *enhanced)
{
	struct message_recipient_result results[10];
	struct message_result result = { .job = job->job, .id = job->id, .hop = "mx.example.net",
		.hop_address = "", .tls = "", .count = job->recipient_count, .results = results };
	struct buf content = BUF_INIT(0);
	for (size_t i = 0; i < job->recipient_count; i++)
		results[i] = (struct message_recipient_result){ .number = job->numbers[i],
			.outcome = outcome, .code = code, .enhanced = enhanced, .text = "said" };
	message_result_pack(&content, &result);
	assert_true(channel_send(relay, MSG_RESULT, &content, -1));
	buf_fini(&content);
}

static void
say_result(const struct seen_job *job, enum outcome outcome)
{
	say_reply(job, outcome, 250, "");
}

static void
say_unreached(const struct seen_job *job)
{
	say_reply(job, OUTCOME_DEFERRED, 0, "4.4.1");
}

/* ---- waiting */

/* Nothing comes for a while: the loop's timers have had their turn. */
static void
assert_quiet(uint64_t wait_ms)
{
	size_t before = job_count;
	loop_timer_start(&deadline, wait_ms);
	while (!late && job_count == before)
		loop_run(loop);
	loop_timer_stop(&deadline);
	assert_true(late);
	late = false;
	assert_int_equal(job_count, before);
}

/* ---- the queue's side */

static int64_t
now(void *context)
{
	(void)context;
	return SAMPLE_RECEIVED_MS + (int64_t)(loop_now_ms(loop) - start_ms);
}

static void
open_queue(void)
{
	rig_open_spool(true);
	dispatch = dispatch_new(loop, spool, &all_settings, now, NULL);
}

static void
close_queue(void)
{
	spool_close(&spool);
	dispatch_free(&dispatch);
}

static int
set_up(void **state)
{
	(void)state;
	rig_begin();
	start_ms = loop_now_ms(loop);
	job_count = kept_count = 0;
	all_settings.route.count = 3;
	all_settings.queue.retry = (struct settings_durations){ retry, 3 };
	open_queue();
	link_relay();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	close_queue();
	channel_free(&relay);
	for (size_t i = 0; i < job_count; i++)
		buf_fini(&jobs[i].content);
	rig_end();
	return 0;
}

static void
bring(struct parcel *parcel)
{
	struct spool_commit commit = { { .verb = SPOOL_COMMIT }, .parcel = parcel };
	assert_int_equal(ask_spool(&commit.request), SPOOL_DONE);
	dispatch_add(dispatch, parcel);
}

static void
bring_to(const char *id, const char *const *recipients)
{
	struct parcel *parcel = sample_parcel(id, "Hello.\r\n", recipients);
	bring(parcel);
	parcel_drop(&parcel);
}

static void
bring_one(const char *id)
{
	bring_to(id, (const char *const[]){ "bob@example.net", NULL });
}

/* Is it in the queue? Recipient attempts and stage as stored. */
static bool
is_queued(const char *id, struct recipient *first_out)
{
	struct spool_fetch fetch = { { .verb = SPOOL_FETCH }, .fd = -1 };
	snprintf(fetch.id, sizeof(fetch.id), "%s", id);
	bool there = ask_spool(&fetch.request) == SPOOL_DONE;
	if (there && first_out && fetch.recipient_count) {
		*first_out = fetch.recipients[0];
		first_out->enhanced = first_out->text = first_out->hop = NULL;
	}
	parcel_drop(&fetch.parcel);
	arena_free(&fetch.arena);
	return there;
}

/* ---- tests */

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
	assert_int_equal(ready_count(), 1);
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
		TEST(test_from_commit_to_history),
		TEST(test_one_job_for_each_route),
		TEST(test_slots),
		TEST(test_dead_disk),
		TEST(test_deferred_is_tried_again),
		TEST(test_failure_tells_the_sender),
		TEST(test_repeated_result),
		TEST(test_relay_dies),
		TEST(test_queue_starts_again),
		TEST(test_results_come_before_jobs),
		TEST(test_same_deferral_after_a_restart),
		TEST(test_park_and_wake),
		TEST(test_deleted_under_way),
		TEST(test_body_file),
		TEST(test_loaded_at_start),
		TEST(test_unreached_rests),
		TEST(test_down_puts_off),
		TEST(test_malformed_result),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
