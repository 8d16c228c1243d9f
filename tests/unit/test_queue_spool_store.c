/* SPDX-License-Identifier: BSD-2-Clause */
/* The spool's tables and files: what each request leaves on disk, and what start makes of it. */
#include "../fake/mail_samples.h"
#include "queue/brief.h"
#include "queue/spool_schema.h"
#include "queue/spool_store.h"
#include "unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[300];
static struct spool_store *store;

static void
open_store(void)
{
	struct fault fault = FAULT_INIT;
	store = spool_store_open(path, true, &fault);
	if (!store)
		fail_msg("%s", fault.text);
}

static void
reopen_store(void)
{
	spool_store_close(&store);
	open_store();
}

static int
set_up(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "%s/queue", sample_folder_make());
	open_store();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	spool_store_close(&store);
	sample_folder_remove();
	return 0;
}

static const char *
inside(const char *name)
{
	static char full[400];
	snprintf(full, sizeof(full), "%s/%s", path, name);
	return full;
}

static bool
is_there(const char *name)
{
	struct stat stat;
	return lstat(inside(name), &stat) == 0;
}

/* One request, in a transaction of its own if it writes. */
static enum spool_result
ask(struct spool_request *request)
{
	if (spool_store_is_reading(request)) {
		spool_store_read(store, request);
	} else {
		assert_true(spool_store_begin(store));
		spool_store_write(store, request);
		assert_true(spool_store_commit(store));
	}
	return request->result;
}

static enum spool_result
commit(struct parcel *parcel, bool *known_out)
{
	struct spool_commit request = { { .verb = SPOOL_COMMIT }, .parcel = parcel };
	ask(&request.request);
	if (known_out)
		*known_out = request.known;
	return request.request.result;
}

static uint64_t
commit_to(const char *id, const char *recipient)
{
	struct parcel *parcel = sample_parcel_to(id, recipient);
	assert_int_equal(commit(parcel, NULL), SPOOL_DONE);
	uint64_t seq = parcel->seq;
	parcel_drop(&parcel);
	return seq;
}

static enum spool_result
change(enum spool_change_kind kind, uint64_t seq, int64_t now_ms)
{
	struct spool_change request = { { .verb = SPOOL_CHANGE }, .kind = kind, .seq = seq,
		.reason = "because", .now_ms = now_ms };
	return ask(&request.request);
}

static struct spool_fetch
fetch(uint64_t seq, const char *id)
{
	struct spool_fetch request = { { .verb = SPOOL_FETCH }, .seq = seq, .with_file = true,
		.fd = -1 };
	snprintf(request.id, sizeof(request.id), "%s", id);
	ask(&request.request);
	return request;
}

static void
fetch_free(struct spool_fetch *fetched)
{
	parcel_drop(&fetched->parcel);
	arena_free(&fetched->arena);
	if (fetched->fd >= 0)
		close(fetched->fd);
}

