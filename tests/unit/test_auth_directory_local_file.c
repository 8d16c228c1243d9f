/* SPDX-License-Identifier: BSD-2-Clause */
/* The file of the accounts database: who may open it, what stands in it, other versions of it, damage. */
#include "accounts_fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void
reopen(struct accounts *accounts)
{
	directory_local_close(&accounts->local);
	accounts->local = directory_local_open(accounts->state_dir, 0, &accounts->fault);
}

static mode_t
mode_of(const char *path)
{
	struct stat stat_out;

	assert_int_equal(stat(path, &stat_out), 0);
	return stat_out.st_mode & 07777;
}

static void
nobody_else_can_read_it(void **state)
{
	struct accounts *accounts = *state;
	char directory[80];
	mode_t before;

	snprintf(directory, sizeof directory, "%s/auth", accounts->state_dir);
	assert_int_equal(mode_of(directory), 0700);
	assert_int_equal(mode_of(accounts->file), 0600);
	/* Also when somebody opened it up, and whatever the umask is. */
	directory_local_close(&accounts->local);
	assert_int_equal(chmod(directory, 0755), 0);
	assert_int_equal(chmod(accounts->file, 0644), 0);
	before = umask(0);
	reopen(accounts);
	umask(before);
	assert_int_equal(mode_of(directory), 0700);
	assert_int_equal(mode_of(accounts->file), 0600);
}

static bool
file_has(struct accounts *accounts, const void *wanted, size_t wanted_size)
{
	char bytes[65536];
	ssize_t size;
	int fd;

	directory_local_close(&accounts->local);
	fd = open(accounts->file, O_RDONLY);
	size = read(fd, bytes, sizeof bytes);
	close(fd);
	assert_true(size > 0);
	reopen(accounts);
	return memmem(bytes, (size_t)size, wanted, wanted_size) != NULL;
}

static void
no_password_is_in_the_file(void **state)
{
	struct accounts *accounts = *state;
	struct scram_keys keys[SCRAM_HASH_COUNT];
	struct scram_keys old[SCRAM_HASH_COUNT];
	uint64_t epoch;

	accounts_make_keys(keys, "correct-horse-battery");
	memcpy(old, keys, sizeof old);
	assert_true(directory_local_add(accounts->local, "alice", &accounts_usual, keys, &accounts->fault));
	assert_true(file_has(accounts, "SCRAM-SHA-256", 13));
	assert_false(file_has(accounts, "correct-horse", 13));
	/* Nor what one could be guessed from, once it has another. */
	assert_true(file_has(accounts, old[0].stored, 20));
	accounts_make_keys(keys, "new");
	assert_true(directory_local_set_keys(accounts->local, "alice", keys, &epoch, &accounts->fault));
	assert_false(file_has(accounts, old[0].stored, 20));
	assert_false(file_has(accounts, old[1].stored, 20));
	memcpy(old, keys, sizeof old);
	assert_true(file_has(accounts, old[0].stored, 20));
	assert_true(directory_local_delete(accounts->local, "alice", &epoch, &accounts->fault));
	assert_false(file_has(accounts, old[0].stored, 20));
}

static void
one_process_has_it(void **state)
{
	struct accounts *accounts = *state;
	struct directory_local *second =
		directory_local_open(accounts->state_dir, 0, &accounts->fault);

	assert_null(second);
	assert_int_equal(accounts->fault.kind, FAULT_BUSY);
	reopen(accounts);
	assert_non_null(accounts->local);
}

static void
the_decoy_secret_is_made_once(void **state)
{
	struct accounts *accounts = *state;
	unsigned char secret[DIRECTORY_SECRET_BYTES];

	memcpy(secret, directory_local_secret(accounts->local).start, sizeof secret);
	reopen(accounts);
	assert_memory_equal(secret, directory_local_secret(accounts->local).start, sizeof secret);
}

