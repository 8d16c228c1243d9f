/* SPDX-License-Identifier: BSD-2-Clause */
/* What auth remembers beside the accounts, in the same database. */
#include "auth/directory_local_memory.h"

#include "auth/directory_local_db.h"

static bool
store_usage(struct directory_local *local, const struct memory_item *item, int64_t now_ms,
	struct fault *fault_out)
{
	return DB_RUN(local->db, fault_out, "INSERT OR REPLACE INTO usage VALUES (?, ?, ?)",
		DB_BLOB(item->key.start, item->key.length), DB_INT(now_ms),
		DB_BLOB(item->content.start, item->content.length));
}

/* One statement for all of them: a front end may bring thousands at a time. */
static bool
insert_marks(struct directory_local *local, int64_t account, struct span marks, int64_t now_ms,
	struct fault *fault_out)
{
	sqlite3_stmt *statement = NULL;
	bool done = sqlite3_prepare_v2(local->db,
			    "INSERT OR IGNORE INTO known_recipient VALUES (?, ?, ?)", -1, &statement,
			    NULL) == SQLITE_OK;

	for (; done && marks.length; marks = span_from(marks, MEMORY_MARK_BYTES)) {
		const struct db_value values[] = { DB_INT(account),
			DB_BLOB(marks.start, MEMORY_MARK_BYTES), DB_INT(now_ms) };

		done = db_bind(statement, values, 3) && sqlite3_step(statement) == SQLITE_DONE &&
			sqlite3_reset(statement) == SQLITE_OK;
	}
	if (!done)
		db_fault(local->db, fault_out, "accounts.db");
	sqlite3_finalize(statement);
	return done;
}

static bool
store_marks(struct directory_local *local, const struct memory_item *item, int64_t now_ms,
	struct fault *fault_out)
{
	const struct db_value login = { .kind = DB_TEXT, .bytes = item->key };
	struct fault fault = FAULT_INIT;
	int64_t account;

	if (!DB_GET(local->db, &fault, &account, "SELECT id FROM account WHERE login = ?", login)) {
		if (fault.kind == FAULT_MISSING)
			return true;
		*fault_out = fault;
		return false;
	}
	return insert_marks(local, account, item->content, now_ms, fault_out) &&
		DB_RUN(local->db, fault_out,
			"DELETE FROM known_recipient WHERE (account, recipient) IN ("
			"  SELECT account, recipient FROM known_recipient WHERE account = ?"
			"  ORDER BY last_ms DESC LIMIT -1 OFFSET ?)",
			DB_INT(account), DB_INT(MEMORY_MARKS_MAX));
}

bool
directory_local_remember(struct directory_local *local, const struct memory_item *items,
	int64_t now_ms, struct fault *fault_out)
{
	bool done = db_execute(local->db, "BEGIN IMMEDIATE", fault_out);

	for (; done && items; items = items->next)
		done = items->is_marks ? store_marks(local, items, now_ms, fault_out)
				       : store_usage(local, items, now_ms, fault_out);
	done = done &&
		DB_RUN(local->db, fault_out,
			"DELETE FROM usage WHERE key IN ("
			"  SELECT key FROM usage ORDER BY stored_ms DESC LIMIT -1 OFFSET ?)",
			DB_INT(MEMORY_ROWS_MAX)) &&
		db_execute(local->db, "COMMIT", fault_out);
	if (!done)
		sqlite3_exec(local->db, "ROLLBACK", NULL, NULL, NULL);
	return done;
}

static struct span
column(sqlite3_stmt *statement, int at)
{
	return span_of(sqlite3_column_blob(statement, at),
		(size_t)sqlite3_column_bytes(statement, at));
}

bool
directory_local_usage(struct directory_local *local,
	void (*each)(void *context, struct span key, struct span content), void *context,
	struct fault *fault_out)
{
	sqlite3_stmt *statement = NULL;
	int result = SQLITE_ERROR;

	if (sqlite3_prepare_v2(local->db, "SELECT key, content FROM usage ORDER BY stored_ms", -1,
		    &statement, NULL) == SQLITE_OK) {
		while ((result = sqlite3_step(statement)) == SQLITE_ROW)
			each(context, column(statement, 0), column(statement, 1));
	}
	sqlite3_finalize(statement);
	return result == SQLITE_DONE || db_fault(local->db, fault_out, "accounts.db");
}

bool
directory_local_marks(struct directory_local *local, const char *login, struct buf *marks_out,
	struct fault *fault_out)
{
	sqlite3_stmt *statement = NULL;
	int result = SQLITE_ERROR;

	if (sqlite3_prepare_v2(local->db,
		    "SELECT recipient FROM known_recipient"
		    "  WHERE account = (SELECT id FROM account WHERE login = ?)"
		    "  ORDER BY last_ms LIMIT ?",
		    -1, &statement, NULL) == SQLITE_OK &&
		db_bind(statement,
			(const struct db_value[]){ DB_STR(login), DB_INT(MEMORY_MARKS_MAX) }, 2)) {
		while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
			if (column(statement, 0).length == MEMORY_MARK_BYTES)
				buf_add_span(marks_out, column(statement, 0));
		}
	}
	sqlite3_finalize(statement);
	return result == SQLITE_DONE || db_fault(local->db, fault_out, "accounts.db");
}
