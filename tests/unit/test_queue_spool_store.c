/* SPDX-License-Identifier: BSD-2-Clause */
/* The spool's tables: what each request leaves on disk. */
#include "spool_store_fixture.h"

#include "queue/brief.h"

#include <stdio.h>

static size_t
count_history(const char *text)
{
	struct spool_track track = { { .verb = SPOOL_TRACK }, .text = text, .limit = 100 };
	ask(&track.request);
	arena_free(&track.arena);
	return track.brief_count;
}

static enum spool_result
settle(struct spool_fetch *fetched, const struct recipient *recipients, size_t count, bool finished,
	int64_t due_ms, struct parcel **notices, size_t notice_count)
{
	struct spool_settle request = { { .verb = SPOOL_SETTLE }, .parcel = fetched->parcel,
		.recipients = recipients, .recipient_count = count, .finished = finished,
		.stored = true, .due_ms = due_ms, .now_ms = 5000, .notices = notices,
		.notice_count = notice_count };
	return ask(&request.request);
}

static void
test_commit_and_fetch(void **state)
{
	(void)state;
	struct parcel *parcel = sample_parcel_to("0001", "bob@example.net");
	bool known = true;
	assert_int_equal(commit(parcel, &known), SPOOL_DONE);
	assert_false(known);
	assert_int_equal(spool_store_counts(store)->messages, 1);
	reopen_store();
	assert_int_equal(spool_store_counts(store)->messages, 1);
	struct spool_fetch fetched = fetch(0, "0001");
	assert_int_equal(fetched.request.result, SPOOL_DONE);
	assert_int_equal(fetched.parcel->seq, parcel->seq);
	assert_int_equal(fetched.parcel->received_ms, SAMPLE_RECEIVED_MS);
	assert_true(span_equal(fetched.parcel->content, parcel->content));
	assert_true(span_equal(fetched.parcel->bytes, parcel->bytes));
	assert_false(fetched.held);
	assert_int_equal(fetched.due_ms, 0);
	assert_int_equal(fetched.recipient_count, 0);
	assert_int_equal(count_page(SPOOL_PAGE_FRESH, 0), 1);
	assert_int_equal(count_page(SPOOL_PAGE_WAITING, INT64_MAX), 0);
	fetch_free(&fetched);
	fetched = fetch(0, "0002");
	assert_int_equal(fetched.request.result, SPOOL_MISSING);
	fetch_free(&fetched);
	parcel_drop(&parcel);
}

static void
test_repeated_commit(void **state)
{
	(void)state;
	struct parcel *again = sample_parcel_to("0001", "bob@example.net");
	struct parcel *other = sample_parcel_to("0001", "carol@example.net");
	struct recipient delivered = { .stage = RECIPIENT_DELIVERED };
	bool known = false;
	uint64_t seq = commit_to("0001", "bob@example.net");
	again->received_ms += 9;
	assert_int_equal(commit(again, &known), SPOOL_DONE);
	assert_true(known);
	assert_int_equal(again->seq, seq);
	assert_int_equal(commit(other, NULL), SPOOL_CLASH);
	assert_int_equal(spool_store_counts(store)->messages, 1);
	/* and when it has been delivered since, after a restart too */
	struct spool_fetch fetched = fetch(seq, "");
	assert_int_equal(settle(&fetched, &delivered, 1, true, 0, NULL, 0), SPOOL_DONE);
	fetch_free(&fetched);
	reopen_store();
	known = false;
	assert_int_equal(commit(again, &known), SPOOL_DONE);
	assert_true(known);
	assert_int_equal(commit(other, NULL), SPOOL_CLASH);
	assert_int_equal(spool_store_counts(store)->messages, 0);
	assert_int_equal(count_page(SPOOL_PAGE_ALL, 0), 0);
	parcel_drop(&again);
	parcel_drop(&other);
}