static size_t
count_page(enum spool_page_kind kind, int64_t until_ms)
{
	struct spool_page page = { { .verb = SPOOL_PAGE }, .kind = kind, .until_due_ms = until_ms,
		.limit = 100 };
	ask(&page.request);
	assert_false(page.more);
	arena_free(&page.arena);
	return page.entry_count;
}

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
make_body(uint64_t number, const char *text)
{
	struct fault fault = FAULT_INIT;
	int fd = folder_make_body(spool_store_folder(store), number, &fault);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void
test_body_files(void **state)
{
	(void)state;
	const struct folder *folder = spool_store_folder(store);
	struct fault fault = FAULT_INIT;
	struct parcel *parcel = sample_parcel_file("0001", 5, SPAN_LITERAL("large"));
	const unsigned char *hash = parcel->record.body_hash;
	make_body(5, "large");
	assert_int_equal(folder_make_body(folder, 5, &fault), -1);
	assert_int_equal(folder_seal_body(folder, 5, 5, hash, true, &fault), FOLDER_DONE);
	assert_int_equal(folder_seal_body(folder, 5, 4, hash, true, &fault), FOLDER_WRONG);
	assert_int_equal(folder_seal_body(folder, 5, 5, parcel->record.content_hash, true, &fault),
		FOLDER_WRONG);
	assert_int_equal(folder_seal_body(folder, 6, 5, hash, true, &fault), FOLDER_FAILED);
	assert_int_equal(commit(parcel, NULL), SPOOL_DONE);
	make_body(6, "nobody's");
	make_body(99999, "another database's");
	assert_int_equal(close(open(inside("body/07"), O_CREAT | O_WRONLY, 0600)), 0);
	assert_int_equal(symlink("/etc/passwd", inside("body/8")), 0);
	assert_int_equal(mkfifo(inside("body/9"), 0600), 0);
	assert_int_equal(close(open(inside("strange"), O_CREAT | O_WRONLY, 0600)), 0);
	reopen_store();
	assert_true(is_there("body/5"));
	assert_false(is_there("body/6"));
	assert_false(is_there("corrupt/6"));
	assert_true(is_there("corrupt/99999"));
	assert_true(is_there("corrupt/07"));
	assert_true(is_there("corrupt/8"));
	assert_true(is_there("corrupt/9"));
	assert_true(is_there("corrupt/strange"));
	struct spool_fetch fetched = fetch(0, "0001");
	char text[10] = "";
	assert_int_equal(fetched.request.result, SPOOL_DONE);
	assert_int_equal(read(fetched.fd, text, sizeof(text)), 5);
	assert_string_equal(text, "large");
	/* it goes with its message */
	assert_int_equal(change(SPOOL_DELETE, fetched.seq, 1), SPOOL_DONE);
	assert_false(is_there("body/5"));
	fetch_free(&fetched);
	parcel_drop(&parcel);
}

static void
test_missing_body_is_held(void **state)
{
	(void)state;
	struct parcel *parcel = sample_parcel_file("0001", 5, SPAN_LITERAL("large"));
	assert_int_equal(commit(parcel, NULL), SPOOL_DONE);
	make_body(5, "larger");
	struct spool_fetch fetched = fetch(parcel->seq, "");
	assert_int_equal(fetched.request.result, SPOOL_TORN);
	assert_null(fetched.parcel);
	fetch_free(&fetched);
	assert_int_equal(spool_store_counts(store)->held, 1);
	assert_int_equal(count_page(SPOOL_PAGE_FRESH, 0), 0);
	assert_int_equal(count_page(SPOOL_PAGE_ALL, 0), 1);
	parcel_drop(&parcel);
}

static void
run_sql(const char *sql)
{
	struct fault fault = FAULT_INIT;
	struct spool_db db;
	spool_store_close(&store);
	assert_true(spool_db_open(&db, inside("queue.db"), true, &fault));
	if (sqlite3_exec(db.sqlite, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s", sqlite3_errmsg(db.sqlite));
	spool_db_close(&db);
}

static void
test_torn_rows_are_held(void **state)
{
	(void)state;
	static const char *const damages[] = {
		"UPDATE message SET content = substr(content, 1, 20)",
		"UPDATE message SET content = replace(content, x'48', x'49')",
		"UPDATE message SET record = substr(record, 1, 50)",
		"UPDATE message SET record = x''",
		"UPDATE message SET record = x'02' || substr(record, 2)",
	};
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		char id[20];
		snprintf(id, sizeof(id), "%zu", i);
		uint64_t seq = commit_to(id, "bob@example.net");
		run_sql(damages[i]);
		open_store();
		struct spool_fetch fetched = fetch(seq, "");
		assert_int_equal(fetched.request.result, SPOOL_TORN);
		assert_true(fetched.held);
		fetch_free(&fetched);
		assert_int_equal(spool_store_counts(store)->held, 1);
		assert_int_equal(spool_store_counts(store)->messages, 1);
		assert_int_equal(change(SPOOL_DELETE, seq, 1), SPOOL_DONE);
		assert_int_equal(spool_store_counts(store)->held, 0);
	}
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

static void
test_only_one_opens_it(void **state)
{
	(void)state;
	struct fault fault = FAULT_INIT;
	assert_null(spool_store_open(path, true, &fault));
	assert_int_equal(fault.kind, FAULT_BUSY);
	assert_true(is_there("queue.db"));
}

static void
test_mode_and_owner(void **state)
{
	(void)state;
	struct fault fault = FAULT_INIT;
	spool_store_close(&store);
	assert_int_equal(chmod(path, 0750), 0);
	assert_null(spool_store_open(path, true, &fault));
	assert_non_null(strstr(fault.text, "mode 0750"));
	assert_int_equal(chmod(path, 0700), 0);
	assert_int_equal(chmod(inside("body"), 0777), 0);
	assert_null(spool_store_open(path, true, &fault));
	assert_int_equal(chmod(inside("body"), 0700), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(path, 12345, 12345), 0);
		assert_null(spool_store_open(path, true, &fault));
		assert_non_null(strstr(fault.text, "belongs to user 12345"));
		assert_int_equal(chown(path, 0, 0), 0);
	}
	open_store();
	struct stat stat;
	assert_int_equal(lstat(inside("queue.db"), &stat), 0);
	assert_int_equal(stat.st_mode & 07777, 0600);
}

/* As one of a coming version, in static storage. */
static struct spool_schema
later_schema(const char *step)
{
	static const char *steps[16];
	memcpy(steps, spool_schema_now.steps, (size_t)spool_schema_now.count * sizeof(steps[0]));
	steps[spool_schema_now.count] = step;
	return (struct spool_schema){ steps, spool_schema_now.count + 1 };
}

static void
test_schema_versions(void **state)
{
	(void)state;
	struct fault fault = FAULT_INIT;
	struct spool_db db;
	commit_to("0001", "bob@example.net");
	char now[40];
	snprintf(now, sizeof(now), "PRAGMA user_version = %d", spool_schema_now.count);
	run_sql("PRAGMA user_version = 99");
	assert_null(spool_store_open(path, true, &fault));
	assert_non_null(strstr(fault.text, "later version"));
	assert_int_equal(fault.kind, FAULT_CONFIG);
	run_sql(now);
	run_sql("PRAGMA application_id = 7");
	assert_null(spool_store_open(path, true, &fault));
	assert_non_null(strstr(fault.text, "not a spool"));
	run_sql("PRAGMA application_id = 1397772593");

	/* a later schema, as one of a coming version: the old one stays beside it */
	const struct spool_schema bad = later_schema("CREATE TABLE later (x); nonsense");
	assert_true(spool_db_open(&db, inside("queue.db"), true, &fault));
	assert_false(spool_schema_apply(&db, inside("queue.db"), &bad, &fault));
	assert_true(spool_schema_apply(&db, inside("queue.db"), &spool_schema_now, &fault));
	const struct spool_schema later = later_schema("CREATE TABLE later (x)");
	assert_true(spool_schema_apply(&db, inside("queue.db"), &later, &fault));
	assert_int_equal(sqlite3_exec(db.sqlite, "SELECT x FROM later", NULL, NULL, NULL), 0);
	spool_db_close(&db);
	assert_null(spool_store_open(path, true, &fault));
	char copy[20];
	char backup[400];
	snprintf(copy, sizeof(copy), "queue.db.v%d", spool_schema_now.count);
	assert_true(is_there(copy));
	snprintf(backup, sizeof(backup), "%s", inside(copy));
	assert_int_equal(rename(backup, inside("queue.db")), 0);
	open_store();
	assert_int_equal(count_page(SPOOL_PAGE_ALL, 0), 1);
}

static bool
migrate(const struct spool_schema *schema, struct fault *fault)
{
	struct spool_db db;
	assert_true(spool_db_open(&db, inside("queue.db"), true, fault));
	char database[400];
	snprintf(database, sizeof(database), "%s", inside("queue.db"));
	bool done = spool_schema_apply(&db, database, schema, fault);
	spool_db_close(&db);
	return done;
}

static off_t
size_of(const char *name)
{
	struct stat stat;
	return lstat(inside(name), &stat) == 0 ? stat.st_size : -1;
}

/* The copy of an earlier upgrade stays, whatever comes after it. */
static void
test_copies_of_older_schemas_stay(void **state)
{
	(void)state;
	struct fault fault = FAULT_INIT;
	const struct spool_schema later = later_schema("CREATE TABLE later (x)");
	char copy[15];
	snprintf(copy, sizeof(copy), "queue.db.v%d", spool_schema_now.count);
	int fd = open(inside(copy), O_CREAT | O_WRONLY, 0600);
	assert_int_equal(write(fd, "mine", 4), 4);
	close(fd);
	spool_store_close(&store);
	assert_true(migrate(&later, &fault));
	assert_int_equal(size_of(copy), 4);
	char next[20];
	snprintf(next, sizeof(next), "%s.1", copy);
	assert_true(size_of(next) > 4096);
}

/* No room for the copy, or for the change: nothing is left of the attempt, and the old one works. */
static void
test_no_room_to_migrate(void **state)
{
	(void)state;
	struct fault fault = FAULT_INIT;
	const struct spool_schema later = later_schema(
		"CREATE TABLE later (x); INSERT INTO later SELECT zeroblob(100000) FROM message");
	char copy[15];
	snprintf(copy, sizeof(copy), "queue.db.v%d", spool_schema_now.count);
	for (unsigned i = 0; i < 40; i++) {
		char id[20];
		snprintf(id, sizeof(id), "%04u", i);
		commit_to(id, "bob@example.net");
	}
	spool_store_close(&store);
	struct rlimit old;
	static const rlim_t sizes[] = { 10000, 300000 };
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct rlimit limit = { sizes[i], old.rlim_max };
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
		bool done = migrate(&later, &fault);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
		assert_false(done);
		assert_false(is_there(copy));
		char name[30];
		snprintf(name, sizeof(name), "%s.partial", copy);
		assert_false(is_there(name));
		open_store();
		assert_int_equal(count_page(SPOOL_PAGE_ALL, 0), 40);
		spool_store_close(&store);
	}
	assert_true(migrate(&later, &fault));
	assert_true(is_there(copy));
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
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
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
		TEST(test_body_files),
		TEST(test_missing_body_is_held),
		TEST(test_torn_rows_are_held),
		TEST(test_pages_go_on),
		TEST(test_fresh_pages_are_bounded),
		TEST(test_history_is_forgotten),
		TEST(test_only_one_opens_it),
		TEST(test_mode_and_owner),
		TEST(test_schema_versions),
		TEST(test_copies_of_older_schemas_stay),
		TEST(test_no_room_to_migrate),
		TEST(test_the_reserve_is_not_for_mail),
		TEST(test_probe),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
