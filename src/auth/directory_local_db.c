/* SPDX-License-Identifier: BSD-2-Clause */
/* The local directory: statements, faults and migration. */
#include "auth/directory_local_db.h"

#include <stdio.h>
#include <unistd.h>

#include "base/keep.h"
#include "base/log.h"

bool
db_fault(sqlite3 *db, struct fault *fault_out, const char *what)
{
	bool busy = db && sqlite3_errcode(db) == SQLITE_BUSY;

	return fault_set(fault_out, busy ? FAULT_BUSY : FAULT_SYSTEM, "%s: %s", what,
		busy ? "another process has the accounts open" : sqlite3_errmsg(db));
}

bool
db_bind(sqlite3_stmt *statement, const struct db_value *values, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *start = values[i].bytes.start ? values[i].bytes.start : "";
		int at = (int)i + 1;
		int size = (int)values[i].bytes.length;
		int result = SQLITE_MISUSE;

		switch (values[i].kind) {
		case DB_NUMBER:
			result = sqlite3_bind_int64(statement, at, values[i].number);
			break;
		case DB_TEXT:
			result = sqlite3_bind_text(statement, at, start, size, SQLITE_TRANSIENT);
			break;
		case DB_BYTES:
			result = sqlite3_bind_blob(statement, at, start, size, SQLITE_TRANSIENT);
			break;
		}
		if (result != SQLITE_OK)
			return false;
	}
	return true;
}

bool
db_run(sqlite3 *db, const char *sql, const struct db_value *values, size_t count,
	struct fault *fault_out)
{
	sqlite3_stmt *statement = NULL;
	bool done = sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
		db_bind(statement, values, count) && sqlite3_step(statement) == SQLITE_DONE;

	if (!done)
		db_fault(db, fault_out, "accounts.db");
	sqlite3_finalize(statement);
	return done;
}

bool
db_number(sqlite3 *db, const char *sql, const struct db_value *values, size_t count,
	int64_t *number_out, struct fault *fault_out)
{
	sqlite3_stmt *statement = NULL;
	int result = SQLITE_ERROR;

	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
		db_bind(statement, values, count))
		result = sqlite3_step(statement);
	if (result == SQLITE_ROW)
		*number_out = sqlite3_column_int64(statement, 0);
	else if (result == SQLITE_DONE)
		fault_set(fault_out, FAULT_MISSING, "not in accounts.db");
	else
		db_fault(db, fault_out, "accounts.db");
	sqlite3_finalize(statement);
	return result == SQLITE_ROW;
}

bool
db_each_since(sqlite3 *db, const char *sql, int64_t since_ms,
	void (*each)(void *context, const char *login, uint64_t number), void *context,
	struct fault *fault_out)
{
	sqlite3_stmt *statement = NULL;
	int result = SQLITE_ERROR;

	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
		db_bind(statement, &DB_INT(since_ms), 1)) {
		while ((result = sqlite3_step(statement)) == SQLITE_ROW)
			each(context, (const char *)sqlite3_column_text(statement, 0),
				(uint64_t)sqlite3_column_int64(statement, 1));
	}
	sqlite3_finalize(statement);
	return result == SQLITE_DONE || db_fault(db, fault_out, "accounts.db");
}

bool
db_execute(sqlite3 *db, const char *sql, struct fault *fault_out)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK)
		return true;
	return db_fault(db, fault_out, "accounts.db");
}

bool
db_begin(struct directory_local *local, struct fault *fault_out)
{
	if (local->depth == 0 && !db_execute(local->db, "BEGIN IMMEDIATE", fault_out))
		return false;
	local->depth++;
	return true;
}

bool
db_end(struct directory_local *local, bool good, struct fault *fault_out)
{
	local->depth--;
	if (local->depth > 0)
		return good;
	if (good && db_execute(local->db, "COMMIT", fault_out))
		return true;
	sqlite3_exec(local->db, "ROLLBACK", NULL, NULL, NULL);
	return false;
}

const char *
directory_local_column(sqlite3_stmt *statement, int column, struct arena *arena)
{
	const unsigned char *text = sqlite3_column_text(statement, column);

	return arena_strndup(arena, text ? (const char *)text : "",
		(size_t)sqlite3_column_bytes(statement, column));
}

/* ---- migration ------------------------------------------------------------------------------- */

/* The name of the copy, to be freed; NULL: there is none. */
static char *
make_copy(sqlite3 *db, const char *path, int version, struct fault *fault_out)
{
	char *wanted = mem_printf("%s.v%d", path, version);
	char *copy = mem_printf("%s.partial", wanted);
	char *kept = NULL;

	/* One that is there is from an attempt that did not come to its end. */
	unlink(copy);
	if (DB_RUN(db, fault_out, "VACUUM INTO ?", DB_STR(copy)))
		kept = keep_whole(copy, wanted, fault_out);
	if (!kept)
		unlink(copy);
	mem_free(&copy);
	mem_free(&wanted);
	return kept;
}

static bool
take_steps(sqlite3 *db, int version, const char *const *steps, int count, struct fault *fault_out)
{
	char mark[64];
	bool done = db_execute(db, "BEGIN IMMEDIATE", fault_out);

	for (int at = version; done && at < count; at++) {
		done = db_execute(db, steps[at], fault_out) ||
			fault_add(fault_out, "making version %d", at + 1);
	}
	snprintf(mark, sizeof mark, "PRAGMA user_version = %d", count);
	done = done && db_execute(db, mark, fault_out) && db_execute(db, "COMMIT", fault_out);
	if (!done)
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return done;
}

static bool
migrate(sqlite3 *db, const char *path, int version, const char *const *steps, int count,
	struct fault *fault_out)
{
	char *kept = make_copy(db, path, version, fault_out);
	bool done = kept && take_steps(db, version, steps, count, fault_out);

	if (done)
		log_event(EV_DIRECTORY_MIGRATED, kv_str("file", path), kv_int("from", version),
			kv_int("to", count), kv_str("kept", kept));
	else if (kept)
		unlink(kept); /* the accounts are still what it says */
	mem_free(&kept);
	return done;
}

bool
directory_local_migrate(sqlite3 *db, const char *path, const char *const *steps, int count,
	struct fault *fault_out)
{
	int64_t version;

	if (!db_number(db, "PRAGMA user_version", NULL, 0, &version, fault_out))
		return false;
	if (version > count)
		return fault_set(fault_out, FAULT_CONFIG,
			"%s has schema version %lld, made by a newer Sallyport; this one knows %d",
			path, (long long)version, count);
	if (version == count)
		return true;
	return version > 0 ? migrate(db, path, (int)version, steps, count, fault_out)
			   : take_steps(db, 0, steps, count, fault_out);
}
