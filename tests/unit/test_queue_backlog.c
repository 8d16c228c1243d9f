/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages in memory: how one is split, whose it is, what is cached. Nothing of it needs a disk. */
#include "../fake/mail_samples.h"
#include "queue/backlog.h"
#include "unit.h"

#include <string.h>

enum { NOW_MS = SAMPLE_RECEIVED_MS + 1000 };

static const struct settings_route routes[] = {
	{ .title = "example.net", .to = { .scheme = ROUTE_SMTP }, .concurrency = 3 },
	{ .title = "example.com", .to = { .scheme = ROUTE_LMTP } },
};
static const struct settings_listener listeners[] = {
	{ .title = "submission", .priority = PRIORITY_HIGH },
	{ .title = "bulk", .priority = PRIORITY_LOW },
};
static const struct settings all_settings = { .hostname = "mail.example.org",
	.route = { routes, 2 },
	.listener = { listeners, 2 },
	.queue = { .concurrency = 50, .concurrency_per_destination = 10 } };

static struct schedule *schedule;
static struct backlog *backlog;

static int
set_up(void **state)
{
	(void)state;
	schedule = schedule_new();
	schedule_set_slots(schedule, 1000);
	backlog = backlog_new(schedule, &all_settings);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	backlog_free(&backlog);
	schedule_free(&schedule);
	return 0;
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
			assert_int_equal(lot->schedule.class, SCHEDULE_HIGH);
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

/* The class of a message is its listener's, but for notices and what was tried. */
static void
test_classes(void **state)
{
	(void)state;
	static const struct {
		const char *listener;
		const char *parent;
		enum schedule_class class;
	} cases[] = {
		{ "submission", "", SCHEDULE_HIGH },
		{ "bulk", "", SCHEDULE_LOW },
		{ "gone", "", SCHEDULE_NORMAL },
		{ "submission", "0000", SCHEDULE_LOW },
	};
	struct parcel *parcel = sample_parcel_to("0001", "bob@example.net");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct record record = parcel->record;
		record.listener = cases[i].listener;
		record.parent = cases[i].parent;
		struct entry *entry =
			backlog_add(backlog, i + 1, SAMPLE_RECEIVED_MS, &record, NULL, 0, 0);
		assert_int_equal(entry->lots->schedule.class, cases[i].class);
	}
	parcel_drop(&parcel);
}

/* As many as 32 MiB hold; the oldest make room. */
static void
test_cache_is_bounded(void **state)
{
	(void)state;
	enum { COUNT = 700, CACHE_BYTES = 32 * 1024 * 1024 };
	char *large = mem_alloc(60001);
	memset(large, 'x', 60000);
	size_t fit = 0;
	for (uint64_t seq = 1; seq <= COUNT; seq++) {
		struct parcel *parcel = sample_parcel(
			"0001", large, (const char *const[]){ "bob@example.net", NULL });
		struct entry *entry = backlog_add(
			backlog, seq, SAMPLE_RECEIVED_MS, &parcel->record, NULL, 0, 0);
		backlog_cache(backlog, entry, parcel);
		assert_ptr_equal(entry->parcel, parcel);
		fit = CACHE_BYTES / parcel_size(parcel);
		parcel_drop(&parcel);
	}
	assert_in_range(fit, 200, COUNT - 1);
	for (uint64_t seq = 1; seq <= COUNT; seq++)
		assert_int_equal(backlog_find(backlog, seq)->parcel != NULL, seq > COUNT - fit);
	backlog_uncache(backlog, backlog_find(backlog, COUNT));
	assert_null(backlog_find(backlog, COUNT)->parcel);
	backlog_remove(backlog, backlog_find(backlog, COUNT - 1));
	mem_free(&large);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_split),
		TEST(test_classes),
		TEST(test_cache_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
