/* SPDX-License-Identifier: BSD-2-Clause */
/* The spool's SQLite connection and its prepared statements. */
#include "queue/spool_db.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* After the death of super, its queue may still be writing when the next one starts. */
enum { PREDECESSOR_WAIT_MS = 8000 };

#define STATEMENT(name, sql) sql,
static const char *const sql_texts[SPOOL_STATEMENT_COUNT] = { SPOOL_STATEMENTS(STATEMENT) };
#undef STATEMENT

bool
spool_db_is_damage(int code)
{
	return (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB;
}

/* What fails keeps the first words: what follows an error is only its echo. */
static void
keep_error(struct spool_db *db, int code)
{
	/* SQLite has no word for a quota that is used up, and keeps none of the system's. */
	bool full = (code & 0xff) == SQLITE_FULL ||
		(code == SQLITE_IOERR_WRITE && errno == EDQUOT);
	db->damaged |= spool_db_is_damage(code);
	enum spool_db_result result = full ? SPOOL_DB_FULL : SPOOL_DB_BROKEN;
	if (db->result >= result)
		return;
	db->result = result;
	fault_set(&db->fault, FAULT_SYSTEM, "spool: %s (%d)", sqlite3_errmsg(db->sqlite),
		sqlite3_extended_errcode(db->sqlite));
}

static bool
open_failed(struct spool_db *db, const char *path, struct fault *fault)
{
	if (sqlite3_errcode(db->sqlite) == SQLITE_BUSY)
		return fault_set(fault, FAULT_BUSY, "%s: another process has it open", path);
	return fault_set(fault, FAULT_SYSTEM, "%s: %s", path, sqlite3_errmsg(db->sqlite));
}

static bool
set_up(struct spool_db *db, bool sync)
{
	/* secure_delete: Debian's default writes every freed page once more. */
	static const char *const pragmas[] = {
		"PRAGMA locking_mode = EXCLUSIVE",
		"PRAGMA journal_mode = WAL",
		"PRAGMA secure_delete = OFF",
		"PRAGMA temp_store = MEMORY",
		"PRAGMA cache_size = -16384",
		"PRAGMA wal_autocheckpoint = 4000",
		"PRAGMA journal_size_limit = 33554432",
		"PRAGMA foreign_keys = OFF",
		"PRAGMA trusted_schema = OFF",
		"PRAGMA cell_size_check = ON",
	};
	for (size_t i = 0; i < sizeof(pragmas) / sizeof(pragmas[0]); i++) {
		if (sqlite3_exec(db->sqlite, pragmas[i], NULL, NULL, NULL) != SQLITE_OK)
			return false;
	}
	const char *level = sync ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = OFF";
	/* An empty write takes the exclusive lock now, not at the first message. */
	return sqlite3_exec(db->sqlite, level, NULL, NULL, NULL) == SQLITE_OK &&
		sqlite3_exec(db->sqlite, "BEGIN EXCLUSIVE; COMMIT", NULL, NULL, NULL) == SQLITE_OK;
}

bool
spool_db_open(struct spool_db *db, const char *path, bool sync, struct fault *fault)
{
	memset(db, 0, sizeof(*db));
	mode_t mask = umask(077);
	int code = sqlite3_open_v2(path, &db->sqlite,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
			SQLITE_OPEN_EXRESCODE,
		NULL);
	bool done = code == SQLITE_OK &&
		sqlite3_busy_timeout(db->sqlite, PREDECESSOR_WAIT_MS) == SQLITE_OK &&
		set_up(db, sync);
	umask(mask);
	if (!done) {
		bool damaged = spool_db_is_damage(sqlite3_errcode(db->sqlite));
		open_failed(db, path, fault);
		spool_db_close(db);
		db->damaged = damaged;
	}
	return done;
}

bool
spool_db_prepare(struct spool_db *db, struct fault *fault)
{
	for (size_t i = 0; i < SPOOL_STATEMENT_COUNT; i++) {
		if (sqlite3_prepare_v3(db->sqlite, sql_texts[i], -1, SQLITE_PREPARE_PERSISTENT,
			    &db->statements[i], NULL) == SQLITE_OK)
			continue;
		db->damaged |= spool_db_is_damage(sqlite3_errcode(db->sqlite));
		return fault_set(fault, FAULT_SYSTEM, "spool: %s: %s", sql_texts[i],
			sqlite3_errmsg(db->sqlite));
	}
	return true;
}

void
spool_db_close(struct spool_db *db)
{
	for (size_t i = 0; i < SPOOL_STATEMENT_COUNT; i++)
		sqlite3_finalize(db->statements[i]);
	sqlite3_close(db->sqlite);
	memset(db, 0, sizeof(*db));
}

void
spool_db_bind_number(struct spool_db *db, enum spool_statement statement, int at, int64_t number)
{
	sqlite3_bind_int64(db->statements[statement], at, number);
}

void
spool_db_bind_text(struct spool_db *db, enum spool_statement statement, int at, const char *text)
{
	sqlite3_bind_text(db->statements[statement], at, text, -1, SQLITE_STATIC);
}

void
spool_db_bind_bytes(struct spool_db *db, enum spool_statement statement, int at, struct span bytes)
{
	sqlite3_bind_blob64(db->statements[statement], at, bytes.length ? bytes.start : "",
		bytes.length, SQLITE_STATIC);
}

/*
 * An I/O error may have ended the transaction, and what follows would be one of its own, written at
 * once: so nothing is done any more until the error was seen.
 */
bool
spool_db_row(struct spool_db *db, enum spool_statement statement)
{
	if (db->result != SPOOL_DB_DONE)
		return false;
	errno = 0;
	int code = sqlite3_step(db->statements[statement]);
	if (code == SQLITE_ROW)
		return true;
	if (code != SQLITE_DONE)
		keep_error(db, code);
	return false;
}

int64_t
spool_db_number(struct spool_db *db, enum spool_statement statement, int column)
{
	return sqlite3_column_int64(db->statements[statement], column);
}

bool
spool_db_is_null(struct spool_db *db, enum spool_statement statement, int column)
{
	return sqlite3_column_type(db->statements[statement], column) == SQLITE_NULL;
}

struct span
spool_db_bytes(struct spool_db *db, enum spool_statement statement, int column)
{
	const void *bytes = sqlite3_column_blob(db->statements[statement], column);
	return span_of(bytes, (size_t)sqlite3_column_bytes(db->statements[statement], column));
}

void
spool_db_done(struct spool_db *db, enum spool_statement statement)
{
	sqlite3_reset(db->statements[statement]);
	sqlite3_clear_bindings(db->statements[statement]);
}

int
spool_db_run(struct spool_db *db, enum spool_statement statement)
{
	int before = sqlite3_total_changes(db->sqlite);
	spool_db_row(db, statement);
	spool_db_done(db, statement);
	return sqlite3_total_changes(db->sqlite) - before;
}

int64_t
spool_db_get_number(struct spool_db *db, enum spool_statement statement)
{
	int64_t number = spool_db_row(db, statement) ? spool_db_number(db, statement, 0) : 0;
	spool_db_done(db, statement);
	return number;
}

void
spool_db_forget_error(struct spool_db *db)
{
	db->result = SPOOL_DB_DONE;
	db->fault = FAULT_INIT;
}

bool
spool_db_begin(struct spool_db *db)
{
	spool_db_forget_error(db);
	spool_db_run(db, SQL_BEGIN);
	return db->result == SPOOL_DB_DONE;
}

bool
spool_db_commit(struct spool_db *db)
{
	if (db->result == SPOOL_DB_DONE)
		spool_db_run(db, SQL_COMMIT);
	if (db->result == SPOOL_DB_DONE)
		return true;
	spool_db_rollback(db);
	return false;
}

void
spool_db_rollback(struct spool_db *db)
{
	/* Some errors have rolled back already; a second time would only be another error. */
	if (!sqlite3_get_autocommit(db->sqlite)) {
		sqlite3_step(db->statements[SQL_ROLLBACK]);
		sqlite3_reset(db->statements[SQL_ROLLBACK]);
	}
}

bool
spool_db_checkpoint(struct spool_db *db)
{
	int code = sqlite3_wal_checkpoint_v2(
		db->sqlite, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	if (code != SQLITE_OK)
		keep_error(db, code);
	return code == SQLITE_OK;
}

int64_t
spool_db_meta(struct spool_db *db, const char *name)
{
	spool_db_bind_text(db, SQL_META_GET, 1, name);
	return spool_db_get_number(db, SQL_META_GET);
}

void
spool_db_set_meta(struct spool_db *db, const char *name, int64_t value)
{
	spool_db_bind_text(db, SQL_META_SET, 1, name);
	spool_db_bind_number(db, SQL_META_SET, 2, value);
	spool_db_run(db, SQL_META_SET);
}
