/* SPDX-License-Identifier: BSD-2-Clause */
/* A message that is sent again: found, also after a restart, for as long as it should be. */
#include "spool_store_fixture.h"

enum { WINDOW_MS = 600 * 1000 };

/* A COMMIT of id at a time, of what is known by key; in the transaction that is open. */
static enum spool_result
write_commit(const char *id, unsigned char key, int64_t at_ms, char first_out[40])
{
	struct parcel *parcel = sample_parcel_to(id, "bob@example.net");
	parcel->received_ms = at_ms;
	struct spool_commit commit = {
		.request = { .verb = SPOOL_COMMIT },
		.parcel = parcel,
		.resend = { .wanted = key != 0, .key = { key }, .since_ms = at_ms - WINDOW_MS },
	};
	spool_store_write(store, &commit.request);
	assert_int_equal(commit.known, commit.request.result == SPOOL_DONE && commit.first_id[0]);
	snprintf(first_out, 40, "%s", commit.first_id);
	parcel_drop(&parcel);
	return commit.request.result;
}

/* The id under which it was known; "" if it is new. */
static const char *
bring(const char *id, unsigned char key, int64_t at_ms)
{
	static char first[40];
	assert_true(spool_store_begin(store));
	assert_int_equal(write_commit(id, key, at_ms, first), SPOOL_DONE);
	assert_true(spool_store_commit(store));
	return first;
}

static void
tick(int64_t now_ms)
{
	struct spool_tick request = { { .verb = SPOOL_TICK }, .now_ms = now_ms,
		.resend_ms = now_ms - WINDOW_MS };
	assert_true(spool_store_begin(store));
	spool_store_write(store, &request.request);
	assert_true(spool_store_commit(store));
}

static uint64_t
messages(void)
{
	return spool_store_counts(store)->messages;
}

static void
test_sent_again(void **state)
{
	(void)state;
	assert_string_equal(bring("one", 1, 1000), "");
	assert_string_equal(bring("two", 1, 2000), "one");
	assert_string_equal(bring("three", 2, 2000), "");
	assert_string_equal(bring("four", 0, 2000), ""); /* no Message-ID */
	assert_string_equal(bring("five", 0, 2000), "");
	assert_string_equal(bring("six", 1, 1000 + WINDOW_MS), "one");
	assert_int_equal(messages(), 4);
	/* Too late; from now on this one is the first. */
	assert_string_equal(bring("seven", 1, 1001 + WINDOW_MS), "");
	assert_string_equal(bring("eight", 1, 1002 + WINDOW_MS), "seven");
	assert_int_equal(messages(), 5);
}

static void
test_in_one_transaction(void **state)
{
	(void)state;
	char first[40];
	assert_true(spool_store_begin(store));
	assert_int_equal(write_commit("one", 1, 1000, first), SPOOL_DONE);
	assert_string_equal(first, "");
	assert_int_equal(write_commit("two", 1, 1000, first), SPOOL_DONE);
	assert_string_equal(first, "one");
	assert_true(spool_store_commit(store));
	assert_int_equal(messages(), 1);
}

static void
test_rolled_back(void **state)
{
	(void)state;
	char first[40];
	assert_true(spool_store_begin(store));
	assert_int_equal(write_commit("one", 1, 1000, first), SPOOL_DONE);
	spool_store_rollback(store);
	/* Nobody was told that it is safe. Its seq is used again. */
	assert_string_equal(bring("other", 2, 1000), "");
	assert_string_equal(bring("two", 1, 1000), "");
	assert_string_equal(bring("three", 1, 1000), "two");
	assert_string_equal(bring("four", 2, 1000), "other");
}

static void
test_restart(void **state)
{
	(void)state;
	char id[20];
	for (unsigned i = 0; i < 200; i++) {
		snprintf(id, sizeof(id), "first%u", i);
		assert_string_equal(bring(id, (unsigned char)(i + 1), 1000), "");
	}
	reopen_store();
	assert_string_equal(bring("again", 7, 2000), "first6");
	assert_string_equal(bring("again", 200, 2000), "first199");
	assert_string_equal(bring("new", 201, 2000), "");
	assert_int_equal(messages(), 201);
}

static void
test_pruned(void **state)
{
	(void)state;
	bring("one", 1, 1000);
	bring("two", 2, 5000);
	tick(1001 + WINDOW_MS);
	/* The row is gone, and not only too old. */
	assert_string_equal(bring("three", 1, 1000), "");
	assert_string_equal(bring("four", 2, 5000), "two");
	/* The clock goes back a year: what was accepted after now is of no use. */
	tick(-INT64_C(365) * 24 * 3600 * 1000);
	assert_string_equal(bring("five", 2, 5000), "");
}

