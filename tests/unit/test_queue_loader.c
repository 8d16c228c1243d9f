/* SPDX-License-Identifier: BSD-2-Clause */
/* The window in memory: what is loaded, what waits on disk, and until when. */
#include "queue_rig.h"

#include "queue/loader.h"

#include <stdlib.h>

enum { NOW_MS = SAMPLE_RECEIVED_MS + 1000, AHEAD_MS = 10 * 60 * 1000 };

static const struct settings_route routes[] = {
	{ .title = "example.net", .to = { .scheme = ROUTE_SMTP }, .concurrency = 3 },
	{ .title = "example.com", .to = { .scheme = ROUTE_LMTP } },
};
static const struct settings all_settings = { .hostname = "mail.example.org",
	.route = { routes, 2 },
	.queue = { .concurrency = 50, .concurrency_per_destination = 10 } };

static struct schedule *schedule;
static struct backlog *backlog;
static struct loader *loader;
static size_t pending;

static void
on_loaded(void *context)
{
	(void)context;
}

static int
set_up(void **state)
{
	(void)state;
	rig_begin();
	rig_open_spool(false);
	schedule = schedule_new();
	schedule_set_slots(schedule, 1000);
	backlog = backlog_new(schedule, &all_settings);
	loader = loader_new(spool, backlog, on_loaded, NULL);
	pending = 0;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	spool_close(&spool);
	loader_free(&loader);
	backlog_free(&backlog);
	schedule_free(&schedule);
	rig_end();
	return 0;
}

static void
on_done(struct spool_request *request)
{
	assert_int_equal(request->result, SPOOL_DONE);
	if (--pending == 0)
		loop_stop(loop);
}

static void
ask(struct spool_request *request)
{
	request->on_done = on_done;
	pending++;
	spool_ask(spool, request);
}

static void
run(void)
{
	loop_timer_start(&deadline, QUEUE_RIG_WAIT_MS);
	while (pending && !late)
		loop_run(loop);
	loop_timer_stop(&deadline);
	assert_false(late);
}

/* Everything asked of the spool so far is answered when this is. */
static void
run_all(void)
{
	struct spool_tick tick = { .request = { .verb = SPOOL_TICK } };
	size_t before;
	do {
		before = backlog_count(backlog);
		ask(&tick.request);
		run();
	} while (backlog_count(backlog) != before);
}

static void
bring_many(unsigned first, unsigned count)
{
	struct spool_commit *commits = calloc(count, sizeof(*commits));
	for (unsigned i = 0; i < count; i++) {
		char id[20];
		snprintf(id, sizeof(id), "%06u", first + i);
		commits[i] = (struct spool_commit){ { .verb = SPOOL_COMMIT },
			.parcel = sample_parcel_to(id, "bob@example.net") };
		ask(&commits[i].request);
	}
	run();
	for (unsigned i = 0; i < count; i++)
		parcel_drop(&commits[i].parcel);
	free(commits);
}

static void
come(struct parcel *parcel)
{
	struct spool_commit commit = { { .verb = SPOOL_COMMIT }, .parcel = parcel };
	ask(&commit.request);
	run();
	loader_add(loader, parcel);
}

static void
remove_some(uint64_t first, uint64_t last)
{
	for (uint64_t seq = first; seq <= last; seq++)
		backlog_remove(backlog, backlog_find(backlog, seq));
}

static void
assert_there(uint64_t first, uint64_t last)
{
	for (uint64_t seq = first; seq <= last; seq++)
		assert_non_null(backlog_find(backlog, seq));
}