static void
a_newer_schema_is_refused(void **state)
{
	struct accounts *accounts = *state;

	assert_true(db_execute(accounts->local->db, "PRAGMA user_version = 99", &accounts->fault));
	reopen(accounts);
	assert_null(accounts->local);
	assert_int_equal(accounts->fault.kind, FAULT_CONFIG);
	assert_non_null(strstr(accounts->fault.text, "schema version 99"));
}

static int64_t
count_rows(sqlite3 *db, const char *sql)
{
	struct fault fault;
	int64_t count = -1;

	db_number(db, sql, NULL, 0, &count, &fault);
	return count;
}

static void
an_older_schema_is_migrated_with_a_copy(void **state)
{
	static const char *const steps[] = {
		"CREATE TABLE one (a)",
		"CREATE TABLE two (b); INSERT INTO one VALUES (2)",
		"CREATE TABLE two (b)", /* fails: it is there already */
	};
	struct accounts *accounts = *state;
	char path[96];
	char copy[128];
	char copy_1[128];
	char copy_2[128];
	sqlite3 *db;

	snprintf(path, sizeof path, "%s/other.db", accounts->state_dir);
	snprintf(copy, sizeof copy, "%s.v1", path);
	snprintf(copy_1, sizeof copy_1, "%s.v1.1", path);
	snprintf(copy_2, sizeof copy_2, "%s.v2", path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_true(directory_local_migrate(db, path, steps, 1, &accounts->fault));
	assert_int_equal(access(copy, F_OK), -1);
	assert_true(db_execute(db, "INSERT INTO one VALUES (1)", &accounts->fault));
	assert_true(directory_local_migrate(db, path, steps, 2, &accounts->fault));
	assert_int_equal(count_rows(db, "SELECT count(*) FROM one"), 2);
	assert_int_equal(count_rows(db, "PRAGMA user_version"), 2);
	/* The copy stays when another one is made. */
	assert_true(db_execute(db, "PRAGMA user_version = 1; DROP TABLE two", &accounts->fault));
	assert_true(directory_local_migrate(db, path, steps, 2, &accounts->fault));
	assert_int_equal(access(copy_1, F_OK), 0);
	assert_int_equal(unlink(copy_1), 0);
	/* A step that fails leaves the version and all rows as they were, and no copy. */
	assert_false(directory_local_migrate(db, path, steps, 3, &accounts->fault));
	assert_int_equal(count_rows(db, "PRAGMA user_version"), 2);
	assert_int_equal(count_rows(db, "SELECT count(*) FROM one"), 3);
	assert_int_equal(access(copy_2, F_OK), -1);
	sqlite3_close(db);
	assert_int_equal(sqlite3_open(copy, &db), SQLITE_OK);
	assert_int_equal(count_rows(db, "SELECT count(*) FROM one"), 1);
	assert_int_equal(count_rows(db, "PRAGMA user_version"), 1);
	sqlite3_close(db);
}

static void
a_spoilt_database_is_down_not_empty(void **state)
{
	struct accounts *accounts = *state;
	struct account *account = NULL;

	accounts_add_with(accounts, "alice", "pencil");
	assert_true(db_execute(accounts->local->db, "DROP TABLE scram_key", &accounts->fault));
	assert_int_equal(directory_local_find(accounts->local, "alice", &account, &accounts->fault),
		DIRECTORY_DOWN);
	assert_null(account);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ACCOUNTS_TEST(nobody_else_can_read_it),
		ACCOUNTS_TEST(no_password_is_in_the_file),
		ACCOUNTS_TEST(one_process_has_it),
		ACCOUNTS_TEST(the_decoy_secret_is_made_once),
		ACCOUNTS_TEST(a_newer_schema_is_refused),
		ACCOUNTS_TEST(an_older_schema_is_migrated_with_a_copy),
		ACCOUNTS_TEST(a_spoilt_database_is_down_not_empty),
	};

	return cmocka_run_group_tests_name("auth/directory_local", tests, NULL, NULL);
}