static void
test_results(void **state)
{
	(void)state;
	struct parcel *parcel = sample_parcel("0001", "x",
		(const char *const[]){ "a@example.net", "b@example.net", "c@example.net", NULL });
	struct parcel *notice = sample_parcel_to("0001.F1", "alice@example.org");
	assert_int_equal(commit(parcel, NULL), SPOOL_DONE);
	struct spool_fetch fetched = fetch(parcel->seq, "");
	struct recipient first[] = {
		{ .number = 0, .stage = RECIPIENT_DELIVERED, .job = 7 },
		{ .number = 1, .stage = RECIPIENT_FAILED, .code = 550, .text = "no such user" },
		{ .number = 2, .stage = RECIPIENT_WAITING, .attempts = 1, .text = "later" },
	};
	assert_int_equal(settle(&fetched, first, 3, false, 9000, &notice, 1), SPOOL_DONE);
	assert_int_equal(spool_store_counts(store)->messages, 2);
	assert_true(notice->seq > parcel->seq);
	fetch_free(&fetched);
	reopen_store();
	fetched = fetch(parcel->seq, "");
	assert_int_equal(fetched.due_ms, 9000);
	assert_int_equal(fetched.recipient_count, 3);
	assert_int_equal(fetched.recipients[0].job, 7);
	assert_string_equal(fetched.recipients[1].text, "no such user");
	assert_int_equal(fetched.recipients[2].attempts, 1);
	assert_int_equal(count_page(SPOOL_PAGE_WAITING, 8999), 0);
	assert_int_equal(count_page(SPOOL_PAGE_WAITING, 9000), 1);
	assert_int_equal(count_page(SPOOL_PAGE_FRESH, 0), 1); /* the notice */
	/* the same notice a second time is recognised, and the last recipient ends it */
	struct recipient last = { .number = 2, .stage = RECIPIENT_RELAYED };
	assert_int_equal(settle(&fetched, &last, 1, true, 0, &notice, 1), SPOOL_DONE);
	assert_int_equal(spool_store_counts(store)->messages, 1);
	assert_int_equal(settle(&fetched, &last, 1, true, 0, NULL, 0), SPOOL_MISSING);
	assert_int_equal(count_page(SPOOL_PAGE_WAITING, INT64_MAX), 0);
	struct spool_track track = { { .verb = SPOOL_TRACK }, .text = "b@EXAMPLE.net",
		.limit = 10 };
	ask(&track.request);
	assert_int_equal(track.brief_count, 1);
	assert_int_equal(track.briefs[0].recipients[0].recipient.stage, RECIPIENT_DELIVERED);
	assert_int_equal(track.briefs[0].recipients[1].recipient.code, 550);
	assert_int_equal(track.briefs[0].recipients[2].recipient.stage, RECIPIENT_RELAYED);
	arena_free(&track.arena);
	fetch_free(&fetched);
	parcel_drop(&parcel);
	parcel_drop(&notice);
}

/* A result may hold what is left, in the same transaction. */
static void
test_result_that_holds(void **state)
{
	(void)state;
	uint64_t seq = commit_to("0001", "bob@example.net");
	struct recipient later = { .stage = RECIPIENT_WAITING, .attempts = 1 };
	struct spool_fetch fetched = fetch(seq, "");
	struct spool_settle request = { { .verb = SPOOL_SETTLE }, .parcel = fetched.parcel,
		.recipients = &later, .recipient_count = 1, .hold_reason = "nobody to tell",
		.due_ms = 500, .now_ms = 5000 };
	assert_int_equal(ask(&request.request), SPOOL_DONE);
	request.request = (struct spool_request){ .verb = SPOOL_SETTLE };
	assert_int_equal(ask(&request.request), SPOOL_DONE);
	assert_int_equal(spool_store_counts(store)->held, 1);
	fetch_free(&fetched);
	reopen_store();
	assert_int_equal(spool_store_counts(store)->held, 1);
	assert_int_equal(count_page(SPOOL_PAGE_WAITING, INT64_MAX), 0);
	fetched = fetch(seq, "");
	assert_true(fetched.held);
	assert_string_equal(fetched.hold_reason, "nobody to tell");
	assert_int_equal(fetched.recipients[0].attempts, 1);
	fetch_free(&fetched);
	assert_int_equal(change(SPOOL_RELEASE, seq, 10), SPOOL_DONE);
	assert_int_equal(count_page(SPOOL_PAGE_WAITING, 10), 1);
}

