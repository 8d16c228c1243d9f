/* SPDX-License-Identifier: BSD-2-Clause */
/* The spool's SQLite connection and its prepared statements. For src/queue/spool*.c alone. */
#ifndef QUEUE_SPOOL_DB_H
#define QUEUE_SPOOL_DB_H

#include "base/fault.h"
#include "base/text.h"

#include <sqlite3.h>

/* clang-format off */
#define SPOOL_STATEMENTS(S) \
	S(BEGIN,            "BEGIN IMMEDIATE") \
	S(COMMIT,           "COMMIT") \
	S(ROLLBACK,         "ROLLBACK") \
	S(META_GET,         "SELECT value FROM meta WHERE name = ?1") \
	S(META_SET,         "INSERT INTO meta (name, value) VALUES (?1, ?2)" \
	                    " ON CONFLICT (name) DO UPDATE SET value = ?2") \
	S(KNOWN_ADD,        "INSERT INTO known (id, seq) VALUES (?1, ?2) ON CONFLICT DO NOTHING") \
	S(KNOWN_GET,        "SELECT seq FROM known WHERE id = ?1") \
	S(KNOWN_DELETE,     "DELETE FROM known WHERE id = ?1") \
	S(MESSAGE_ADD,      "INSERT INTO message (seq, file, received, record, content)" \
	                    " VALUES (?1, ?2, ?3, ?4, ?5)") \
	S(MESSAGE_GET,      "SELECT received, record, content FROM message WHERE seq = ?1") \
	S(MESSAGE_EXISTS,   "SELECT 1 FROM message WHERE seq = ?1") \
	S(MESSAGE_RECORD,   "SELECT record FROM message WHERE seq = ?1") \
	S(MESSAGE_DELETE,   "DELETE FROM message WHERE seq = ?1") \
	S(MESSAGE_LAST,     "SELECT max(coalesce((SELECT max(seq) FROM message), 0)," \
	                    " coalesce((SELECT max(seq) FROM history), 0)," \
	                    " coalesce((SELECT max(seq) FROM resend), 0)," \
	                    " coalesce((SELECT value FROM meta WHERE name = 'gap-seq'), 0))") \
	S(FILE_ALL,         "SELECT file FROM message WHERE file IS NOT NULL") \
	S(MESSAGE_FIRST,    "SELECT min(seq) FROM message") \
	S(FILE_WANTED,      "SELECT 1 FROM message WHERE file = ?1") \
	S(WAITING_SET,      "INSERT INTO waiting (seq, due) VALUES (?1, ?2) ON CONFLICT (seq)" \
	                    " DO UPDATE SET due = ?2 WHERE due IS NOT NULL") \
	S(WAITING_HOLD,     "INSERT INTO waiting (seq, reason, login) VALUES (?1, ?2, ?3)" \
	                    " ON CONFLICT (seq) DO UPDATE SET due = NULL, reason = ?2") \
	S(WAITING_RELEASE,  "UPDATE waiting SET due = ?2, reason = NULL, login = NULL" \
	                    " WHERE seq = ?1 AND due IS NULL") \
	S(WAITING_FLUSH,    "UPDATE waiting SET due = ?2 WHERE seq = ?1 AND due IS NOT NULL") \
	S(WAITING_PULL,     "UPDATE waiting SET due = ?1 WHERE due > ?1") \
	S(WAITING_GET,      "SELECT due, reason FROM waiting WHERE seq = ?1") \
	S(WAITING_DELETE,   "DELETE FROM waiting WHERE seq = ?1") \
	S(WAITING_HELD,     "SELECT count(*) FROM waiting WHERE due IS NULL") \
	S(WAITING_OF_LOGIN, "SELECT count(*) FROM (SELECT 1 FROM waiting WHERE login = ?1" \
	                    " LIMIT ?2)") \
	S(RECIPIENT_SET,    "INSERT INTO recipient (seq, number, state) VALUES (?1, ?2, ?3)" \
	                    " ON CONFLICT (seq, number) DO UPDATE SET state = ?3") \
	S(RECIPIENT_ALL,    "SELECT number, state FROM recipient WHERE seq = ?1 ORDER BY number") \
	S(RECIPIENT_DELETE, "DELETE FROM recipient WHERE seq = ?1") \
	S(HISTORY_ADD,      "INSERT INTO history (seq, finished, brief) VALUES (?1, ?2, ?3)") \
	S(HISTORY_GET,      "SELECT brief FROM history WHERE seq = ?1") \
	S(HISTORY_PAGE,     "SELECT seq, brief FROM history WHERE seq < ?1" \
	                    " ORDER BY seq DESC LIMIT ?2") \
	S(HISTORY_OLDEST,   "SELECT seq, finished, brief FROM history WHERE seq > ?1" \
	                    " ORDER BY seq LIMIT ?2") \
	S(HISTORY_DELETE,   "DELETE FROM history WHERE seq = ?1") \
	S(RESEND_ADD,       "INSERT INTO resend (seq, accepted, key, id) VALUES (?1, ?2, ?3, ?4)") \
	S(RESEND_GET,       "SELECT accepted, key, id FROM resend WHERE seq = ?1") \
	S(RESEND_LATEST,    "SELECT seq, key FROM resend ORDER BY seq DESC") \
	S(RESEND_OLDEST,    "SELECT seq, accepted, key FROM resend ORDER BY seq LIMIT ?1") \
	S(RESEND_DELETE,    "DELETE FROM resend WHERE seq = ?1") \
	S(RESEND_PRUNE,     "DELETE FROM resend WHERE seq <= ?1") \
	S(PAGE_WAITING,     "SELECT m.seq, m.received, m.record, w.seq, w.due, w.reason" \
	                    " FROM waiting w CROSS JOIN message m ON m.seq = w.seq" \
	                    " WHERE (w.due, w.seq) > (?3, ?1) AND w.due <= ?4" \
	                    " ORDER BY w.due, w.seq LIMIT ?2") \
	S(PAGE_ALL,         "SELECT m.seq, m.received, m.record, w.seq, w.due, w.reason" \
	                    " FROM message m LEFT JOIN waiting w ON w.seq = m.seq" \
	                    " WHERE m.seq > ?1 ORDER BY m.seq LIMIT ?2")
