/* SPDX-License-Identifier: BSD-2-Clause */
/* The local directory: one account, as the database has it. */
#include <string.h>

#include "auth/directory_local_db.h"

/* ---- keys ------------------------------------------------------------------------------------ */

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

bool
directory_local_read_keys(sqlite3_stmt *statement, struct scram_keys *keys_out)
{
	struct scram_keys keys = { .iterations = (uint32_t)sqlite3_column_int64(statement, 1) };
	const char *name = (const char *)sqlite3_column_text(statement, 0);
	size_t size;
	bool good;

	if (!scram_hash_find(span_text(name), &keys.hash) ||
		keys.iterations < SCRAM_ITERATIONS_MIN || keys.iterations > SCRAM_ITERATIONS_MAX)
		return false;
	size = scram_hash_bytes(keys.hash);
	good = column_bytes(statement, 2, keys.salt, 1, sizeof keys.salt, &keys.salt_length) &&
		column_bytes(statement, 3, keys.stored, size, size, &size) &&
		column_bytes(statement, 4, keys.server, size, size, &size);
	if (good)
		*keys_out = keys;
	mem_wipe(&keys, sizeof keys);
	return good;
}

static int
read_keys(struct directory_local *local, int64_t id, struct account *account)
{
	sqlite3_stmt *statement = local->statements[FIND_KEYS];
	struct scram_keys keys;
	int result;

	db_bind(statement, &DB_INT(id), 1);
	while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
		if (directory_local_read_keys(statement, &keys)) {
			account->keys[keys.hash] = keys;
			account->has_keys[keys.hash] = true;
		}
	}
	mem_wipe(&keys, sizeof keys);
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
		read_groups(&reading) && directory_local_read_apps(local, id, account) &&
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

