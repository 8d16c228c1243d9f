/* SPDX-License-Identifier: BSD-2-Clause */
/* The window in memory: how a message is split, what is cached, what waits on disk. */
#include "../fake/mail_samples.h"
#include "queue/loader.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

enum { WAIT_MS = 20000, NOW_MS = SAMPLE_RECEIVED_MS + 1000, AHEAD_MS = 10 * 60 * 1000 };

static const struct settings_route routes[] = {
	{ .title = "example.net", .to = { .scheme = ROUTE_SMTP }, .concurrency = 3 },
	{ .title = "example.com", .to = { .scheme = ROUTE_LMTP } },
};
static const struct settings all_settings = { .hostname = "mail.example.org",
	.route = { routes, 2 },
	.queue = { .concurrency = 50, .concurrency_per_destination = 10 } };

static struct loop *loop;
static struct spool *spool;
static struct schedule *schedule;
static struct backlog *backlog;
static struct loader *loader;
static char path[300];
static size_t pending;

static void
on_loaded(void *context)
{
	(void)context;
}

static int
set_up(void **state)
{
	struct fault fault = FAULT_INIT;
	(void)state;
	snprintf(path, sizeof(path), "%s/queue", sample_folder_make());
	loop = loop_new();
	spool = spool_open(loop, path, false, &fault);
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
	loop_free(&loop);
	sample_folder_remove();
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
	while (pending)
		loop_run(loop);
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
test_split(void **state)
{
	(void)state;
	struct parcel *parcel = sample_parcel("0001", "x",
		(const char *const[]){ "a@example.net", "b@example.com", "c@nowhere.test",
			"d@EXAMPLE.net", "e@example.net", NULL });
	const struct recipient stored[] = {
		{ .number = 0, .stage = RECIPIENT_DELIVERED },
		{ .number = 3, .stage = RECIPIENT_WAITING, .attempts = 2, .delay_told = true },
	};
	struct entry *entry =
		backlog_add(backlog, 7, 100, &parcel->record, stored, 2, 5000);
	assert_ptr_equal(backlog_find(backlog, 7), entry);
	assert_true(entry->stored);
	size_t lots = 0;
	for (struct lot *lot = entry->lots; lot; lot = lot->next, lots++) {
		const char *name = schedule_destination_name(lot->schedule.destination);
		assert_int_equal(lot->schedule.due_ms, 5000);
		if (strcmp(name, "example.net") == 0) {
			assert_int_equal(lot->count, 2);
			assert_int_equal(lot->recipients[0].number, 3);
			assert_int_equal(lot->recipients[0].attempts, 2);
			assert_true(lot->recipients[0].delay_told);
			assert_int_equal(lot->recipients[1].number, 4);
			assert_int_equal(lot->schedule.class, SCHEDULE_TRIED);
			assert_false(lot->at_mailbox);
		} else if (strcmp(name, "example.com") == 0) {
			assert_int_equal(lot->count, 1);
			assert_true(lot->at_mailbox);
			assert_int_equal(lot->schedule.class, SCHEDULE_NORMAL);
		} else {
			assert_string_equal(name, "");
			assert_false(lot->has_route);
		}
	}
	assert_int_equal(lots, 3);
	assert_int_equal(backlog_due(entry, 0), 5000);
	assert_null(schedule_take(schedule, 4999));
	assert_non_null(schedule_take(schedule, 5000));
	assert_false(backlog_is_idle(entry));
	/* nobody left: no entry */
	const struct recipient all[] = { { .number = 0, .stage = RECIPIENT_FAILED } };
	struct parcel *one = sample_parcel_to("0002", "bob@example.net");
	assert_null(backlog_add(backlog, 8, 100, &one->record, all, 1, 0));
	assert_null(backlog_find(backlog, 8));
	parcel_drop(&one);
	parcel_drop(&parcel);
}

static void
test_cache_is_bounded(void **state)
{
	(void)state;
	enum { COUNT = 700 };
	char *large = mem_alloc(60001);
	memset(large, 'x', 60000);
	size_t cached = 0;
	for (uint64_t seq = 1; seq <= COUNT; seq++) {
		struct parcel *parcel = sample_parcel(
			"0001", large, (const char *const[]){ "bob@example.net", NULL });
		struct entry *entry = backlog_add(
			backlog, seq, SAMPLE_RECEIVED_MS, &parcel->record, NULL, 0, 0);
		backlog_cache(backlog, entry, parcel);
		assert_ptr_equal(entry->parcel, parcel);
		parcel_drop(&parcel);
	}
	for (uint64_t seq = 1; seq <= COUNT; seq++)
		cached += backlog_find(backlog, seq)->parcel != NULL;
	assert_true(cached > 200 && cached < 560); /* at most 32 MiB of them */
	assert_null(backlog_find(backlog, 1)->parcel); /* the oldest went */
	assert_non_null(backlog_find(backlog, COUNT)->parcel);
	backlog_uncache(backlog, backlog_find(backlog, COUNT));
	backlog_remove(backlog, backlog_find(backlog, COUNT - 1));
	mem_free(&large);
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
	struct parcel *late = sample_parcel_to("999999", "bob@example.net");
	come(late);
	assert_null(backlog_find(backlog, late->seq));
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
	parcel_drop(&late);
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
		TEST(test_split),
		TEST(test_cache_is_bounded),
		TEST(test_share_of_a_destination),
		TEST(test_behind_a_full_destination),
		TEST(test_due_soon),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
