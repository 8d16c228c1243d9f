/* SPDX-License-Identifier: BSD-2-Clause */
/* The local directory: opening, schema and look-ups. */
#include "auth/directory_local.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/directory_local_db.h"
#include "base/digest.h"
#include "base/log.h"

/* ---- schema ---------------------------------------------------------------------------------- */

/* Step n makes version n + 1. A step that was released never changes; a new one is added below. */
static const char *const schema_steps[] = {
	"CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;"
	"INSERT INTO meta VALUES ('decoy-secret', randomblob(32));"
	"CREATE TABLE counter (epoch INTEGER NOT NULL) STRICT;"
	"INSERT INTO counter VALUES (0);"
	"CREATE TABLE account ("
	"  id INTEGER PRIMARY KEY,"
	"  login TEXT NOT NULL UNIQUE,"
	"  disabled INTEGER NOT NULL,"
	"  expires_ms INTEGER NOT NULL,"
	"  protocols INTEGER NOT NULL,"
	"  limits TEXT NOT NULL,"
	"  epoch INTEGER NOT NULL,"
	"  changed_ms INTEGER NOT NULL) STRICT;"
	"CREATE TABLE scram_key ("
	"  account INTEGER NOT NULL REFERENCES account ON DELETE CASCADE,"
	"  hash TEXT NOT NULL,"
	"  iterations INTEGER NOT NULL,"
	"  salt BLOB NOT NULL,"
	"  stored BLOB NOT NULL,"
	"  server BLOB NOT NULL,"
	"  PRIMARY KEY (account, hash)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE account_text ("
	"  account INTEGER NOT NULL REFERENCES account ON DELETE CASCADE,"
	"  list INTEGER NOT NULL,"
	"  position INTEGER NOT NULL,"
	"  text TEXT NOT NULL COLLATE NOCASE,"
	"  PRIMARY KEY (account, list, position)) STRICT, WITHOUT ROWID;"
	"CREATE UNIQUE INDEX account_text_once ON account_text (account, list, text);"
	"CREATE UNIQUE INDEX address_owner ON account_text (text) WHERE list = 0;",
	/* What was taken away, also from accounts that are gone; and how many keys there are of a kind. */
	"CREATE TABLE revoked ("
	"  login TEXT PRIMARY KEY,"
	"  epoch INTEGER NOT NULL,"
	"  since_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE TABLE scram_count ("
	"  hash TEXT NOT NULL,"
	"  iterations INTEGER NOT NULL,"
	"  keys INTEGER NOT NULL,"
	"  PRIMARY KEY (hash, iterations)) STRICT, WITHOUT ROWID;"
	"INSERT INTO scram_count SELECT hash, iterations, count(*) FROM scram_key "
	"  GROUP BY hash, iterations;"
	"CREATE TRIGGER scram_key_made AFTER INSERT ON scram_key BEGIN"
	"  INSERT INTO scram_count VALUES (new.hash, new.iterations, 1)"
	"    ON CONFLICT (hash, iterations) DO UPDATE SET keys = keys + 1;"
	"END;"
	"CREATE TRIGGER scram_key_gone AFTER DELETE ON scram_key BEGIN"
	"  UPDATE scram_count SET keys = keys - 1"
	"    WHERE hash = old.hash AND iterations = old.iterations;"
	"  DELETE FROM scram_count WHERE keys = 0;"
	"END;",
};

enum { SCHEMA_VERSION = sizeof schema_steps / sizeof schema_steps[0] };

/* ---- opening --------------------------------------------------------------------------------- */

/* Whatever the umask was: nobody else reads a directory or file of ours. */
static bool
make_private(int fd, const char *path, mode_t mode, struct fault *fault_out)
{
	struct stat stat;

	if (fstat(fd, &stat) != 0)
		return fault_set_errno(fault_out, "%s", path);
	if (stat.st_uid != geteuid())
		return fault_set(fault_out, FAULT_CONFIG, "%s belongs to another user (%u)", path,
			(unsigned)stat.st_uid);
	if ((stat.st_mode & 07777) != mode && fchmod(fd, mode) != 0)
		return fault_set_errno(fault_out, "%s", path);
	return true;
}

