/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads what can be read of a damaged database, into a new one. */
#include "base/log.h"
#include "base/memory.h"
#include "queue/brief.h"
#include "queue/spool_salvage.h"
#include "queue/spool_schema.h"

#include <stdio.h>
#include <string.h>

#define NUMBER_MOST (INT64_MAX / 2)

enum {
	PROBES_MOST = 20000,       /* reads that end in damage, of one table */
	LOST_NAMED_MOST = 1000,
};

struct salvage {
	sqlite3 *from;
	sqlite3 *to;
	sqlite3_stmt *known_add;
	unsigned probes;
	int64_t seen;              /* the last number that was read */
	int64_t lowest;            /* of all that are known of */
	int64_t highest;
};

static bool
failed(sqlite3 *db, struct fault *fault)
{
	return fault_set(fault, FAULT_SYSTEM, "queue.db.salvage: %s", sqlite3_errmsg(db));
}

/* ---- rows */

/* A message or its history is found by its id: what said so may be among what is lost. */
static void
add_known(struct salvage *salvage, const char *table, sqlite3_stmt *row)
{
	struct arena *arena = arena_new(4096);
	const char *id = NULL;
	struct record record;
	struct brief brief;
	if (strcmp(table, "message") == 0 &&
		record_unpack(span_of(sqlite3_column_blob(row, 3),
				      (size_t)sqlite3_column_bytes(row, 3)),
			arena, &record) == RECORD_GOOD)
		id = record.id;
	else if (strcmp(table, "history") == 0 &&
		brief_unpack(span_of(sqlite3_column_blob(row, 2),
				     (size_t)sqlite3_column_bytes(row, 2)),
			arena, &brief))
		id = brief.id;
	if (id) {
		sqlite3_bind_text(salvage->known_add, 1, id, -1, SQLITE_STATIC);
		sqlite3_bind_int64(salvage->known_add, 2, sqlite3_column_int64(row, 0));
		sqlite3_step(salvage->known_add);
		sqlite3_reset(salvage->known_add);
	}
	arena_free(&arena);
}

static bool
add_row(struct salvage *salvage, const char *table, sqlite3_stmt *row, sqlite3_stmt *insert)
{
	for (int i = 0; i < sqlite3_column_count(row); i++)
		sqlite3_bind_value(insert, i + 1, sqlite3_column_value(row, i));
	bool done = sqlite3_step(insert) == SQLITE_DONE;
	sqlite3_reset(insert);
	sqlite3_clear_bindings(insert);
	if (done)
		add_known(salvage, table, row);
	return done;
}

/* Reads until the end, or until damage: then it gives false. Rows that are there already stay. */
static bool
read_rows(struct salvage *salvage, const char *table, sqlite3_stmt *query, sqlite3_stmt *insert,
	struct fault *fault)
{
	int code;
	while ((code = sqlite3_step(query)) == SQLITE_ROW) {
		if (sqlite3_column_type(query, 0) == SQLITE_INTEGER)
			salvage->seen = sqlite3_column_int64(query, 0);
		if (!add_row(salvage, table, query, insert)) {
			failed(salvage->to, fault);
			break;
		}
	}
	sqlite3_reset(query);
	return code == SQLITE_DONE;
}

static sqlite3_stmt *
prepare(sqlite3 *db, char *sql)
{
	sqlite3_stmt *statement = NULL;
	sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
	mem_free(&sql);
	return statement;
}

static sqlite3_stmt *
prepare_insert(struct salvage *salvage, const char *table)
{
	struct buf sql = BUF_INIT(0);
	sqlite3_stmt *columns = prepare(salvage->to, mem_printf("SELECT * FROM %s", table));
	buf_printf(&sql, "INSERT OR IGNORE INTO %s VALUES (?", table);
	for (int i = 1; i < sqlite3_column_count(columns); i++)
		buf_add_text(&sql, ", ?");
	buf_add_text(&sql, ")");
	sqlite3_finalize(columns);
	sqlite3_stmt *insert = prepare(salvage->to, mem_strndup(buf_span(&sql).start, buf_length(&sql)));
	buf_fini(&sql);
	return insert;
}

/* ---- tables */

struct walk {
	struct salvage *salvage;
	const char *table;
	sqlite3_stmt *up;
	sqlite3_stmt *down;
	sqlite3_stmt *insert;
	struct fault *fault;
};

/* From one end until damage; how far it came. True: all of it was read. */
static bool
walk_from(struct walk *walk, sqlite3_stmt *query, int64_t low, int64_t high, int64_t start,
	int64_t *came_to_out)
{
	struct salvage *salvage = walk->salvage;
	sqlite3_bind_int64(query, 1, low);
	sqlite3_bind_int64(query, 2, high);
	salvage->seen = start;
	bool whole = read_rows(salvage, walk->table, query, walk->insert, walk->fault);
	*came_to_out = salvage->seen;
	salvage->probes += !whole;
	return whole;
}

