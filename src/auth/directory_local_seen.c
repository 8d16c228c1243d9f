/* SPDX-License-Identifier: BSD-2-Clause */
/* Who logged in how. */
#include "auth/directory_local_seen.h"

#include <string.h>

#include "auth/directory_local_db.h"

/* ---- writing --------------------------------------------------------------------------------- */

static bool
put_row(struct directory_local *local, const struct login_seen *row, struct fault *fault_out)
{
	return DB_RUN(local->db, fault_out,
		"INSERT INTO login_seen (login, credential, protocol, listener, mechanism, tls, "
		"address, first_ms, last_ms, failed_ms, successes, failures) "
		"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
		"ON CONFLICT DO UPDATE SET last_ms = max(last_ms, excluded.last_ms), "
		"failed_ms = max(failed_ms, excluded.failed_ms), "
		"successes = successes + excluded.successes, "
		"failures = failures + excluded.failures",
		DB_STR(row->login), DB_INT(row->credential), DB_INT(row->protocol),
		DB_STR(row->listener), DB_STR(row->mechanism), DB_STR(row->tls),
		DB_STR(row->address), DB_INT(row->first_ms), DB_INT(row->last_ms),
		DB_INT(row->failed_ms), DB_INT(row->successes), DB_INT(row->failures));
}

static bool
date_app(struct directory_local *local, const struct login_seen *row, struct fault *fault_out)
{
	if (!row->credential || !row->last_ms)
		return true;
	return DB_RUN(local->db, fault_out,
		"UPDATE app_password SET used_ms = ?, used_protocol = ?, used_address = ? "
		"WHERE id = ? AND used_ms <= ?",
		DB_INT(row->last_ms), DB_INT(row->protocol), DB_STR(row->address),
		DB_INT(row->credential), DB_INT(row->last_ms));
}

/* Rows that got in, and rows that never did, each have their bound: the oldest of either go. */
static bool
trim(struct directory_local *local, const char *login, bool strange, int64_t most,
	struct fault *fault_out)
{
	return DB_RUN(local->db, fault_out,
		"DELETE FROM login_seen WHERE login = ?1 AND (successes = 0) = ?2 AND "
		"max(last_ms, failed_ms) < (SELECT max(last_ms, failed_ms) FROM login_seen "
		"WHERE login = ?1 AND (successes = 0) = ?2 "
		"ORDER BY max(last_ms, failed_ms) DESC LIMIT 1 OFFSET ?3)",
		DB_STR(login), DB_INT(strange), DB_INT(most - 1));
}

/* Of one time, there may be more than the bound: then it is cut anywhere. */
static bool
cut(struct directory_local *local, const char *login, bool strange, int64_t most,
	struct fault *fault_out)
{
	return DB_RUN(local->db, fault_out,
		"DELETE FROM login_seen WHERE login = ?1 AND (successes = 0) = ?2 AND "
		"(credential, protocol, listener, mechanism, tls, address) IN ("
		"SELECT credential, protocol, listener, mechanism, tls, address FROM login_seen "
		"WHERE login = ?1 AND (successes = 0) = ?2 "
		"ORDER BY max(last_ms, failed_ms) DESC LIMIT -1 OFFSET ?3)",
		DB_STR(login), DB_INT(strange), DB_INT(most));
}

static bool
bound(struct directory_local *local, const char *login, struct fault *fault_out)
{
	return trim(local, login, false, LOGIN_SEEN_ROWS_MAX, fault_out) &&
		cut(local, login, false, LOGIN_SEEN_ROWS_MAX, fault_out) &&
		trim(local, login, true, LOGIN_SEEN_STRANGE_MAX, fault_out) &&
		cut(local, login, true, LOGIN_SEEN_STRANGE_MAX, fault_out);
}

bool
directory_local_see(struct directory_local *local, const struct login_seen *rows, size_t count,
	struct fault *fault_out)
{
	bool good = true;

	if (!db_begin(local, fault_out))
		return false;
	for (size_t i = 0; i < count && good; i++)
		good = put_row(local, &rows[i], fault_out) && date_app(local, &rows[i], fault_out) &&
			bound(local, rows[i].login, fault_out);
	return db_end(local, good, fault_out);
}

/* ---- reading --------------------------------------------------------------------------------- */

static const char *
text_of(sqlite3_stmt *statement, int column)
{
	const char *text = (const char *)sqlite3_column_text(statement, column);

	return text ? text : "";
}

static struct login_seen
row_of(sqlite3_stmt *statement)
{
	return (struct login_seen){
		.login = text_of(statement, 0),
		.credential = (uint64_t)sqlite3_column_int64(statement, 1),
		.label = text_of(statement, 2),
		.protocol = (enum identity_protocol)sqlite3_column_int(statement, 3),
		.listener = text_of(statement, 4),
		.mechanism = text_of(statement, 5),
		.tls = text_of(statement, 6),
		.address = text_of(statement, 7),
		.first_ms = sqlite3_column_int64(statement, 8),
		.last_ms = sqlite3_column_int64(statement, 9),
		.failed_ms = sqlite3_column_int64(statement, 10),
		.successes = (uint64_t)sqlite3_column_int64(statement, 11),
		.failures = (uint64_t)sqlite3_column_int64(statement, 12),
	};
}

static const char seen_sql[] =
	"SELECT seen.login, credential, label, protocol, listener, mechanism, tls, address, first_ms, "
	"last_ms, failed_ms, successes, failures FROM login_seen AS seen "
	"LEFT JOIN app_password ON id = credential WHERE seen.login > ?1 AND "
	"(?2 = '' OR seen.login = ?2) AND max(last_ms, failed_ms) >= ?3 AND "
	"(?4 = 0 OR (successes > 0 AND tls IN ('', 'SSL3.0', 'TLS1.0', 'TLS1.1'))) "
	"ORDER BY seen.login, last_ms DESC, failed_ms DESC, address";

bool
directory_local_seen(struct directory_local *local, const struct login_seen_question *question,
	void (*each)(void *context, const struct login_seen *row), void *context, bool *more_out,
	struct fault *fault_out)
{
	const struct db_value values[] = { DB_STR(question->after), DB_STR(question->login),
		DB_INT(question->since_ms), DB_INT(question->insecure) };
	struct arena *arena = arena_new(0);
	sqlite3_stmt *statement = NULL;
	const char *last = "";
	int result = SQLITE_ERROR;
	size_t count = 0;

	*more_out = false;
	if (sqlite3_prepare_v2(local->db, seen_sql, -1, &statement, NULL) == SQLITE_OK &&
		db_bind(statement, values, 4)) {
		while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
			struct login_seen row = row_of(statement);

			*more_out = count >= question->max && strcmp(last, row.login) != 0;
			if (*more_out)
				break;
			if (strcmp(last, row.login) != 0)
				last = arena_strdup(arena, row.login);
			each(context, &row);
			count++;
		}
	}
	if (result != SQLITE_DONE && !*more_out)
		db_fault(local->db, fault_out, "accounts.db");
	sqlite3_finalize(statement);
	arena_free(&arena);
	return result == SQLITE_DONE || *more_out;
}