static bool
prepare_file(const char *path, int flags, mode_t mode, struct fault *fault_out)
{
	int fd = open(path, flags | O_NOFOLLOW | O_CLOEXEC, mode);
	bool done;

	if (fd < 0)
		return fault_set_errno(fault_out, "%s", path);
	done = make_private(fd, path, mode, fault_out);
	close(fd);
	return done;
}

static bool
prepare_files(const char *state_dir, char **path_out, struct fault *fault_out)
{
	char *directory = mem_printf("%s/auth", state_dir);
	char *path = mem_printf("%s/accounts.db", directory);
	bool done = false;

	if (mkdir(directory, 0700) != 0 && errno != EEXIST) {
		fault_set_errno(fault_out, "%s", directory);
		goto out;
	}
	if (!prepare_file(directory, O_RDONLY | O_DIRECTORY, 0700, fault_out))
		goto out;
	done = prepare_file(path, O_RDWR | O_CREAT, 0600, fault_out);
out:
	mem_free(&directory);
	if (done)
		*path_out = path;
	else
		mem_free(&path);
	return done;
}

static const char *const statement_texts[STATEMENT_COUNT] = {
	[FIND_ACCOUNT] = "SELECT id, disabled, expires_ms, protocols, limits, epoch, changed_ms "
			 "FROM account "
			 "WHERE login = ?",
	[FIND_KEYS] = "SELECT hash, iterations, salt, stored, server FROM scram_key "
		      "WHERE account = ?",
	[FIND_TEXTS] = "SELECT text FROM account_text WHERE account = ? AND list = ? "
		       "ORDER BY position LIMIT ?",
	[LIST_LOGINS] = "SELECT login FROM account WHERE login > ? ORDER BY login LIMIT ?",
	[HAS_ADDRESS] = "SELECT 1 FROM account_text WHERE text = ? AND list = 0",
};

static bool
prepare_statements(struct directory_local *local, struct fault *fault_out)
{
	for (int i = 0; i < STATEMENT_COUNT; i++) {
		if (sqlite3_prepare_v3(local->db, statement_texts[i], -1, SQLITE_PREPARE_PERSISTENT,
			    &local->statements[i], NULL) != SQLITE_OK)
			return db_fault(local->db, fault_out, "accounts.db");
	}
	return true;
}

static bool
load_secret(struct directory_local *local, struct fault *fault_out)
{
	sqlite3_stmt *statement = NULL;
	bool found = sqlite3_prepare_v2(local->db,
			     "SELECT value FROM meta WHERE name = 'decoy-secret'", -1, &statement,
			     NULL) == SQLITE_OK &&
		sqlite3_step(statement) == SQLITE_ROW &&
		sqlite3_column_bytes(statement, 0) == DIRECTORY_SECRET_BYTES;

	if (found)
		memcpy(local->secret, sqlite3_column_blob(statement, 0), DIRECTORY_SECRET_BYTES);
	else
		db_fault(local->db, fault_out, "accounts.db has no decoy secret");
	sqlite3_finalize(statement);
	return found;
}

/*
 * The lock is taken by the first access and kept: a second daemon, or the administrator's tool
 * while the daemon runs, finds the accounts busy. Locked exclusively, WAL needs no shared memory
 * file. Keys that were replaced are overwritten: who is given the file learns of no old password.
 */
static const char open_pragmas[] =
	"PRAGMA locking_mode = EXCLUSIVE;"
	"PRAGMA journal_mode = WAL;"
	"PRAGMA synchronous = FULL;"
	"PRAGMA secure_delete = ON;"
	"PRAGMA foreign_keys = ON;"
	"PRAGMA trusted_schema = OFF;"
	"PRAGMA temp_store = MEMORY;"
	"BEGIN IMMEDIATE;"
	"COMMIT;";

static const struct directory_source_type local_type;

