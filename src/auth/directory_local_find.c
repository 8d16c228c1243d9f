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

struct grants_read {
	struct identity_grant items[IDENTITY_TEXTS_MAX];
	size_t count;
};

/* What is read of one account, and how far it came. */
struct reading {
	struct directory_local *local;
	struct account *account;
	int64_t id;
	int64_t group_ids[IDENTITY_TEXTS_MAX];
	const char *groups[IDENTITY_TEXTS_MAX];
	const char *addresses[IDENTITY_TEXTS_MAX];
	size_t address_count;
	struct grants_read send_as;
	struct grants_read on_behalf;
};

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

/* An address, or a pattern of the account (group 0), or of the group at place group - 1. */
static bool
add_text(struct reading *reading, enum directory_list list, const char *text, uint16_t group)
{
	struct grants_read *grants =
		list == DIRECTORY_SEND_AS ? &reading->send_as : &reading->on_behalf;

	if (list == DIRECTORY_ADDRESSES) {
		if (reading->address_count == IDENTITY_TEXTS_MAX)
			return false;
		reading->addresses[reading->address_count++] = text;
		return true;
	}
	if (grants->count == IDENTITY_TEXTS_MAX)
		return false;
	grants->items[grants->count++] = identity_grant_make(reading->account->arena, text,
		&reading->account->identity.groups, group);
	return true;
}

/* All lists in one; more than the room that each has is refused when they are changed. */
static bool
read_texts(struct reading *reading, uint16_t group)
{
	sqlite3_stmt *statement =
		reading->local->statements[group ? FIND_GROUP_TEXTS : FIND_TEXTS];
	int64_t id = group ? reading->group_ids[group - 1] : reading->id;
	int result;

	db_bind(statement, &DB_INT(id), 1);
	while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
		const char *text = directory_local_column(statement, 0, reading->account->arena);

		if (!add_text(reading, (enum directory_list)sqlite3_column_int(statement, 1), text,
			    group))
			break;
	}
	sqlite3_reset(statement);
	return result == SQLITE_DONE;
}

static struct identity_grants
keep_grants(struct arena *arena, const struct grants_read *grants)
{
	return (struct identity_grants){
		.items = arena_dup(arena, grants->items, grants->count * sizeof grants->items[0]),
		.count = grants->count,
	};
}

static bool
read_all_texts(struct reading *reading)
{
	struct identity *identity = &reading->account->identity;
	struct arena *arena = reading->account->arena;

	for (size_t group = 0; group <= identity->groups.count; group++) {
		if (!read_texts(reading, (uint16_t)group))
			return false;
	}
	identity->addresses = (struct settings_texts){
		.items = arena_dup(arena, reading->addresses,
			reading->address_count * sizeof(char *)),
		.count = reading->address_count,
	};
	identity->send_as = keep_grants(arena, &reading->send_as);
	identity->on_behalf = keep_grants(arena, &reading->on_behalf);
	return true;
}

static bool
read_lists(struct directory_local *local, int64_t id, struct account *account)
{
	struct reading reading; /* large, and each part is written before it is read */

	reading.local = local;
	reading.account = account;
	reading.id = id;
	reading.address_count = 0;
	reading.send_as.count = 0;
	reading.on_behalf.count = 0;
	return read_keys(local, id, account) == SQLITE_DONE && read_groups(&reading) &&
		read_all_texts(&reading) && directory_local_read_apps(local, id, account);
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