static void
test_hold_release_flush_delete(void **state)
{
	(void)state;
	uint64_t seq = commit_to("0001", "bob@example.net");
	assert_int_equal(change(SPOOL_RELEASE, seq, 10), SPOOL_MISSING);
	assert_int_equal(change(SPOOL_HOLD, seq, 10), SPOOL_DONE);
	assert_int_equal(change(SPOOL_HOLD, seq, 10), SPOOL_DONE);
	assert_int_equal(spool_store_counts(store)->held, 1);
	assert_int_equal(change(SPOOL_FLUSH, seq, 10), SPOOL_MISSING);
	/* a result that comes in does not release it */
	struct recipient later = { .stage = RECIPIENT_WAITING, .attempts = 1 };
	struct spool_fetch fetched = fetch(seq, "");
	assert_true(fetched.held);
	assert_string_equal(fetched.hold_reason, "because");
	assert_int_equal(settle(&fetched, &later, 1, false, 500, NULL, 0), SPOOL_DONE);
	fetch_free(&fetched);
	reopen_store();
	assert_int_equal(spool_store_counts(store)->held, 1);
	assert_int_equal(count_page(SPOOL_PAGE_FRESH, 0), 0);
	assert_int_equal(count_page(SPOOL_PAGE_WAITING, INT64_MAX), 0);
	assert_int_equal(count_page(SPOOL_PAGE_ALL, 0), 1);
	assert_int_equal(change(SPOOL_RELEASE, seq, 600), SPOOL_DONE);
	assert_int_equal(spool_store_counts(store)->held, 0);
	assert_int_equal(count_page(SPOOL_PAGE_WAITING, 600), 1);
	assert_int_equal(change(SPOOL_FLUSH, seq, 3), SPOOL_DONE);
	assert_int_equal(count_page(SPOOL_PAGE_WAITING, 3), 1);
	assert_int_equal(change(SPOOL_HOLD, seq, 10), SPOOL_DONE);
	assert_int_equal(change(SPOOL_DELETE, seq, 10), SPOOL_DONE);
	assert_int_equal(change(SPOOL_DELETE, seq, 10), SPOOL_MISSING);
	assert_int_equal(change(SPOOL_HOLD, seq, 10), SPOOL_MISSING);
	assert_int_equal(spool_store_counts(store)->held, 0);
	assert_int_equal(spool_store_counts(store)->messages, 0);
	assert_int_equal(count_history("0001"), 1);
}

static void
test_held_on_arrival(void **state)
{
	(void)state;
	struct parcel *parcel = sample_parcel_to("0001", "bob@example.net");
	struct spool_commit request = { { .verb = SPOOL_COMMIT }, .parcel = parcel,
		.hold_reason = "over the limit", .held_most = UINT64_MAX };
	assert_int_equal(ask(&request.request), SPOOL_DONE);
	assert_int_equal(spool_store_counts(store)->held, 1);
	assert_int_equal(count_page(SPOOL_PAGE_FRESH, 0), 0);
	parcel_drop(&parcel);
}

static enum spool_result
hold_of(const char *login, const char *id)
{
	struct parcel *parcel = sample_parcel_of(login, id);
	struct spool_commit request = { { .verb = SPOOL_COMMIT }, .parcel = parcel,
		.hold_reason = "over the limit", .held_most = 2 };
	enum spool_result result = ask(&request.request);
	parcel_drop(&parcel);
	return result;
}

/* One login cannot fill the queue with what waits for the administrator. */
static void
test_held_of_one_login(void **state)
{
	(void)state;
	assert_int_equal(hold_of("alice", "0001"), SPOOL_DONE);
	assert_int_equal(hold_of("bob", "0002"), SPOOL_DONE);
	uint64_t sent = commit_to("0003", "bob@example.net");
	assert_int_equal(hold_of("alice", "0004"), SPOOL_DONE);
	assert_int_equal(hold_of("alice", "0005"), SPOOL_CROWDED);
	assert_int_equal(hold_of("bob", "0006"), SPOOL_DONE);
	assert_int_equal(hold_of("alice", "0004"), SPOOL_DONE); /* sent again: it is there */
	assert_int_equal(spool_store_counts(store)->messages, 5);
	/* One goes, one may come. */
	assert_int_equal(change(SPOOL_RELEASE, sent - 2, 0), SPOOL_DONE);
	assert_int_equal(hold_of("alice", "0005"), SPOOL_DONE);
	assert_int_equal(hold_of("alice", "0007"), SPOOL_CROWDED);
}