/* More than one destination may have: the rest stays on disk until there is room, and comes once. */
static void
test_share_of_a_destination(void **state)
{
	(void)state;
	enum { COUNT = 21000, SHARE = 20000 };
	bring_many(0, COUNT);
	loader_fill(loader, NOW_MS);
	run_all();
	assert_int_equal(backlog_count(backlog), SHARE);
	loader_fill(loader, NOW_MS);
	run_all();
	assert_int_equal(backlog_count(backlog), SHARE);
	/* What comes in meanwhile waits behind, but for what others send, or goes elsewhere. */
	struct parcel *later = sample_parcel_to("999999", "bob@example.net");
	come(later);
	assert_null(backlog_find(backlog, later->seq));
	struct parcel *other = sample_parcel_of("eve", "eve");
	come(other);
	assert_ptr_equal(backlog_find(backlog, other->seq)->parcel, other);
	struct parcel *elsewhere = sample_parcel_to("999998", "bob@example.com");
	come(elsewhere);
	assert_ptr_equal(backlog_find(backlog, elsewhere->seq)->parcel, elsewhere);
	/* Not for every message that leaves, but for many. */
	remove_some(1, 9000);
	loader_fill(loader, NOW_MS);
	run_all();
	assert_int_equal(backlog_count(backlog), SHARE - 9000 + 2);
	remove_some(9001, 11000);
	loader_fill(loader, NOW_MS);
	run_all();
	assert_there(11001, COUNT + 3);
	/* With nothing left on disk it comes straight in, with its content. */
	struct parcel *next = sample_parcel_to("999997", "bob@example.net");
	come(next);
	assert_ptr_equal(backlog_find(backlog, next->seq)->parcel, next);
	loader_add(loader, next); /* a second time changes nothing */
	parcel_drop(&next);
	parcel_drop(&elsewhere);
	parcel_drop(&other);
	parcel_drop(&later);
}

/* A full destination in front: mail of others behind it is found all the same. */
static void
test_behind_a_full_destination(void **state)
{
	(void)state;
	enum { COUNT = 20500 };
	struct parcel *behind = sample_parcel_to("behind", "bob@example.com");
	struct spool_commit commit = { { .verb = SPOOL_COMMIT }, .parcel = behind };
	bring_many(0, COUNT);
	ask(&commit.request);
	run();
	loader_fill(loader, NOW_MS);
	run_all();
	assert_int_equal(backlog_count(backlog), 20001);
	assert_non_null(backlog_find(backlog, behind->seq));
	/* Afresh: new routes, say. */
	loader_restart(loader, NOW_MS);
	run_all();
	assert_int_equal(backlog_count(backlog), 20001);
	parcel_drop(&behind);
}

static void
defer(uint64_t seq, int64_t due_ms)
{
	static const struct recipient later = { .attempts = 1, .enhanced = "", .text = "",
		.hop = "" };
	struct spool_fetch fetch = { { .verb = SPOOL_FETCH }, .seq = seq, .fd = -1 };
	ask(&fetch.request);
	run();
	struct spool_settle settle = { { .verb = SPOOL_SETTLE }, .parcel = fetch.parcel,
		.recipients = &later, .recipient_count = 1, .due_ms = due_ms };
	ask(&settle.request);
	run();
	parcel_drop(&fetch.parcel);
	arena_free(&fetch.arena);
}

static void
test_due_soon(void **state)
{
	(void)state;
	bring_many(1, 3);
	defer(1, NOW_MS + 5000);
	defer(2, NOW_MS + AHEAD_MS + 5000);
	loader_fill(loader, NOW_MS);
	run_all();
	assert_int_equal(backlog_find(backlog, 1)->lots->schedule.due_ms, NOW_MS + 5000);
	assert_null(backlog_find(backlog, 2));
	assert_non_null(backlog_find(backlog, 3));
	assert_true(loader_keeps(loader, NOW_MS + AHEAD_MS));
	assert_false(loader_keeps(loader, NOW_MS + AHEAD_MS + 1));
	loader_fill(loader, NOW_MS + AHEAD_MS);
	run_all();
	assert_non_null(backlog_find(backlog, 2));
	/* one that was changed by hand is loaded at once */
	backlog_remove(backlog, backlog_find(backlog, 1));
	loader_load(loader, 1);
	loader_load(loader, 1);
	loader_load(loader, 99);
	run_all();
	assert_non_null(backlog_find(backlog, 1));
	loader_restart(loader, NOW_MS);
	assert_int_equal(backlog_count(backlog), 0);
	run_all();
	assert_int_equal(backlog_count(backlog), 3);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_share_of_a_destination),
		TEST(test_behind_a_full_destination),
		TEST(test_due_soon),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
