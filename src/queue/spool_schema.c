/* SPDX-License-Identifier: BSD-2-Clause */
/* Versions of the spool's tables: made new, brought up to date with a backup beside, or refused. */
#include "queue/spool_schema.h"

#include "base/keep.h"
#include "base/log.h"
#include "base/memory.h"

#include <stdio.h>
#include <unistd.h>

static const char *const steps[] = {
	"CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE message (seq INTEGER PRIMARY KEY, file INTEGER, received INTEGER NOT NULL,"
	" record BLOB NOT NULL, content BLOB NOT NULL);"
	"CREATE UNIQUE INDEX message_file ON message (file) WHERE file IS NOT NULL;"
	"CREATE TABLE waiting (seq INTEGER PRIMARY KEY, due INTEGER, reason TEXT);"
	"CREATE INDEX waiting_due ON waiting (due);"
	"CREATE TABLE recipient (seq INTEGER NOT NULL, number INTEGER NOT NULL,"
	" state BLOB NOT NULL, PRIMARY KEY (seq, number)) WITHOUT ROWID;"
	"CREATE TABLE known (id TEXT PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE history (seq INTEGER PRIMARY KEY, finished INTEGER NOT NULL,"
	" brief BLOB NOT NULL);",
	"CREATE TABLE resend (seq INTEGER PRIMARY KEY, accepted INTEGER NOT NULL,"
	" key BLOB NOT NULL, id TEXT NOT NULL);"
	"ALTER TABLE waiting ADD COLUMN login TEXT;"
	"CREATE INDEX waiting_login ON waiting (login) WHERE login IS NOT NULL;",
};

const struct spool_schema spool_schema_now = { steps, sizeof(steps) / sizeof(steps[0]) };

static bool
failed(struct spool_db *db, const char *what, struct fault *fault)
{
	db->damaged |= spool_db_is_damage(sqlite3_errcode(db->sqlite));
	fault_set(fault, FAULT_SYSTEM, "%s: %s", what, sqlite3_errmsg(db->sqlite));
	sqlite3_exec(db->sqlite, "ROLLBACK", NULL, NULL, NULL);
	return false;
}

static bool
read_pragma(struct spool_db *db, const char *sql, int *value_out)
{
	sqlite3_stmt *statement = NULL;
	bool done = sqlite3_prepare_v2(db->sqlite, sql, -1, &statement, NULL) == SQLITE_OK &&
		sqlite3_step(statement) == SQLITE_ROW;
	if (done)
		*value_out = sqlite3_column_int(statement, 0);
	sqlite3_finalize(statement);
	return done;
}

/* The name of the copy, to be freed; NULL: there is none. */
static char *
back_up(struct spool_db *db, const char *path, int version, struct fault *fault)
{
	static const char sql[] = "VACUUM INTO ?1";
	sqlite3_stmt *statement = NULL;
	char *wanted = mem_printf("%s.v%d", path, version);
	char *copy = mem_printf("%s.partial", wanted);
	char *kept = NULL;
	/* One that is there is from an attempt that did not come to its end. */
	unlink(copy);
	if (sqlite3_prepare_v2(db->sqlite, sql, -1, &statement, NULL) == SQLITE_OK &&
		sqlite3_bind_text(statement, 1, copy, -1, SQLITE_STATIC) == SQLITE_OK &&
		sqlite3_step(statement) == SQLITE_DONE)
		kept = keep_whole(copy, wanted, fault);
	else
		failed(db, copy, fault);
	sqlite3_finalize(statement);
	if (!kept)
		unlink(copy);
	mem_free(&copy);
	mem_free(&wanted);
	return kept;
}

static bool
take_steps(struct spool_db *db, const char *path, int version, const struct spool_schema *schema,
	struct fault *fault)
{
	char end[100];
	if (sqlite3_exec(db->sqlite, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
		return failed(db, path, fault);
	for (int i = version; i < schema->count; i++) {
		if (sqlite3_exec(db->sqlite, schema->steps[i], NULL, NULL, NULL) != SQLITE_OK)
			return failed(db, path, fault);
	}
	snprintf(end, sizeof(end), "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
		SPOOL_APPLICATION_ID, schema->count);
	return sqlite3_exec(db->sqlite, end, NULL, NULL, NULL) == SQLITE_OK ||
		failed(db, path, fault);
}

static bool
migrate(struct spool_db *db, const char *path, int version, const struct spool_schema *schema,
	struct fault *fault)
{
	char *kept = back_up(db, path, version, fault);
	bool done = kept && take_steps(db, path, version, schema, fault);
	if (done)
		log_event(EV_SPOOL_MIGRATED, kv_int("from", version), kv_int("to", schema->count),
			kv_str("kept", kept));
	else if (kept)
		unlink(kept); /* the database is still what it says */
	mem_free(&kept);
	return done;
}

bool
spool_schema_apply(struct spool_db *db, const char *path, const struct spool_schema *schema,
	struct fault *fault)
{
	int application = 0;
	int version = 0;
	int tables = 0;
	if (!read_pragma(db, "PRAGMA application_id", &application) ||
		!read_pragma(db, "PRAGMA user_version", &version) ||
		!read_pragma(db, "SELECT count(*) FROM sqlite_schema", &tables))
		return failed(db, path, fault);
	if (tables ? application != SPOOL_APPLICATION_ID : application != 0)
		return fault_set(fault, FAULT_CONFIG, "%s: not a spool", path);
	if (version > schema->count)
		return fault_set(fault, FAULT_CONFIG,
			"%s: written by a later version (schema %d, this is %d)", path, version,
			schema->count);
	if (version == schema->count)
		return true;
	return version ? migrate(db, path, version, schema, fault) :
			 take_steps(db, path, 0, schema, fault);
}
