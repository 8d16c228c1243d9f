/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables and databases in a folder of the test's own. */
#ifndef TABLE_FIXTURE_H
#define TABLE_FIXTURE_H

#include "folder_fixture.h"
#include "unit.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "filter/map.h"

enum { TABLE_WAIT_MS = 20000 };

static char table_folder[64];

static inline int
table_setup(void **state)
{
	(void)state;
	snprintf(table_folder, sizeof table_folder, "/tmp/sallyport-filter-XXXXXX");
	assert_non_null(mkdtemp(table_folder));
	return 0;
}

static inline int
table_teardown(void **state)
{
	(void)state;
	remove_folder(table_folder);
	return 0;
}

/* The path lives until the next call but three. */
static inline const char *
table_path(const char *name)
{
	static char paths[4][128];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof paths[0], "%s/%s", table_folder, name);
	return path;
}

/* A new file in place of the old one. */
static inline const char *
table_write_bytes(const char *name, struct span bytes)
{
	const char *fresh = table_path("fresh");
	const char *path = table_path(name);
	FILE *file = fopen(fresh, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes.start, 1, bytes.length, file), bytes.length);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(rename(fresh, path), 0);
	return path;
}

static inline const char *
table_write(const char *name, const char *text)
{
	return table_write_bytes(name, span_text(text));
}

/* A database that these statements make. */
static inline const char *
table_database(const char *name, const char *statements)
{
	const char *path = table_path(name);
	sqlite3 *database;

	assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
	if (sqlite3_exec(database, statements, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s", sqlite3_errmsg(database));
	assert_int_equal(sqlite3_close(database), SQLITE_OK);
	return path;
}

/* "" for none, "!" for a failure; lives until the next call. */
static inline const char *
table_ask(struct map *map, const char *key, struct fault *fault)
{
	static struct buf value;

	buf_clear(&value);
	switch (map->type->find(map, key, clock_steady_ms() + TABLE_WAIT_MS, &value, fault)) {
	case MAP_FOUND:
		assert_true(buf_length(&value) > 0);
		return buf_text(&value);
	case MAP_NONE:
		assert_int_equal(buf_length(&value), 0);
		return "";
	case MAP_FAILED:
		break;
	}
	assert_int_equal(buf_length(&value), 0);
	assert_true(fault->text[0]);
	return "!";
}

#define TABLE_TEST(name) cmocka_unit_test_setup_teardown(name, table_setup, table_teardown)

#endif