struct directory_local *
directory_local_open(const char *state_dir, uint64_t wait_ms, struct fault *fault_out)
{
	struct directory_local *local;
	char *path;

	if (!prepare_files(state_dir, &path, fault_out))
		return NULL;
	local = mem_alloc(sizeof *local);
	local->source.type = &local_type;
	if (sqlite3_open_v2(path, &local->db,
		    SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX | SQLITE_OPEN_NOFOLLOW,
		    NULL) != SQLITE_OK) {
		db_fault(local->db, fault_out, path);
		directory_local_close(&local);
	} else {
		sqlite3_busy_timeout(local->db, (int)wait_ms);
		sqlite3_db_config(local->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
		if (!db_execute(local->db, open_pragmas, fault_out) ||
			!directory_local_migrate(local->db, path, schema_steps, SCHEMA_VERSION,
				fault_out) ||
			!prepare_statements(local, fault_out) || !load_secret(local, fault_out))
			directory_local_close(&local);
	}
	mem_free(&path);
	return local;
}

void
directory_local_close(struct directory_local **local)
{
	if (!*local)
		return;
	for (int i = 0; i < STATEMENT_COUNT; i++)
		sqlite3_finalize((*local)->statements[i]);
	sqlite3_close((*local)->db);
	mem_wipe((*local)->secret, DIRECTORY_SECRET_BYTES);
	mem_free(local);
}

struct span
directory_local_secret(const struct directory_local *local)
{
	return span_of(local->secret, DIRECTORY_SECRET_BYTES);
}

/* ---- look-ups -------------------------------------------------------------------------------- */

static const char *
column_text(sqlite3_stmt *statement, int column, struct arena *arena)
{
	const unsigned char *text = sqlite3_column_text(statement, column);

	return arena_strndup(arena, text ? (const char *)text : "",
		(size_t)sqlite3_column_bytes(statement, column));
}

static bool
column_bytes(sqlite3_stmt *statement, int column, unsigned char *to, size_t least, size_t most,
	size_t *size_out)
{
	size_t size = (size_t)sqlite3_column_bytes(statement, column);

	if (size < least || size > most)
		return false;
	memcpy(to, sqlite3_column_blob(statement, column), size);
	*size_out = size;
	return true;
}

/* Keys that are not of the right form are as good as none. */
static void
read_key(sqlite3_stmt *statement, struct account *account)
{
	struct scram_keys keys = { .iterations = (uint32_t)sqlite3_column_int64(statement, 1) };
	const char *name = (const char *)sqlite3_column_text(statement, 0);
	size_t size;

	if (!scram_hash_find(span_text(name), &keys.hash) ||
		keys.iterations < SCRAM_ITERATIONS_MIN || keys.iterations > SCRAM_ITERATIONS_MAX)
		return;
	size = scram_hash_bytes(keys.hash);
	if (column_bytes(statement, 2, keys.salt, 1, sizeof keys.salt, &keys.salt_length) &&
		column_bytes(statement, 3, keys.stored, size, size, &size) &&
		column_bytes(statement, 4, keys.server, size, size, &size)) {
		account->keys[keys.hash] = keys;
		account->has_keys[keys.hash] = true;
	}
	mem_wipe(&keys, sizeof keys);
}

static int
read_keys(struct directory_local *local, int64_t id, struct account *account)
{
	sqlite3_stmt *statement = local->statements[FIND_KEYS];
	int result;

	db_bind(statement, &DB_INT(id), 1);
	while ((result = sqlite3_step(statement)) == SQLITE_ROW)
		read_key(statement, account);
	sqlite3_reset(statement);
	return result;
}

static int
read_texts(struct directory_local *local, int64_t id, enum directory_list list,
	struct account *account, struct settings_texts *texts_out)
{
	sqlite3_stmt *statement = local->statements[FIND_TEXTS];
	const char *found[IDENTITY_TEXTS_MAX];
	size_t count = 0;
	int result;

	db_bind(statement,
		(const struct db_value[]){ DB_INT(id), DB_INT(list), DB_INT(IDENTITY_TEXTS_MAX) },
		3);
	while ((result = sqlite3_step(statement)) == SQLITE_ROW && count < IDENTITY_TEXTS_MAX)
		found[count++] = column_text(statement, 0, account->arena);
	sqlite3_reset(statement);
	texts_out->items = arena_dup(account->arena, found, count * sizeof found[0]);
	texts_out->count = count;
	return result;
}

static bool
read_lists(struct directory_local *local, int64_t id, struct account *account)
{
	struct identity *identity = &account->identity;

	return read_keys(local, id, account) == SQLITE_DONE &&
		read_texts(local, id, DIRECTORY_ADDRESSES, account, &identity->addresses) ==
		SQLITE_DONE &&
		read_texts(local, id, DIRECTORY_GROUPS, account, &identity->groups) ==
		SQLITE_DONE &&
		read_texts(local, id, DIRECTORY_SEND_AS, account, &identity->send_as) ==
		SQLITE_DONE &&
		read_texts(local, id, DIRECTORY_ON_BEHALF, account, &identity->on_behalf) ==
		SQLITE_DONE;
}

static struct account *
read_account(sqlite3_stmt *statement, const char *login)
{
	struct account *account = account_new();

	account->identity.login = arena_strdup(account->arena, login);
	account->disabled = sqlite3_column_int(statement, 1) != 0;
	account->expires_ms = sqlite3_column_int64(statement, 2);
	account->identity.protocols = (uint8_t)sqlite3_column_int(statement, 3);
	account->identity.limits = column_text(statement, 4, account->arena);
	account->identity.epoch = (uint64_t)sqlite3_column_int64(statement, 5);
	account->changed_ms = sqlite3_column_int64(statement, 6);
	return account;
}

enum directory_result
directory_local_find(struct directory_local *local, const char *login,
	struct account **account_out, struct fault *fault_out)
{
	sqlite3_stmt *statement = local->statements[FIND_ACCOUNT];
	struct account *account = NULL;
	int64_t id = 0;
	int result;

	db_bind(statement, &DB_STR(login), 1);
	result = sqlite3_step(statement);
	if (result == SQLITE_ROW) {
		id = sqlite3_column_int64(statement, 0);
		account = read_account(statement, login);
	}
	sqlite3_reset(statement);
	if (result == SQLITE_DONE)
		return DIRECTORY_UNKNOWN;
	if (!account || !read_lists(local, id, account)) {
		db_fault(local->db, fault_out, "accounts.db");
		account_drop(&account);
		return DIRECTORY_DOWN;
	}
	*account_out = account;
	return DIRECTORY_FOUND;
}

bool
directory_local_logins(struct directory_local *local, const char *after, size_t max,
	struct arena *arena, struct settings_texts *logins_out, struct fault *fault_out)
{
	sqlite3_stmt *statement = local->statements[LIST_LOGINS];
	const char **logins = arena_alloc(arena, max * sizeof *logins);
	size_t count = 0;
	int result;

	db_bind(statement, (const struct db_value[]){ DB_STR(after), DB_INT(max) }, 2);
	while ((result = sqlite3_step(statement)) == SQLITE_ROW && count < max)
		logins[count++] = column_text(statement, 0, arena);
	sqlite3_reset(statement);
	if (result != SQLITE_DONE)
		return db_fault(local->db, fault_out, "accounts.db");
	*logins_out = (struct settings_texts){ .items = logins, .count = count };
	return true;
}

/* ---- as a source ----------------------------------------------------------------------------- */

static enum directory_result
find_in_source(struct directory_source *source, const char *login, struct account **account_out,
	struct fault *fault_out)
{
	return directory_local_find((struct directory_local *)source, login, account_out,
		fault_out);
}

static enum directory_result
source_has_address(struct directory_source *source, const char *address, struct fault *fault_out)
{
	struct directory_local *local = (struct directory_local *)source;
	sqlite3_stmt *statement = local->statements[HAS_ADDRESS];
	int result;

	db_bind(statement, &DB_STR(address), 1);
	result = sqlite3_step(statement);
	if (result != SQLITE_ROW && result != SQLITE_DONE)
		db_fault(local->db, fault_out, "accounts.db");
	sqlite3_reset(statement);
	if (result == SQLITE_ROW)
		return DIRECTORY_FOUND;
	return result == SQLITE_DONE ? DIRECTORY_UNKNOWN : DIRECTORY_DOWN;
}

static void
close_source(struct directory_source **source)
{
	directory_local_close((struct directory_local **)source);
}

static const struct directory_source_type local_type = {
	.name = "local",
	.find = find_in_source,
	.has_address = source_has_address,
	.close = close_source,
};

struct directory_source *
directory_local_source(struct directory_local *local)
{
	return &local->source;
}
