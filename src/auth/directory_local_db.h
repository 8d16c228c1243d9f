/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the local directory share: the open database and its statements. */
#ifndef AUTH_DIRECTORY_LOCAL_DB_H
#define AUTH_DIRECTORY_LOCAL_DB_H

#include <sqlite3.h>

#include "auth/directory_local.h"

enum { DIRECTORY_SCHEMA_VERSION = 3 };

/* Each makes one version from the one before. */
extern const char *const directory_local_steps[DIRECTORY_SCHEMA_VERSION];

enum directory_local_statement {
	FIND_ACCOUNT,
	FIND_KEYS,
	FIND_TEXTS,
	FIND_GROUPS,
	FIND_GROUP_TEXTS,
	FIND_APPS,
	STAND_IN,
	LIST_LOGINS,
	HAS_ADDRESS,
	READ_BEGIN,
	READ_END,
	STATEMENT_COUNT,
};

struct directory_local {
	struct directory_source source; /* first */
	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENT_COUNT];
	unsigned char secret[DIRECTORY_SECRET_BYTES];
	unsigned depth; /* of db_begin() */
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
/* A statement with one time that gives rows of a login and a number: each of them. */
bool db_each_since(sqlite3 *db, const char *sql, int64_t since_ms,
	void (*each)(void *context, const char *login, uint64_t number), void *context,
	struct fault *fault_out);
#define DB_RUN(db, fault, sql, ...)                                                                 \
	db_run(db, sql, (const struct db_value[]){ __VA_ARGS__ },                                   \
		sizeof((const struct db_value[]){ __VA_ARGS__ }) / sizeof(struct db_value), fault)
#define DB_GET(db, fault, number_out, sql, ...)                                                     \
	db_number(db, sql, (const struct db_value[]){ __VA_ARGS__ },                                \
		sizeof((const struct db_value[]){ __VA_ARGS__ }) / sizeof(struct db_value),         \
		number_out, fault)

/*
 * A transaction: db_end() is true with all of it done, or false with nothing changed. Within
 * another one both only count, and what fails there must fail that one.
 */
bool db_begin(struct directory_local *local, struct fault *fault_out);
bool db_end(struct directory_local *local, bool good, struct fault *fault_out);

bool directory_local_next_epoch(struct directory_local *local, int64_t *epoch_out,
	struct fault *fault_out);
/* Something of the account is taken away: what was granted under its last epoch is void. */
bool directory_local_raise_epoch(struct directory_local *local, int64_t id, uint64_t *epoch_out,
	struct fault *fault_out);
/* Does all that the identity holds fit the message that carries it? FAULT_LIMIT otherwise. */
bool directory_local_check_room(struct directory_local *local, int64_t id,
	struct fault *fault_out);
/* An account that is to be changed, in a transaction of its own; its change is dated. */
bool directory_local_open_change(struct directory_local *local, const char *login, int64_t *id_out,
	struct fault *fault_out);
/* For FAULT_DENIED and FAULT_MISSING: "the address", "send-as", … */
const char *directory_local_list_word(enum directory_list list);
const char *directory_local_column(sqlite3_stmt *statement, int column, struct arena *arena);
/*
 * The row's hash, iterations, salt, stored and server key. False for keys that are not of the right
 * form, which are as good as none.
 */
bool directory_local_read_keys(sqlite3_stmt *statement, struct scram_keys *keys_out);
/* App passwords of the account, into it. */
bool directory_local_read_apps(struct directory_local *local, int64_t id, struct account *account);

/*
 * Brings the database to version count by the steps it lacks, each step SQL that makes one version
 * from the one before, all in one transaction. A database that is neither new nor whole is first
 * copied to PATH.vVERSION, or to a name with a further number if that is there from before.
 */
bool directory_local_migrate(sqlite3 *db, const char *path, const char *const *steps, int count,
	struct fault *fault_out);

#endif
