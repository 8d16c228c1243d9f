/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the local directory share: the open database and its statements. */
#ifndef AUTH_DIRECTORY_LOCAL_DB_H
#define AUTH_DIRECTORY_LOCAL_DB_H

#include <sqlite3.h>

#include "auth/directory_local.h"

enum directory_local_statement {
	FIND_ACCOUNT,
	FIND_KEYS,
	FIND_TEXTS,
	LIST_LOGINS,
	HAS_ADDRESS,
	STATEMENT_COUNT,
};

struct directory_local {
	struct directory_source source; /* first */
	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENT_COUNT];
	unsigned char secret[DIRECTORY_SECRET_BYTES];
};

/* One bound value. */
struct db_value {
	enum { DB_NUMBER, DB_TEXT, DB_BYTES } kind;
	int64_t number;
	struct span bytes;
};
#define DB_INT(value) ((struct db_value){ .kind = DB_NUMBER, .number = (int64_t)(value) })
#define DB_STR(value) ((struct db_value){ .kind = DB_TEXT, .bytes = span_text(value) })
#define DB_BLOB(start, size) ((struct db_value){ .kind = DB_BYTES, .bytes = span_of(start, size) })

/* Says what SQLite says; FAULT_BUSY where another process has the lock. Always false. */
bool db_fault(sqlite3 *db, struct fault *fault_out, const char *what);
bool db_bind(sqlite3_stmt *statement, const struct db_value *values, size_t count);
/* Several statements without values, one behind the other. */
bool db_execute(sqlite3 *db, const char *sql, struct fault *fault_out);
/* One statement that gives no rows; values may be NULL. */
bool db_run(sqlite3 *db, const char *sql, const struct db_value *values, size_t count,
	struct fault *fault_out);
/* The first column of the first row; FAULT_MISSING where there is none. */
bool db_number(sqlite3 *db, const char *sql, const struct db_value *values, size_t count,
	int64_t *number_out, struct fault *fault_out);
#define DB_RUN(db, fault, sql, ...)                                                                 \
	db_run(db, sql, (const struct db_value[]){ __VA_ARGS__ },                                   \
		sizeof((const struct db_value[]){ __VA_ARGS__ }) / sizeof(struct db_value), fault)
#define DB_GET(db, fault, number_out, sql, ...)                                                     \
	db_number(db, sql, (const struct db_value[]){ __VA_ARGS__ },                                \
		sizeof((const struct db_value[]){ __VA_ARGS__ }) / sizeof(struct db_value),         \
		number_out, fault)

/*
 * Brings the database to version count by the steps it lacks, each step SQL that makes one version
 * from the one before, all in one transaction. A database that is neither new nor whole is first
 * copied to PATH.vVERSION, or to a name with a further number if that is there from before.
 */
bool directory_local_migrate(sqlite3 *db, const char *path, const char *const *steps, int count,
	struct fault *fault_out);

#endif
