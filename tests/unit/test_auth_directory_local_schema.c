/* SPDX-License-Identifier: BSD-2-Clause */
/* Accounts of older versions, brought to this one; of newer ones, refused. */
#include "folder_fixture.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "accounts_versions.h"
#include "auth/directory_local_db.h"
#include "auth/directory_local_group.h"

struct place {
	char state_dir[64];
	char path[96];
	struct directory_local *local;
	struct fault fault;
};

static int
make(void **state)
{
	struct place *place = mem_alloc(sizeof *place);
	char directory[80];

	snprintf(place->state_dir, sizeof place->state_dir, "/tmp/auth-schema-XXXXXX");
	assert_non_null(mkdtemp(place->state_dir));
	snprintf(directory, sizeof directory, "%s/auth", place->state_dir);
	assert_int_equal(mkdir(directory, 0700), 0);
	snprintf(place->path, sizeof place->path, "%s/accounts.db", directory);
	*state = place;
	return 0;
}

static int
unmake(void **state)
{
	struct place *place = *state;

	directory_local_close(&place->local);
	remove_folder(place->state_dir);
	mem_free(&place);
	return 0;
}

static void
write_file(struct place *place, const char *first, const char *second)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(place->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, first, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, second, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void
open_place(struct place *place)
{
	place->local = directory_local_open(place->state_dir, 0, &place->fault);
	if (!place->local)
		fail_msg("%s", place->fault.text);
}

static struct account *
find(struct place *place, const char *login)
{
	struct account *account = NULL;

	assert_int_equal(directory_local_find(place->local, login, &account, &place->fault),
		DIRECTORY_FOUND);
	return account;
}

static int64_t
number(sqlite3 *db, const char *sql)
{
	struct fault fault = FAULT_INIT;
	int64_t found = -1;

	db_number(db, sql, NULL, 0, &found, &fault);
	return found;
}

/* Whatever version they came from. */
static void
assert_all_there(struct place *place)
{
	struct account *account = find(place, "alice");

	assert_true(scram_keys_verify(&account->keys[SCRAM_SHA_256], span_text("pencil")));
	assert_true(scram_keys_verify(&account->keys[SCRAM_SHA_1], span_text("pencil")));
	assert_int_equal(account->identity.addresses.count, 2);
	assert_string_equal(identity_primary(&account->identity), "alice@example.org");
	assert_int_equal(account->identity.groups.count, 2);
	assert_string_equal(account->identity.groups.items[0], "support");
	assert_string_equal(account->identity.groups.items[1], "staff");
	assert_int_equal(account->identity.send_as.count, 1);
	assert_string_equal(account->identity.send_as.items[0].pattern, "@lists.example.org");
	assert_int_equal(account->identity.send_as.items[0].group, 0);
	assert_int_equal(account->app_only, 0);
	account_drop(&account);
	account = find(place, "bob");
	assert_true(scram_keys_verify(&account->keys[SCRAM_SHA_256], span_text("rubber")));
	assert_string_equal(account->own_limits, "small");
	assert_int_equal(account->identity.protocols, IDENTITY_SMTP);
	assert_true(account->expires_ms > 0);
	assert_int_equal(account->identity.groups.count, 1);
	assert_string_equal(account->identity.on_behalf.items[0].pattern, "ceo@example.org");
	assert_int_equal(account->identity.epoch, 6);
	account_drop(&account);
	account = find(place, "carol");
	assert_true(account->disabled);
	account_drop(&account);
}

/* One group for all who were in it, whatever the case it was written in. */
static void
assert_groups_are_there(struct place *place)
{
	struct arena *arena = arena_new(0);
	struct settings_texts texts;

	assert_true(directory_local_groups(place->local, "", 10, arena, &texts, &place->fault));
	assert_int_equal(texts.count, 2);
	assert_string_equal(texts.items[0], "staff");
	assert_true(directory_local_members(place->local, "Staff", "", 10, arena, &texts,
		&place->fault));
	assert_int_equal(texts.count, 2);
	assert_int_equal(number(place->local->db, "SELECT count(*) FROM account_text WHERE list = 1"),
		0);
	arena_free(&arena);
}

static void
assert_migrated(struct place *place, int from)
{
	char copy[128];
	char wanted[128];
	sqlite3 *db;

	open_place(place);
	assert_all_there(place);
	assert_groups_are_there(place);
	assert_int_equal(number(place->local->db, "PRAGMA user_version"), 3);
	assert_int_equal(number(place->local->db, "SELECT sum(keys) FROM scram_count"), 6);
	directory_local_close(&place->local);
	/* The copy is what was there; opened again, nothing is left to do. */
	snprintf(copy, sizeof copy, "%s.v%d", place->path, from);
	assert_int_equal(sqlite3_open_v2(copy, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	snprintf(wanted, sizeof wanted,
		"SELECT count(*) FROM account_text, pragma_user_version WHERE list = 1 "
		"AND user_version = %d",
		from);
	assert_int_equal(number(db, wanted), 3);
	sqlite3_close(db);
	assert_int_equal(unlink(copy), 0);
	open_place(place);
	assert_all_there(place);
	assert_int_equal(access(copy, F_OK), -1);
}

static void
version_1_is_migrated(void **state)
{
	write_file(*state, accounts_version_1, "");
	assert_migrated(*state, 1);
}

static void
version_2_is_migrated(void **state)
{
	struct place *place = *state;

	write_file(place, accounts_version_1, accounts_version_2);
	assert_migrated(place, 2);
	assert_int_equal(number(place->local->db, "SELECT count(*) FROM revoked"), 2);
}

/* The last of the steps fails: nothing is changed, nothing is left beside. */
static void
what_cannot_be_migrated_stays(void **state)
{
	struct place *place = *state;
	char copy[128];
	sqlite3 *db;

	write_file(place, accounts_version_1, "CREATE TABLE known_recipient (a);");
	assert_null(directory_local_open(place->state_dir, 0, &place->fault));
	snprintf(copy, sizeof copy, "%s.v1", place->path);
	assert_int_equal(access(copy, F_OK), -1);
	assert_int_equal(sqlite3_open(place->path, &db), SQLITE_OK);
	assert_int_equal(number(db, "PRAGMA user_version"), 1);
	assert_int_equal(number(db, "SELECT count(*) FROM account_text WHERE list = 1"), 3);
	sqlite3_close(db);
}

static void
a_newer_version_is_refused(void **state)
{
	struct place *place = *state;

	write_file(place, "PRAGMA user_version = 4", "");
	assert_null(directory_local_open(place->state_dir, 0, &place->fault));
	assert_int_equal(place->fault.kind, FAULT_CONFIG);
	assert_non_null(strstr(place->fault.text, "schema version 4"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(version_1_is_migrated, make, unmake),
		cmocka_unit_test_setup_teardown(version_2_is_migrated, make, unmake),
		cmocka_unit_test_setup_teardown(what_cannot_be_migrated_stays, make, unmake),
		cmocka_unit_test_setup_teardown(a_newer_version_is_refused, make, unmake),
	};

	return cmocka_run_group_tests_name("auth/directory_local_schema", tests, NULL, NULL);
}
