/* SPDX-License-Identifier: BSD-2-Clause */
/* Who may open the spool, and what becomes of databases of other versions. */
#include "spool_store_fixture.h"

#include "queue/spool_schema.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

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

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, store_set_up, store_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_only_one_opens_it),
		TEST(test_mode_and_owner),
		TEST(test_schema_versions),
		TEST(test_copies_of_older_schemas_stay),
		TEST(test_no_room_to_migrate),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