static void
test_delivered_and_deleted(void **state)
{
	(void)state;
	struct recipient delivered = { .stage = RECIPIENT_DELIVERED, .enhanced = "", .text = "",
		.hop = "" };
	struct parcel *parcel = sample_parcel_to("one", "bob@example.net");
	struct spool_commit first = { .request = { .verb = SPOOL_COMMIT }, .parcel = parcel,
		.resend = { .wanted = true, .key = { 1 } } };
	assert_true(spool_store_begin(store));
	spool_store_write(store, &first.request);
	struct spool_settle settle = { .request = { .verb = SPOOL_SETTLE }, .parcel = parcel,
		.recipients = &delivered, .recipient_count = 1, .finished = true,
		.now_ms = SAMPLE_RECEIVED_MS };
	spool_store_write(store, &settle.request);
	assert_true(spool_store_commit(store));
	parcel_drop(&parcel);
	assert_int_equal(messages(), 0);
	assert_string_equal(bring("two", 1, SAMPLE_RECEIVED_MS + 1), "one");

	/* What the administrator has deleted may come again. */
	bring("three", 3, 1000);
	struct spool_change change = { { .verb = SPOOL_CHANGE }, .kind = SPOOL_DELETE,
		.id = "three", .now_ms = 2000 };
	assert_true(spool_store_begin(store));
	spool_store_write(store, &change.request);
	assert_int_equal(change.request.result, SPOOL_DONE);
	assert_true(spool_store_commit(store));
	assert_string_equal(bring("four", 3, 2000), "");
}

/* Its own id goes before: a COMMIT that is repeated may be one that was answered with another. */
static void
test_repeated_commit(void **state)
{
	(void)state;
	bring("one", 1, 1000);
	assert_string_equal(bring("two", 1, 1000), "one");
	assert_string_equal(bring("two", 1, 1000), "one");
	struct parcel *parcel = sample_parcel_to("one", "bob@example.net");
	struct spool_commit again = { .request = { .verb = SPOOL_COMMIT }, .parcel = parcel,
		.resend = { .wanted = true, .key = { 1 } }, .only_known = true };
	assert_true(spool_store_begin(store));
	spool_store_write(store, &again.request);
	assert_true(spool_store_commit(store));
	assert_int_equal(again.request.result, SPOOL_DONE);
	assert_true(again.known);
	assert_string_equal(again.first_id, "");
	parcel_drop(&parcel);
}

/* Nothing else remembers that a seq was used: it is not used again, for it means another message. */
static void
test_seq_is_not_reused(void **state)
{
	(void)state;
	struct recipient delivered = { .stage = RECIPIENT_DELIVERED, .enhanced = "", .text = "",
		.hop = "" };
	struct parcel *parcel = sample_parcel_to("one", "bob@example.net");
	struct spool_commit first = { .request = { .verb = SPOOL_COMMIT }, .parcel = parcel,
		.resend = { .wanted = true, .key = { 1 } } };
	struct spool_settle settle = { .request = { .verb = SPOOL_SETTLE }, .parcel = parcel,
		.recipients = &delivered, .recipient_count = 1, .finished = true, .now_ms = 1 };
	struct spool_tick forget = { { .verb = SPOOL_TICK }, .forget_ms = INT64_MAX,
		.now_ms = SAMPLE_RECEIVED_MS, .resend_ms = SAMPLE_RECEIVED_MS - WINDOW_MS };
	assert_true(spool_store_begin(store));
	spool_store_write(store, &first.request);
	spool_store_write(store, &settle.request);
	assert_true(spool_store_commit(store));
	assert_true(spool_store_begin(store));
	spool_store_write(store, &forget.request);
	assert_true(spool_store_commit(store));
	parcel_drop(&parcel);
	reopen_store();
	assert_string_equal(bring("two", 2, SAMPLE_RECEIVED_MS), "");
	assert_string_equal(bring("three", 1, SAMPLE_RECEIVED_MS), "one");
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, store_set_up, store_tear_down)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_sent_again),
		TEST(test_in_one_transaction),
		TEST(test_rolled_back),
		TEST(test_restart),
		TEST(test_pruned),
		TEST(test_delivered_and_deleted),
		TEST(test_repeated_commit),
		TEST(test_seq_is_not_reused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
