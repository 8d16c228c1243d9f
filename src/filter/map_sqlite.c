/* SPDX-License-Identifier: BSD-2-Clause */
/* A look-up table in an SQLite database. */
#include "filter/map_sqlite.h"

#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"
#include "filter/map_query.h"

enum {
	STEPS_PER_LOOK = 1000, /* of SQLite's machine, between two looks at the clock */
	OPEN_WAIT_MS = 5000,   /* for a lock, when the query is tried */
};

struct map_sqlite {
	struct map map;
	struct map_query *query;
	pthread_mutex_t lock; /* of all below: one statement at a time */
	sqlite3 *database;    /* NULL: to be opened */
	dev_t device;
	ino_t inode;
	uint64_t deadline_ms; /* of the statement that runs */
};

static struct map_sqlite *
sqlite_of(struct map *map)
{
	return (struct map_sqlite *)map;
}

/* ---- the database ----------------------------------------------------------------------------- */

static int
is_late(void *context)
{
	const struct map_sqlite *sqlite = context;

	return clock_steady_ms() >= sqlite->deadline_ms;
}

static bool
set_fault(struct map_sqlite *sqlite, int code, struct fault *fault)
{
	const char *path = map_query_database(sqlite->query);

	if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
		return fault_set(fault, FAULT_LIMIT, "%s: locked by another program", path);
	/* We write nothing; but readers of such a database share a file beside it. */
	if ((code & 0xff) == SQLITE_READONLY)
		return fault_set(fault, FAULT_SYSTEM,
			"%s: in WAL mode, so who reads it must be able to write beside it", path);
	if (code == SQLITE_INTERRUPT)
		return fault_set(fault, FAULT_LIMIT, "%s: no answer in time", path);
	return fault_set(fault, FAULT_SYSTEM, "%s: %s", path,
		sqlite->database ? sqlite3_errmsg(sqlite->database) : sqlite3_errstr(code));
}

static void
close_database(struct map_sqlite *sqlite)
{
	sqlite3_close(sqlite->database);
	sqlite->database = NULL;
}

static bool
open_database(struct map_sqlite *sqlite, const struct stat *status, struct fault *fault)
{
	int code = sqlite3_open_v2(map_query_database(sqlite->query), &sqlite->database,
		SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);

	if (code != SQLITE_OK) {
		set_fault(sqlite, code, fault);
		close_database(sqlite);
		return false;
	}
	sqlite->device = status->st_dev;
	sqlite->inode = status->st_ino;
	sqlite3_limit(sqlite->database, SQLITE_LIMIT_ATTACHED, 0);
	sqlite3_limit(sqlite->database, SQLITE_LIMIT_LENGTH, MAP_VALUE_MAX_BYTES * 16);
	/* There is no place for files of its own. */
	sqlite3_exec(sqlite->database, "PRAGMA temp_store = memory", NULL, NULL, NULL);
	sqlite3_progress_handler(sqlite->database, STEPS_PER_LOOK, is_late, sqlite);
	return true;
}

/* The file that has the name now, also where it was replaced. */
static bool
use_database(struct map_sqlite *sqlite, uint64_t deadline_ms, struct fault *fault)
{
	uint64_t now = clock_steady_ms();
	struct stat status;

	if (stat(map_query_database(sqlite->query), &status) != 0)
		return fault_set_errno(fault, "%s", map_query_database(sqlite->query));
	if (sqlite->database &&
		(status.st_dev != sqlite->device || status.st_ino != sqlite->inode))
		close_database(sqlite);
	if (!sqlite->database && !open_database(sqlite, &status, fault))
		return false;
	sqlite->deadline_ms = deadline_ms;
	sqlite3_busy_timeout(sqlite->database, now < deadline_ms ? (int)(deadline_ms - now) : 0);
	return true;
}

/* ---- a question ------------------------------------------------------------------------------- */

static bool
prepare(struct map_sqlite *sqlite, const char *key, sqlite3_stmt **statement_out,
	struct fault *fault)
{
	struct buf sql = BUF_INIT(0);
	int code = SQLITE_OK;

