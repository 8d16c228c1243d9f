/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables in SQLite: rows, limits, databases that change, are locked, or are none. */
#include "table_fixture.h"

#include "filter/map_sqlite.h"

#define TABLE "CREATE TABLE owners (address TEXT, login TEXT);"

static const char *
describe(const char *database, const char *more)
{
	char text[512];

	snprintf(text, sizeof text,
		"dbpath = %s\nquery = SELECT login FROM owners WHERE address = '%%s' ORDER BY login\n%s",
		database, more);
	return table_write("q.cf", text);
}

static void
rows_are_values(void **state)
{
	static const struct {
		const char *key;
		const char *value;
	} cases[] = {
		{ "alice@example.org", "alice" },
		{ "team@example.org", "alice,bob" },
		{ "o'brien@example.org", "brian" },
		{ "none@example.org", "" },
		{ "empty@example.org", "" },
		{ "null@example.org", "" },
		{ "' OR '1'='1", "" },
	};
	const char *database = table_database("db",
		TABLE "INSERT INTO owners VALUES ('alice@example.org', 'alice'),"
		      "('team@example.org', 'bob'), ('team@example.org', 'alice'),"
		      "('o''brien@example.org', 'brian'), ('empty@example.org', ''),"
		      "('null@example.org', NULL)");
	struct fault fault = FAULT_INIT;
	struct map *map = map_sqlite_open(describe(database, ""), &fault);

	(void)state;
	assert_non_null(map);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_string_equal(table_ask(map, cases[i].key, &fault), cases[i].value);
	map->type->free(&map);
}

static void
more_than_the_limit_is_a_failure(void **state)
{
	const char *database = table_database("db",
		TABLE "INSERT INTO owners VALUES ('a', '1'), ('a', '2'), ('b', '1')");
	struct fault fault = FAULT_INIT;
	struct map *map = map_sqlite_open(describe(database, "expansion_limit = 1\n"), &fault);

	(void)state;
	assert_string_equal(table_ask(map, "b", &fault), "1");
	assert_string_equal(table_ask(map, "a", &fault), "!");
	map->type->free(&map);
}

static void
changes_are_seen(void **state)
{
	const char *database = table_database("db", TABLE "INSERT INTO owners VALUES ('a', '1')");
	struct fault fault = FAULT_INIT;
	struct map *map = map_sqlite_open(describe(database, ""), &fault);

	(void)state;
	assert_string_equal(table_ask(map, "a", &fault), "1");
	table_database("db", "UPDATE owners SET login = '2'");
	assert_string_equal(table_ask(map, "a", &fault), "2");
	/* another file under its name */
	table_database("other", TABLE "INSERT INTO owners VALUES ('a', '3')");
	assert_int_equal(rename(table_path("other"), table_path("db")), 0);
	assert_string_equal(table_ask(map, "a", &fault), "3");
	assert_int_equal(unlink(table_path("db")), 0);
	assert_string_equal(table_ask(map, "a", &fault), "!");
	table_database("db", TABLE "INSERT INTO owners VALUES ('a', '4')");
	assert_string_equal(table_ask(map, "a", &fault), "4");
	/* and one that is no database */
	table_write("db", "this was one once, and now it is a text that is long enough to be read as a header");
	assert_string_equal(table_ask(map, "a", &fault), "!");
	map->type->free(&map);
}

/* Somebody who writes lets nobody read, or a query has no end: there is a deadline. */
static void
an_answer_has_a_deadline(void **state)
{
	const char *database = table_database("db", TABLE "INSERT INTO owners VALUES ('a', '1')");
	struct fault fault = FAULT_INIT;
	struct map *map = map_sqlite_open(describe(database, ""), &fault);
	struct buf value = BUF_INIT(0);
	char endless[256];
	sqlite3 *writer;

	(void)state;
	assert_int_equal(sqlite3_open(table_path("db"), &writer), SQLITE_OK);
	assert_int_equal(sqlite3_exec(writer, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(map->type->find(map, "a", clock_steady_ms() + 20, &value, &fault), MAP_FAILED);
	assert_int_equal(fault.kind, FAULT_LIMIT);
	assert_non_null(strstr(fault.text, "/db: locked by another program"));
	assert_int_equal(sqlite3_exec(writer, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(writer);
	assert_string_equal(table_ask(map, "a", &fault), "1");
	map->type->free(&map);

	snprintf(endless, sizeof endless,
		"dbpath = %s\nquery = WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
		"SELECT count(*) FROM n WHERE i = '%%s'\n",
		table_path("db"));
	map = map_sqlite_open(table_write("q.cf", endless), &fault);
	assert_non_null(map);
	assert_int_equal(map->type->find(map, "a", clock_steady_ms() + 20, &value, &fault), MAP_FAILED);
	assert_int_equal(fault.kind, FAULT_LIMIT);
	map->type->free(&map);
}

static void
it_is_only_read(void **state)
{
	const char *database = table_database("db", TABLE "INSERT INTO owners VALUES ('a', '1')");
	struct fault fault = FAULT_INIT;
	char text[256];
	struct map *map;

	(void)state;
	snprintf(text, sizeof text,
		"dbpath = %s\nquery = UPDATE owners SET login = '%%s' RETURNING login\n", database);
	map = map_sqlite_open(table_write("q.cf", text), &fault);
	if (map)
		assert_string_equal(table_ask(map, "a", &fault), "!");
	if (map)
		map->type->free(&map);
	map = map_sqlite_open(describe(table_path("db"), ""), &fault);
	assert_string_equal(table_ask(map, "a", &fault), "1");
	map->type->free(&map);
}

static void
what_cannot_be_asked_is_refused_at_once(void **state)
{
	struct fault fault = FAULT_INIT;
	char text[256];

	(void)state;
	assert_null(map_sqlite_open(describe(table_path("nowhere"), ""), &fault));
	assert_non_null(strstr(fault.text, "nowhere: No such file"));
	table_database("db", "CREATE TABLE other (a)");
	assert_null(map_sqlite_open(describe(table_path("db"), ""), &fault));
	assert_non_null(strstr(fault.text, "/q.cf: "));
	assert_non_null(strstr(fault.text, "no such table: owners"));
	snprintf(text, sizeof text, "dbpath = %s\nquery = CREATE TABLE x (a)\n", table_path("db"));
	assert_null(map_sqlite_open(table_write("q.cf", text), &fault));
	assert_null(map_sqlite_open(table_path("no.cf"), &fault));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TABLE_TEST(rows_are_values),
		TABLE_TEST(more_than_the_limit_is_a_failure),
		TABLE_TEST(changes_are_seen),
		TABLE_TEST(an_answer_has_a_deadline),
		TABLE_TEST(it_is_only_read),
		TABLE_TEST(what_cannot_be_asked_is_refused_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
