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

/*
 * A bound value that decides whether a partial index can be used, as a list would, has the statement
 * compiled anew whenever it is bound: that costs more than all the reading.
 */
static const char *const statement_texts[STATEMENT_COUNT] = {
	[FIND_ACCOUNT] = "SELECT id, disabled, expires_ms, protocols, limits, epoch, changed_ms, "
			 "app_only FROM account WHERE login = ?",
	[FIND_KEYS] = "SELECT hash, iterations, salt, stored, server FROM scram_key "
		      "WHERE account = ?",
	[FIND_TEXTS] = "SELECT text, list FROM account_text WHERE account = ? "
		       "ORDER BY list, position",
	[FIND_GROUPS] = "SELECT id, name, limits FROM group_member JOIN account_group "
			"ON id = account_group WHERE account = ? ORDER BY position LIMIT ?",
	[FIND_GROUP_TEXTS] = "SELECT text, list FROM group_text WHERE account_group = ? "
			     "ORDER BY list, position",
	[FIND_APPS] = "SELECT hash, iterations, salt, stored, server, id, label, protocols, "
		      "expires_ms, created_ms, used_ms, used_protocol, used_address "
		      "FROM app_password LEFT JOIN app_key ON app_password = id "
		      "LEFT JOIN app_salt USING (account, hash) "
		      "WHERE app_password.account = ? ORDER BY id",
	[STAND_IN] = "SELECT login FROM account "
		     "WHERE id >= ? * (SELECT max(id) FROM account) >> 32 ORDER BY id LIMIT 1",
	[LIST_LOGINS] = "SELECT login FROM account WHERE login > ? ORDER BY login LIMIT ?",
	[READ_BEGIN] = "BEGIN",
	[READ_END] = "COMMIT",
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

/* ---- all accounts ---------------------------------------------------------------------------- */

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

/*
 * An account that the name alone chooses, among all that there are, by its place in their row: as that
 * grows few names change theirs. "" if there are none.
 */
static const char *
choose_stand_in(struct directory_local *local, const char *login, struct arena *arena)
{
	static const char label[] = "stand-in";
	sqlite3_stmt *statement = local->statements[STAND_IN];
	unsigned char bytes[DIGEST_BYTES];
	const char *found = "";
	struct digest_mac mac;
	uint32_t number;

	digest_mac_init(&mac, directory_local_secret(local));
	digest_mac_add(&mac, span_of(label, sizeof label));
	digest_mac_add(&mac, span_text(login));
	digest_mac_final(&mac, bytes);
	mem_wipe(&mac, sizeof mac);
	memcpy(&number, bytes, sizeof number);
	db_bind(statement, &DB_INT(number), 1);
	if (sqlite3_step(statement) == SQLITE_ROW)
		found = directory_local_column(statement, 0, arena);
	sqlite3_reset(statement);
	return found;
}

/*
 * Reading an account takes longer than finding none, and some are longer than others. So that the
 * time does not tell who has one, each time both is done: who is nobody takes as long as somebody
 * who is chosen by the name, always the same; and who is found waits until nobody, whose name is "",
 * is not.
 */
static void
spend_the_same(struct directory_local *local, const char *login, enum directory_result result)
{
	struct arena *arena = arena_new(512);
	struct account *unused = NULL;
	const char *stand_in = choose_stand_in(local, login, arena);

	directory_local_find(local, result == DIRECTORY_FOUND ? "" : stand_in, &unused, NULL);
	account_drop(&unused);
	arena_free(&arena);
}

/* Without rows. False within a transaction that began before: it goes on. */
static bool
run_statement(struct directory_local *local, enum directory_local_statement which)
{
	int result = sqlite3_step(local->statements[which]);

	sqlite3_reset(local->statements[which]);
	return result == SQLITE_DONE;
}

/* All that is read for one name is of one moment: and to begin for each statement anew takes longer. */
static enum directory_result
find_in_source(struct directory_source *source, const char *login, struct account **account_out,
	struct fault *fault_out)
{
	struct directory_local *local = (struct directory_local *)source;
	bool began = run_statement(local, READ_BEGIN);
	enum directory_result result =
		directory_local_find(local, login, account_out, fault_out);

	if (result != DIRECTORY_DOWN)
		spend_the_same(local, login, result);
	if (began)
		run_statement(local, READ_END);
	return result;
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