/*
 * Numbers from low to high: up until damage, down until damage, and what is between in two halves,
 * so that of a damaged page no more is lost than what it holds.
 */
static void
walk_range(struct walk *walk, int64_t low, int64_t high)
{
	int64_t first = low - 1;
	int64_t last = high + 1;
	if (low > high || walk->fault->kind != FAULT_NONE ||
		walk->salvage->probes > PROBES_MOST ||
		walk_from(walk, walk->up, low, high, low - 1, &first) ||
		walk_from(walk, walk->down, low, high, high + 1, &last))
		return;
	if (first < walk->salvage->lowest - 1)
		first = walk->salvage->lowest - 1;
	if (last > walk->salvage->highest + 1)
		last = walk->salvage->highest + 1;
	if (last - first < 3)
		return;
	int64_t middle = first + (last - first) / 2;
	walk_range(walk, first + 1, middle);
	walk_range(walk, middle + 1, last - 1);
}

/* With a number as its key. */
static bool
copy_numbered(struct salvage *salvage, const char *table, struct fault *fault)
{
	struct walk walk = { salvage, table, NULL, NULL, NULL, fault };
	walk.up = prepare(salvage->from,
		mem_printf("SELECT * FROM %s WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq", table));
	walk.down = prepare(salvage->from,
		mem_printf("SELECT * FROM %s WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq DESC", table));
	walk.insert = prepare_insert(salvage, table);
	salvage->probes = 0;
	if (walk.up && walk.down && walk.insert)
		walk_range(&walk, 0, NUMBER_MOST);
	sqlite3_finalize(walk.up);
	sqlite3_finalize(walk.down);
	sqlite3_finalize(walk.insert);
	return fault->kind == FAULT_NONE;
}

/* With a word as its key: from both ends. */
static bool
copy_named(struct salvage *salvage, const char *table, const char *key, struct fault *fault)
{
	static const char *const orders[] = { "", " DESC" };
	sqlite3_stmt *insert = prepare_insert(salvage, table);
	bool whole = false;
	for (size_t i = 0; i < 2 && !whole && insert; i++) {
		sqlite3_stmt *query = prepare(salvage->from,
			mem_printf("SELECT * FROM %s ORDER BY %s%s", table, key, orders[i]));
		whole = query && read_rows(salvage, table, query, insert, fault);
		sqlite3_finalize(query);
	}
	sqlite3_finalize(insert);
	return fault->kind == FAULT_NONE;
}

/* ---- the whole */

/* -1: it cannot be read. */
static int64_t
read_number(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *statement = prepare(db, mem_strdup(sql));
	int64_t number = -1;
	if (statement && sqlite3_step(statement) == SQLITE_ROW)
		number = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return number;
}

/* The tables of the version that it is of; start brings them up to date. */
static bool
make_tables(struct salvage *salvage, int version, struct fault *fault)
{
	char marks[80];
	for (int i = 0; i < version; i++) {
		if (sqlite3_exec(salvage->to, spool_schema_now.steps[i], NULL, NULL, NULL) !=
			SQLITE_OK)
			return failed(salvage->to, fault);
	}
	snprintf(marks, sizeof(marks), "PRAGMA application_id = %d; PRAGMA user_version = %d",
		SPOOL_APPLICATION_ID, version);
	return sqlite3_exec(salvage->to, marks, NULL, NULL, NULL) == SQLITE_OK ||
		failed(salvage->to, fault);
}

/* Those of which an id or a due time is left, and nothing else. */
static void
name_lost(struct salvage *salvage)
{
	sqlite3_stmt *lost = prepare(salvage->to,
		mem_strdup("SELECT id, seq FROM known k WHERE NOT EXISTS (SELECT 1 FROM message m"
			   " WHERE m.seq = k.seq) AND NOT EXISTS (SELECT 1 FROM history h"
			   " WHERE h.seq = k.seq) ORDER BY seq"));
	unsigned count = 0;
	while (lost && count++ < LOST_NAMED_MOST && sqlite3_step(lost) == SQLITE_ROW)
		log_event(EV_SPOOL_LOST,
			kv_str("id", (const char *)sqlite3_column_text(lost, 0)),
			kv_int("seq", sqlite3_column_int64(lost, 1)));
	sqlite3_finalize(lost);
}

/* Counts that the tables themselves tell; starts so that no number of a job comes again. */
static const char repairs[] =
	"DELETE FROM waiting WHERE seq NOT IN (SELECT seq FROM message);"
	"DELETE FROM recipient WHERE seq NOT IN (SELECT seq FROM message);"
	"INSERT OR REPLACE INTO meta VALUES ('messages', (SELECT count(*) FROM message));"
	"INSERT OR REPLACE INTO meta VALUES ('" SPOOL_SALVAGE_ORPHANS "', 1);"
	"INSERT OR REPLACE INTO meta VALUES ('file-limit', max("
	" coalesce((SELECT value FROM meta WHERE name = 'file-limit'), 0),"
	" coalesce((SELECT max(file) + 1 FROM message), 1)));"
	"INSERT OR IGNORE INTO meta VALUES ('starts', CAST(strftime('%s') AS INTEGER))";

