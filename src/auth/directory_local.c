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
	[FIND_ACCOUNT] = "SELECT id, disabled, expires_ms, protocols, limits, epoch, changed_ms, "
			 "app_only FROM account WHERE login = ?",
	[FIND_KEYS] = "SELECT hash, iterations, salt, stored, server FROM scram_key "
		      "WHERE account = ?",
	[FIND_TEXTS] = "SELECT text FROM account_text WHERE account = ? AND list = ? "
		       "ORDER BY position LIMIT ?",
	[FIND_GROUPS] = "SELECT id, name, limits FROM group_member JOIN account_group "
			"ON id = account_group WHERE account = ? ORDER BY position LIMIT ?",
	[FIND_GROUP_TEXTS] = "SELECT text FROM group_text WHERE account_group = ? AND list = ? "
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
			!directory_local_migrate(local->db, path, directory_local_steps,
				DIRECTORY_SCHEMA_VERSION, fault_out) ||
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

/* ---- lists and groups ------------------------------------------------------------------------ */

/* What is read of one account, and how far it came. */
struct reading {
	struct directory_local *local;
	struct account *account;
	int64_t id;
	int64_t group_ids[IDENTITY_TEXTS_MAX];
	const char *groups[IDENTITY_TEXTS_MAX];
	struct identity_grant grants[IDENTITY_TEXTS_MAX];
	size_t grant_count;
};

static bool
read_addresses(struct reading *reading)
{
	sqlite3_stmt *statement = reading->local->statements[FIND_TEXTS];
	struct account *account = reading->account;
	const char *found[IDENTITY_TEXTS_MAX];
	size_t count = 0;
	int result;

	db_bind(statement,
		(const struct db_value[]){ DB_INT(reading->id), DB_INT(DIRECTORY_ADDRESSES),
			DB_INT(IDENTITY_TEXTS_MAX) },
		3);
	while ((result = sqlite3_step(statement)) == SQLITE_ROW && count < IDENTITY_TEXTS_MAX)
		found[count++] = directory_local_column(statement, 0, account->arena);
	sqlite3_reset(statement);
	account->identity.addresses = (struct settings_texts){
		.items = arena_dup(account->arena, found, count * sizeof found[0]),
		.count = count,
	};
	return result == SQLITE_DONE;
}

/* The account's own limits, or else those of the first group that has some. */
static bool
read_groups(struct reading *reading)
{
	sqlite3_stmt *statement = reading->local->statements[FIND_GROUPS];
	struct account *account = reading->account;
	struct identity *identity = &account->identity;
	size_t count = 0;
	int result;

	db_bind(statement,
		(const struct db_value[]){ DB_INT(reading->id), DB_INT(IDENTITY_TEXTS_MAX) }, 2);
	while ((result = sqlite3_step(statement)) == SQLITE_ROW && count < IDENTITY_TEXTS_MAX) {
		reading->group_ids[count] = sqlite3_column_int64(statement, 0);
		reading->groups[count++] = directory_local_column(statement, 1, account->arena);
		if (!identity->limits[0])
			identity->limits = directory_local_column(statement, 2, account->arena);
	}
	sqlite3_reset(statement);
	identity->groups = (struct settings_texts){
		.items = arena_dup(account->arena, reading->groups, count * sizeof(char *)),
		.count = count,
	};
	return result == SQLITE_DONE;
}

/* Patterns of the account (group 0), or of the group at place group - 1. */
static bool
add_grants(struct reading *reading, enum directory_list list, uint16_t group)
{
	sqlite3_stmt *statement =
		reading->local->statements[group ? FIND_GROUP_TEXTS : FIND_TEXTS];
	int64_t id = group ? reading->group_ids[group - 1] : reading->id;
	struct arena *arena = reading->account->arena;
	int result;

	db_bind(statement,
		(const struct db_value[]){ DB_INT(id), DB_INT(list), DB_INT(IDENTITY_TEXTS_MAX) },
		3);
	while ((result = sqlite3_step(statement)) == SQLITE_ROW &&
		reading->grant_count < IDENTITY_TEXTS_MAX)
		reading->grants[reading->grant_count++] =
			identity_grant_make(arena, directory_local_column(statement, 0, arena),
				&reading->account->identity.groups, group);
	sqlite3_reset(statement);
	return result == SQLITE_DONE;
}

static bool
read_grants(struct reading *reading, enum directory_list list, struct identity_grants *grants_out)
{
	size_t groups = reading->account->identity.groups.count;

	reading->grant_count = 0;
	for (size_t group = 0; group <= groups; group++) {
		if (!add_grants(reading, list, (uint16_t)group))
			return false;
	}
	*grants_out = (struct identity_grants){
		.items = arena_dup(reading->account->arena, reading->grants,
			reading->grant_count * sizeof reading->grants[0]),
		.count = reading->grant_count,
	};
	return true;
}

static bool
read_lists(struct directory_local *local, int64_t id, struct account *account)
{
	struct identity *identity = &account->identity;
	struct reading reading; /* large, and each part is written before it is read */

	reading.local = local;
	reading.account = account;
	reading.id = id;
	return read_keys(local, id, account) == SQLITE_DONE && read_addresses(&reading) &&
		read_groups(&reading) &&
		read_grants(&reading, DIRECTORY_SEND_AS, &identity->send_as) &&
		read_grants(&reading, DIRECTORY_ON_BEHALF, &identity->on_behalf);
}

static struct account *
read_account(sqlite3_stmt *statement, const char *login)
{
	struct account *account = account_new();

	account->identity.login = arena_strdup(account->arena, login);
	account->disabled = sqlite3_column_int(statement, 1) != 0;
	account->expires_ms = sqlite3_column_int64(statement, 2);
	account->identity.protocols = (uint8_t)sqlite3_column_int(statement, 3);
	account->own_limits = directory_local_column(statement, 4, account->arena);
	account->identity.limits = account->own_limits;
	account->identity.epoch = (uint64_t)sqlite3_column_int64(statement, 5);
	account->changed_ms = sqlite3_column_int64(statement, 6);
	account->app_only = (uint8_t)sqlite3_column_int(statement, 7);
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
		logins[count++] = directory_local_column(statement, 0, arena);
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