static void
test_rolled_back_is_not_there(void **state)
{
	(void)state;
	struct parcel *parcel = sample_parcel_to("0001", "bob@example.net");
	struct spool_commit request = { { .verb = SPOOL_COMMIT }, .parcel = parcel };
	assert_true(spool_store_begin(store));
	spool_store_write(store, &request.request);
	spool_store_rollback(store);
	assert_int_equal(spool_store_counts(store)->messages, 0);
	assert_int_equal(count_page(SPOOL_PAGE_ALL, 0), 0);
	assert_int_equal(commit(parcel, NULL), SPOOL_DONE);
	assert_int_equal(parcel->seq, 1);
	parcel_drop(&parcel);
}

/* Sequence numbers name history too: they go on although the queue is empty. */
static void
test_seq_is_not_reused(void **state)
{
	(void)state;
	uint64_t seq = commit_to("0001", "bob@example.net");
	assert_int_equal(change(SPOOL_DELETE, seq, 10), SPOOL_DONE);
	reopen_store();
	assert_true(commit_to("0002", "bob@example.net") > seq);
	assert_int_equal(count_history("0001"), 1);
}

static void
test_numbers_of_a_start(void **state)
{
	(void)state;
	uint64_t job = spool_store_first_job(store);
	uint64_t limit = spool_store_file_limit(store);
	reopen_store();
	assert_true(spool_store_first_job(store) > job);
	assert_true(spool_store_file_limit(store) > limit);
	limit = spool_store_file_limit(store);
	struct spool_tick tick = { { .verb = SPOOL_TICK }, .next_file = limit - 1 };
	ask(&tick.request);
	assert_true(spool_store_file_limit(store) > limit);
	assert_true(tick.space.bytes > 0);
}

static void
test_pages_go_on(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 25; i++) {
		char id[20];
		snprintf(id, sizeof(id), "%04u", i);
		uint64_t seq = commit_to(id, "bob@example.net");
		struct spool_fetch fetched = fetch(seq, "");
		struct recipient later = { .stage = RECIPIENT_WAITING, .attempts = 1 };
		if (i % 2)
			settle(&fetched, &later, 1, false, 100 + i / 4, NULL, 0);
		fetch_free(&fetched);
	}
	size_t fresh = 0;
	size_t waiting = 0;
	struct spool_page page = { { .verb = SPOOL_PAGE }, .kind = SPOOL_PAGE_FRESH, .limit = 5 };
	do {
		ask(&page.request);
		fresh += page.entry_count;
		if (page.entry_count)
			page.after_seq = page.entries[page.entry_count - 1].seq;
		arena_free(&page.arena);
	} while (page.more);
	assert_int_equal(fresh, 13);
	page = (struct spool_page){ { .verb = SPOOL_PAGE }, .kind = SPOOL_PAGE_WAITING, .limit = 5,
		.until_due_ms = INT64_MAX };
	do {
		ask(&page.request);
		for (size_t i = 0; i < page.entry_count; i++) {
			assert_true(page.entries[i].due_ms >= page.after_due_ms);
			assert_int_equal(page.entries[i].recipient_count, 1);
			assert_int_equal(page.entries[i].recipients[0].attempts, 1);
			page.after_due_ms = page.entries[i].due_ms;
			page.after_seq = page.entries[i].seq;
		}
		waiting += page.entry_count;
		arena_free(&page.arena);
	} while (page.more);
	assert_int_equal(waiting, 12);
}

