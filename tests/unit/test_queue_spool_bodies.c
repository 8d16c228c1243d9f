/* SPDX-License-Identifier: BSD-2-Clause */
/* Body files and rows, and what start makes of those that are strange, torn or not there. */
#include "spool_store_fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

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

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, store_set_up, store_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_body_files),
		TEST(test_missing_body_is_held),
		TEST(test_torn_rows_are_held),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