/* clang-format on */

#define STATEMENT(name, sql) SQL_##name,
enum spool_statement {
	SPOOL_STATEMENTS(STATEMENT)
	SPOOL_STATEMENT_COUNT
};
#undef STATEMENT

enum spool_db_result {
	SPOOL_DB_DONE,
	SPOOL_DB_FULL,
	SPOOL_DB_BROKEN,
};

/* Used by one thread at a time. */
struct spool_db {
	sqlite3 *sqlite;
	sqlite3_stmt *statements[SPOOL_STATEMENT_COUNT];
	bool damaged;                /* SQLite says so, of the file */
	enum spool_db_result result; /* of the worst call since it was last forgotten */
	struct fault fault;          /* what it said */
};

/* Does this code of SQLite say that the file is not what was written? Then damaged is set. */
bool spool_db_is_damage(int code);
/* Opens and takes the exclusive lock; no schema yet, and no statements. */
bool spool_db_open(struct spool_db *db, const char *path, bool sync, struct fault *fault);
bool spool_db_prepare(struct spool_db *db, struct fault *fault);
void spool_db_close(struct spool_db *db);

/*
 * Statements: bind, step, read columns, done (resets it). Errors are kept in the db, so a
 * caller that does several writes looks once, at db->result.
 */
void spool_db_bind_number(
	struct spool_db *db, enum spool_statement statement, int at, int64_t number);
/* The bytes must stay until spool_db_done(). */
void spool_db_bind_text(
	struct spool_db *db, enum spool_statement statement, int at, const char *text);
void spool_db_bind_bytes(
	struct spool_db *db, enum spool_statement statement, int at, struct span bytes);
/* Is there (another) row? */
bool spool_db_row(struct spool_db *db, enum spool_statement statement);
int64_t spool_db_number(struct spool_db *db, enum spool_statement statement, int column);
bool spool_db_is_null(struct spool_db *db, enum spool_statement statement, int column);
struct span spool_db_bytes(struct spool_db *db, enum spool_statement statement, int column);
void spool_db_done(struct spool_db *db, enum spool_statement statement);
/* A statement without rows. Gives how many rows it changed. */
int spool_db_run(struct spool_db *db, enum spool_statement statement);

/* The first column of its one row, 0 if there is none. */
int64_t spool_db_get_number(struct spool_db *db, enum spool_statement statement);

void spool_db_forget_error(struct spool_db *db);
bool spool_db_begin(struct spool_db *db);  /* forgets an earlier error */
bool spool_db_commit(struct spool_db *db); /* false: rolled back */
void spool_db_rollback(struct spool_db *db);
/* Writes the whole log into the database and syncs both. */
bool spool_db_checkpoint(struct spool_db *db);

int64_t spool_db_meta(struct spool_db *db, const char *name); /* 0 if it was never set */
void spool_db_set_meta(struct spool_db *db, const char *name, int64_t value);

#endif