/* A page of fresh ones among many others looks at so many rows, and says how far it came. */
static void
test_fresh_pages_are_bounded(void **state)
{
	(void)state;
	struct spool_page page = { { .verb = SPOOL_PAGE }, .kind = SPOOL_PAGE_FRESH, .limit = 2 };
	char id[20];
	for (unsigned i = 1; i <= 20; i++) {
		snprintf(id, sizeof(id), "%04u", i);
		commit_to(id, "bob@example.net");
		if (i != 1 && i != 20)
			change(SPOOL_HOLD, i, 0);
	}
	ask(&page.request);
	assert_int_equal(page.entry_count, 1);
	assert_true(page.more);
	assert_int_equal(page.reached_seq, 8);
	arena_free(&page.arena);
	page.after_seq = page.reached_seq;
	ask(&page.request);
	assert_int_equal(page.entry_count, 0);
	assert_true(page.more);
	arena_free(&page.arena);
	page.after_seq = page.reached_seq;
	ask(&page.request);
	assert_int_equal(page.entry_count, 1);
	assert_int_equal(page.entries[0].seq, 20);
	assert_false(page.more);
	arena_free(&page.arena);
}

static void
test_history_is_forgotten(void **state)
{
	(void)state;
	struct spool_tick tick = { { .verb = SPOOL_TICK }, .forget_ms = SAMPLE_RECEIVED_MS + 50 };
	uint64_t old = commit_to("0001", "bob@example.net");
	uint64_t young = commit_to("0002", "bob@example.net");
	change(SPOOL_DELETE, old, SAMPLE_RECEIVED_MS + 10);
	change(SPOOL_DELETE, young, SAMPLE_RECEIVED_MS + 60);
	ask(&tick.request);
	assert_int_equal(count_history("0001"), 0);
	assert_int_equal(count_history("0002"), 1);
	assert_int_equal(count_history("bob@example.net"), 1);
	bool known = true;
	struct parcel *again = sample_parcel_to("0001", "bob@example.net");
	assert_int_equal(commit(again, &known), SPOOL_DONE);
	assert_false(known);
	parcel_drop(&again);
}

/* The room that the reserve gives back is not for new mail: nor before the next look at the disk. */
static void
test_the_reserve_is_not_for_mail(void **state)
{
	(void)state;
	uint64_t seq = commit_to("0001", "bob@example.net");
	spool_store_make_room(store);
	assert_false(is_there("reserve"));
	struct parcel *parcel = sample_parcel_to("0002", "bob@example.net");
	struct parcel *known = sample_parcel_to("0001", "bob@example.net");
	assert_int_equal(commit(parcel, NULL), SPOOL_FULL);
	bool again = false;
	assert_int_equal(commit(known, &again), SPOOL_DONE);
	assert_true(again);
	assert_int_equal(change(SPOOL_HOLD, seq, 1), SPOOL_DONE);
	struct spool_tick tick = { .request = { .verb = SPOOL_TICK } };
	ask(&tick.request);
	assert_int_equal(commit(parcel, NULL), SPOOL_DONE);
	parcel_drop(&parcel);
	parcel_drop(&known);
}

static void
test_probe(void **state)
{
	(void)state;
	assert_true(spool_store_probe(store));
	assert_true(spool_store_probe(store));
	uint64_t seq = commit_to("0001", "bob@example.net");
	assert_true(spool_store_probe(store));
	reopen_store();
	struct spool_fetch fetched = fetch(seq, "");
	assert_int_equal(fetched.request.result, SPOOL_DONE);
	fetch_free(&fetched);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, store_set_up, store_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_commit_and_fetch),
		TEST(test_repeated_commit),
		TEST(test_results),
		TEST(test_result_that_holds),
		TEST(test_hold_release_flush_delete),
		TEST(test_held_on_arrival),
		TEST(test_held_of_one_login),
		TEST(test_rolled_back_is_not_there),
		TEST(test_seq_is_not_reused),
		TEST(test_numbers_of_a_start),
		TEST(test_pages_go_on),
		TEST(test_fresh_pages_are_bounded),
		TEST(test_history_is_forgotten),
		TEST(test_the_reserve_is_not_for_mail),
		TEST(test_probe),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