static bool
copy_tables(struct salvage *salvage, struct fault *fault)
{
	static const char *const numbered[] = { "message", "waiting", "recipient", "history",
		"resend" };
	int version = (int)read_number(salvage->from, "PRAGMA user_version");
	int64_t expected = read_number(
		salvage->from, "SELECT value FROM meta WHERE name = 'messages'");
	if (version < 1 || version > spool_schema_now.count ||
		read_number(salvage->from, "PRAGMA application_id") != SPOOL_APPLICATION_ID)
		return fault_set(fault, FAULT_CONFIG, "%s", sqlite3_errmsg(salvage->from));
	if (sqlite3_exec(salvage->to, "BEGIN", NULL, NULL, NULL) != SQLITE_OK ||
		!make_tables(salvage, version, fault))
		return failed(salvage->to, fault);
	salvage->known_add = prepare(
		salvage->to, mem_strdup("INSERT OR IGNORE INTO known VALUES (?1, ?2)"));
	if (!copy_named(salvage, "meta", "name", fault) ||
		!copy_named(salvage, "known", "id", fault))
		return false;
	salvage->lowest = read_number(salvage->to, "SELECT coalesce(min(seq), 0) FROM known");
	salvage->highest = read_number(salvage->to, "SELECT coalesce(max(seq), 1 << 31) FROM known");
	for (size_t i = 0; i < sizeof(numbered) / sizeof(numbered[0]); i++) {
		if (!copy_numbered(salvage, numbered[i], fault))
			return false;
	}
	int64_t found = read_number(salvage->to, "SELECT count(*) FROM message");
	if (found < 0 || expected < 0 || 2 * found < expected)
		return fault_set(fault, FAULT_CONFIG, "of %lld messages %lld can be read",
			(long long)expected, (long long)found);
	name_lost(salvage);
	if (sqlite3_exec(salvage->to, repairs, NULL, NULL, NULL) != SQLITE_OK ||
		sqlite3_exec(salvage->to, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
		return failed(salvage->to, fault);
	log_event(EV_SPOOL_SALVAGED, kv_int("messages", found), kv_int("expected", expected));
	return true;
}

/* Neither of them is written by opening, reading and closing it. */
static bool
open_damaged(struct salvage *salvage, const char *path)
{
	if (sqlite3_open_v2(path, &salvage->from,
		    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
		return false;
	sqlite3_db_config(salvage->from, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	/* writable_schema: also of a file that is shorter than it says. */
	return sqlite3_exec(salvage->from,
		       "PRAGMA locking_mode = EXCLUSIVE; PRAGMA writable_schema = ON;"
		       "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;"
		       "SELECT count(*) FROM sqlite_schema",
		       NULL, NULL, NULL) == SQLITE_OK;
}

/* Perhaps it was the disk that failed for once, or somebody has repaired it. */
static bool
is_whole(sqlite3 *db)
{
	sqlite3_stmt *check = prepare(db, mem_strdup("PRAGMA quick_check(1)"));
	bool whole = check && sqlite3_step(check) == SQLITE_ROW &&
		strcmp((const char *)sqlite3_column_text(check, 0), "ok") == 0;
	sqlite3_finalize(check);
	return whole;
}

enum spool_salvage_result
spool_salvage_copy(const char *from, const char *to, struct fault *fault)
{
	struct salvage salvage = { .probes = 0 };
	enum spool_salvage_result result = SPOOL_SALVAGE_FAILED;
	if (!open_damaged(&salvage, from)) {
		fault_set(fault, FAULT_CONFIG, "%s", sqlite3_errmsg(salvage.from));
	} else if (is_whole(salvage.from)) {
		result = SPOOL_SALVAGE_NEEDLESS;
	} else if (sqlite3_open_v2(to, &salvage.to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
			   NULL) != SQLITE_OK ||
		sqlite3_exec(salvage.to, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF",
			NULL, NULL, NULL) != SQLITE_OK) {
		failed(salvage.to, fault);
	} else if (copy_tables(&salvage, fault)) {
		result = SPOOL_SALVAGE_DONE;
	}
	sqlite3_finalize(salvage.known_add);
	sqlite3_close(salvage.from);
	if (sqlite3_close(salvage.to) != SQLITE_OK && result == SPOOL_SALVAGE_DONE) {
		failed(salvage.to, fault);
		result = SPOOL_SALVAGE_FAILED;
	}
	return result;
}
