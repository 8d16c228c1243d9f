/* SPDX-License-Identifier: BSD-2-Clause */
/* A dispatch between a spool and a relay that does as the test says. */
#ifndef UNIT_DISPATCH_FIXTURE_H
#define UNIT_DISPATCH_FIXTURE_H

#include "queue/dispatch.h"
#include "queue_rig.h"

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
		.destination_rest = 500, .destination_rest_longest = 1000 },
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

static inline void
read_body(int fd, struct buf *to)
{
	char block[4096];
	ssize_t got;
	while ((got = pread(fd, block, sizeof(block), (off_t)0)) > 0 && !buf_length(to))
		buf_add(to, block, (size_t)got);
}

static inline bool
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

static inline bool
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

static inline void
on_relay_closed(void *context, const struct fault *why)
{
	(void)context;
	(void)why;
	relay_closed = true;
	loop_stop(loop);
}

static const struct channel_events relay_events = { .on_message = on_relay_message,
	.on_closed = on_relay_closed };

static inline void
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

static inline void
say_ready(uint32_t slots)
{
	struct message_relay_ready ready = { .slots = slots };
	struct buf content = BUF_INIT(0);
	message_relay_ready_pack(&content, &ready);
	assert_true(channel_send(relay, MSG_RELAY_READY, &content, -1));
	buf_fini(&content);
}

/* The same outcome for every recipient of the job. */
static inline void
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

static inline void
say_result(const struct seen_job *job, enum outcome outcome)
{
	say_reply(job, outcome, 250, "");
}

/* ---- waiting */

/* Nothing comes for a while: the loop's timers have had their turn. */
static inline void
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

static inline int64_t
now(void *context)
{
	(void)context;
	return SAMPLE_RECEIVED_MS + (int64_t)(loop_now_ms(loop) - start_ms);
}

static inline void
open_queue(void)
{
	rig_open_spool(true);
	dispatch = dispatch_new(loop, spool, &all_settings, now, NULL);
}

static inline void
close_queue(void)
{
	spool_close(&spool);
	dispatch_free(&dispatch);
}

static inline int
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

static inline int
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

static inline void
bring(struct parcel *parcel)
{
	struct spool_commit commit = { { .verb = SPOOL_COMMIT }, .parcel = parcel };
	assert_int_equal(ask_spool(&commit.request), SPOOL_DONE);
	dispatch_add(dispatch, parcel);
}

static inline void
bring_to(const char *id, const char *const *recipients)
{
	struct parcel *parcel = sample_parcel(id, "Hello.\r\n", recipients);
	bring(parcel);
	parcel_drop(&parcel);
}

static inline void
bring_one(const char *id)
{
	bring_to(id, (const char *const[]){ "bob@example.net", NULL });
}

/* Is it in the queue? Recipient attempts and stage as stored. */
static inline bool
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

#endif