	*statement_out = NULL;
	if (map_query_expand(sqlite->query, key, &sql))
		code = sqlite3_prepare_v2(sqlite->database, buf_span(&sql).start,
			(int)buf_length(&sql), statement_out, NULL);
	buf_fini(&sql);
	return code == SQLITE_OK || set_fault(sqlite, code, fault);
}

/* All rows, one value each. */
static bool
step_all(struct map_sqlite *sqlite, sqlite3_stmt *statement, const char *key, struct buf *values,
	struct fault *fault)
{
	uint64_t limit = map_query_limit(sqlite->query);
	uint64_t count = 0;
	int code;

	while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
		const char *value = (const char *)sqlite3_column_text(statement, 0);

		if (!value || !map_query_add_value(sqlite->query, key, value, values))
			continue;
		count++;
		if ((limit && count > limit) || values->overflow)
			return fault_set(fault, FAULT_LIMIT, "%s: more values for %s than allowed",
				map_query_database(sqlite->query), key);
	}
	return code == SQLITE_DONE || set_fault(sqlite, code, fault);
}

static enum map_result
ask(struct map_sqlite *sqlite, const char *key, uint64_t deadline_ms, struct buf *value,
	struct fault *fault)
{
	struct buf values = BUF_INIT(MAP_VALUE_MAX_BYTES);
	enum map_result result = MAP_FAILED;
	sqlite3_stmt *statement = NULL;

	if (!use_database(sqlite, deadline_ms, fault) || !prepare(sqlite, key, &statement, fault))
		goto out;
	if (statement && !step_all(sqlite, statement, key, &values, fault))
		goto out;
	result = buf_length(&values) ? MAP_FOUND : MAP_NONE;
	buf_add_span(value, buf_span(&values));
out:
	sqlite3_finalize(statement);
	buf_fini(&values);
	return result;
}

/* False: whoever asks now has not come to an end in time. */
static bool
take_turn(struct map_sqlite *sqlite, uint64_t deadline_ms)
{
	struct timespec end = { .tv_sec = (time_t)(deadline_ms / 1000),
		.tv_nsec = (long)(deadline_ms % 1000) * 1000000 };

	return pthread_mutex_clocklock(&sqlite->lock, CLOCK_MONOTONIC, &end) == 0;
}

static enum map_result
find(struct map *map, const char *key, uint64_t deadline_ms, struct buf *value,
	struct fault *fault_out)
{
	struct map_sqlite *sqlite = sqlite_of(map);
	enum map_result result;

	if (!map_query_wants(sqlite->query, key))
		return MAP_NONE;
	if (!take_turn(sqlite, deadline_ms)) {
		set_fault(sqlite, SQLITE_INTERRUPT, fault_out);
		return MAP_FAILED;
	}
	result = ask(sqlite, key, deadline_ms, value, fault_out);
	pthread_mutex_unlock(&sqlite->lock);
	return result;
}

static void
free_sqlite(struct map **map)
{
	struct map_sqlite *sqlite = sqlite_of(*map);

	close_database(sqlite);
	pthread_mutex_destroy(&sqlite->lock);
	map_query_free(&sqlite->query);
	mem_free(map);
}

static const struct map_type sqlite_type = { find, free_sqlite };

/* A key that has all that a template can name. */
static bool
try_query(struct map_sqlite *sqlite, struct fault *fault)
{
	sqlite3_stmt *statement = NULL;
	bool done = use_database(sqlite, clock_steady_ms() + OPEN_WAIT_MS, fault) &&
		prepare(sqlite, "a@9.8.7.6.5.4.3.2.1", &statement, fault) &&
		(sqlite3_column_count(statement) > 0 ||
			fault_set(fault, FAULT_CONFIG, "the query gives no values"));

	sqlite3_finalize(statement);
	return done;
}

struct map *
map_sqlite_open(const char *path, struct fault *fault_out)
{
	struct map_query *query = map_query_load(path, fault_out);
	struct map_sqlite *sqlite;
	struct map *map;

	if (!query)
		return NULL;
	sqlite = mem_alloc(sizeof *sqlite);
	map = &sqlite->map;
	map->type = &sqlite_type;
	sqlite->query = query;
	pthread_mutex_init(&sqlite->lock, NULL);
	if (try_query(sqlite, fault_out))
		return map;
	fault_add(fault_out, "%s", path);
	free_sqlite(&map);
	return NULL;
}
