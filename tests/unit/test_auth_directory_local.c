/* SPDX-License-Identifier: BSD-2-Clause */
/* The accounts database: what is stored, changed, refused, locked and migrated. */
#include "unit.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/directory_local.h"
#include "auth/directory_local_db.h"

struct place {
	char state_dir[64];
	char file[96];
	struct directory_local *local;
	struct fault fault;
};

static const struct directory_local_settings usual = {
	.protocols = IDENTITY_SMTP | IDENTITY_IMAP | IDENTITY_POP3,
	.limits = "",
};

static void
make_keys(struct scram_keys keys[SCRAM_HASH_COUNT], const char *password)
{
	for (unsigned i = 0; i < SCRAM_HASH_COUNT; i++)
		scram_keys_derive(&keys[i], (enum scram_hash)i, 4096,
			span_text(i ? "salt one" : "salt two"), span_text(password));
}

static int
make(void **state)
{
	struct place *place = mem_alloc(sizeof *place);

	snprintf(place->state_dir, sizeof place->state_dir, "/tmp/auth-local-XXXXXX");
	assert_non_null(mkdtemp(place->state_dir));
	snprintf(place->file, sizeof place->file, "%s/auth/accounts.db", place->state_dir);
	place->local = directory_local_open(place->state_dir, 0, &place->fault);
	assert_non_null(place->local);
	*state = place;
	return 0;
}

static int
delete_one(const char *path, const struct stat *stat, int kind, struct FTW *walk)
{
	(void)stat;
	(void)kind;
	(void)walk;
	return remove(path);
}

static int
unmake(void **state)
{
	struct place *place = *state;

	directory_local_close(&place->local);
	nftw(place->state_dir, delete_one, 8, FTW_DEPTH | FTW_PHYS);
	mem_free(&place);
	return 0;
}

static void
reopen(struct place *place)
{
	directory_local_close(&place->local);
	place->local = directory_local_open(place->state_dir, 0, &place->fault);
}

static struct account *
find(struct place *place, const char *login)
{
	struct account *account = NULL;
	enum directory_result result =
		directory_local_find(place->local, login, &account, &place->fault);

	assert_int_equal(result, account ? DIRECTORY_FOUND : DIRECTORY_UNKNOWN);
	return account;
}

static void
add(struct place *place, const char *login)
{
	struct scram_keys keys[SCRAM_HASH_COUNT];

	make_keys(keys, "pencil");
	assert_true(directory_local_add(place->local, login, &usual, keys, &place->fault));
}

static void
add_text(struct place *place, const char *login, enum directory_list list, const char *text)
{
	assert_true(directory_local_add_text(place->local, login, list, text, false, &place->fault));
}

static void
stores_an_account_whole(void **state)
{
	struct place *place = *state;
	struct directory_local_settings settings = {
		.disabled = true,
		.expires_ms = 1234567890123,
		.protocols = IDENTITY_SMTP,
		.limits = "small",
	};
	struct scram_keys keys[SCRAM_HASH_COUNT];
	struct account *account;

	make_keys(keys, "pencil");
	assert_true(directory_local_add(place->local, "alice", &settings, keys, &place->fault));
	add_text(place, "alice", DIRECTORY_ADDRESSES, "alice@example.org");
	add_text(place, "alice", DIRECTORY_ADDRESSES, "ali@example.org");
	assert_true(directory_local_add_text(place->local, "alice", DIRECTORY_ADDRESSES,
		"a.smith@example.org", true, &place->fault));
	add_text(place, "alice", DIRECTORY_SEND_AS, "@lists.example.org");
	add_text(place, "alice", DIRECTORY_ON_BEHALF, "ceo@example.org");
	reopen(place);
	account = find(place, "alice");
	assert_true(account->disabled);
	assert_int_equal(account->expires_ms, 1234567890123);
	assert_int_equal(account->identity.protocols, IDENTITY_SMTP);
	assert_string_equal(account->identity.login, "alice");
	assert_string_equal(account->identity.limits, "small");
	assert_int_equal(account->identity.addresses.count, 3);
	assert_string_equal(identity_primary(&account->identity), "a.smith@example.org");
	assert_string_equal(account->identity.addresses.items[1], "alice@example.org");
	assert_string_equal(account->identity.addresses.items[2], "ali@example.org");
	assert_string_equal(account->identity.send_as.items[0].pattern, "@lists.example.org");
	assert_string_equal(account->identity.send_as.items[0].where, "directory grant");
	assert_string_equal(account->identity.on_behalf.items[0].pattern, "ceo@example.org");
	for (unsigned i = 0; i < SCRAM_HASH_COUNT; i++) {
		assert_true(account->has_keys[i]);
		assert_true(scram_keys_verify(&account->keys[i], span_text("pencil")));
	}
	account_drop(&account);
	assert_null(find(place, "bob"));
}

static void
names_are_not_patterns(void **state)
{
	static const char *const names[] = {
		"*", "%", "a%", "alic_", "a' OR '1'='1", "a)(uid=*", "%{hostname}", "%s%n", "",
	};
	struct place *place = *state;

	add(place, "alice");
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		assert_null(find(place, names[i]));
}

static void
says_what_is_there_already_and_what_is_not(void **state)
{
	struct place *place = *state;
	uint64_t epoch = 99;

	add(place, "alice");
	assert_false(directory_local_add(place->local, "alice", &usual, NULL, &place->fault));
	assert_int_equal(place->fault.kind, FAULT_DENIED);
	assert_false(directory_local_delete(place->local, "bob", &epoch, &place->fault));
	assert_int_equal(place->fault.kind, FAULT_MISSING);
	assert_false(directory_local_set(place->local, "bob", &usual, &epoch, &place->fault));
	assert_int_equal(place->fault.kind, FAULT_MISSING);
	assert_false(directory_local_add_text(place->local, "bob", DIRECTORY_SEND_AS, "*", false,
		&place->fault));
	assert_int_equal(place->fault.kind, FAULT_MISSING);
	assert_false(directory_local_delete_text(place->local, "alice", DIRECTORY_SEND_AS, "*",
		&epoch, &place->fault));
	assert_int_equal(place->fault.kind, FAULT_MISSING);
	assert_int_equal(epoch, 99);
}

static void
an_address_has_one_owner(void **state)
{
	struct place *place = *state;
	struct account *account;

	add(place, "alice");
	add(place, "bob");
	add_text(place, "alice", DIRECTORY_ADDRESSES, "team@example.org");
	assert_false(directory_local_add_text(place->local, "bob", DIRECTORY_ADDRESSES,
		"TEAM@example.org", false, &place->fault));
	assert_int_equal(place->fault.kind, FAULT_DENIED);
	assert_false(directory_local_add_text(place->local, "alice", DIRECTORY_ADDRESSES,
		"Team@example.org", false, &place->fault));
	assert_int_equal(place->fault.kind, FAULT_DENIED);
	/* Grants are shared. */
	add_text(place, "alice", DIRECTORY_SEND_AS, "team@example.org");
	add_text(place, "bob", DIRECTORY_SEND_AS, "team@example.org");
	account = find(place, "bob");
	assert_int_equal(account->identity.addresses.count, 0);
	assert_int_equal(account->identity.send_as.count, 1);
	account_drop(&account);
}

static uint64_t
epoch_of(struct place *place, const char *login)
{
	struct account *account = find(place, login);
	uint64_t epoch = account->identity.epoch;

	account_drop(&account);
	return epoch;
}

static void
the_epoch_rises_when_something_is_taken_away(void **state)
{
	struct place *place = *state;
	struct directory_local_settings settings = usual;
	struct scram_keys keys[SCRAM_HASH_COUNT];
	uint64_t first;
	uint64_t last;
	uint64_t epoch;

	add(place, "alice");
	first = epoch_of(place, "alice");
	add_text(place, "alice", DIRECTORY_ADDRESSES, "alice@example.org");
	settings.limits = "small";
	assert_true(directory_local_set(place->local, "alice", &settings, &epoch, &place->fault));
	assert_int_equal(epoch, 0);
	assert_int_equal(epoch_of(place, "alice"), first);

	settings.disabled = true;
	assert_true(directory_local_set(place->local, "alice", &settings, &epoch, &place->fault));
	assert_true(epoch > first);
	assert_int_equal(epoch_of(place, "alice"), epoch);
	settings.disabled = false;
	assert_true(directory_local_set(place->local, "alice", &settings, &epoch, &place->fault));
	assert_int_equal(epoch, 0);
	settings.protocols = IDENTITY_SMTP;
	assert_true(directory_local_set(place->local, "alice", &settings, &epoch, &place->fault));
	assert_true(epoch > 0);
	settings.expires_ms = 1000;
	assert_true(directory_local_set(place->local, "alice", &settings, &epoch, &place->fault));
	assert_true(epoch > 0);
	settings.expires_ms = 2000;
	assert_true(directory_local_set(place->local, "alice", &settings, &epoch, &place->fault));
	assert_int_equal(epoch, 0);

	last = epoch_of(place, "alice");
	make_keys(keys, "new");
	assert_true(directory_local_set_keys(place->local, "alice", keys, &epoch, &place->fault));
	assert_true(epoch > last);
	last = epoch;
	assert_true(directory_local_delete_text(place->local, "alice", DIRECTORY_ADDRESSES,
		"ALICE@example.org", &epoch, &place->fault));
	assert_true(epoch > last);
	last = epoch;
	assert_true(directory_local_delete(place->local, "alice", &epoch, &place->fault));
	assert_true(epoch > last);
	/* The next of the same name does not inherit the grants of the first. */
	last = epoch;
	add(place, "alice");
	assert_true(epoch_of(place, "alice") > last);
}

static void
a_new_password_replaces_all_keys(void **state)
{
	struct place *place = *state;
	struct scram_keys keys[SCRAM_HASH_COUNT];
	struct account *account;
	uint64_t epoch;

	add(place, "alice");
	make_keys(keys, "new");
	assert_true(directory_local_set_keys(place->local, "alice", keys, &epoch, &place->fault));
	account = find(place, "alice");
	for (unsigned i = 0; i < SCRAM_HASH_COUNT; i++) {
		assert_false(scram_keys_verify(&account->keys[i], span_text("pencil")));
		assert_true(scram_keys_verify(&account->keys[i], span_text("new")));
	}
	account_drop(&account);
}

static void
an_account_may_have_no_password(void **state)
{
	struct place *place = *state;
	struct account *account;

	assert_true(directory_local_add(place->local, "kerberos", &usual, NULL, &place->fault));
	account = find(place, "kerberos");
	assert_false(account->has_keys[SCRAM_SHA_256] || account->has_keys[SCRAM_SHA_1]);
	account_drop(&account);
}

static void
spoilt_keys_are_no_keys(void **state)
{
	static const char *const spoils[] = {
		"UPDATE scram_key SET iterations = 0",
		"UPDATE scram_key SET iterations = 2000000000",
		"UPDATE scram_key SET stored = x'00', iterations = 4096",
		"UPDATE scram_key SET stored = zeroblob(64)",
		"UPDATE scram_key SET stored = zeroblob(32), salt = x''",
		"UPDATE scram_key SET salt = zeroblob(65)",
	};
	struct place *place = *state;

	add(place, "alice");
	for (size_t i = 0; i < sizeof spoils / sizeof spoils[0]; i++) {
		struct account *account;

		assert_true(DB_RUN(place->local->db, &place->fault, spoils[i]));
		account = find(place, "alice");
		assert_false(account->has_keys[SCRAM_SHA_256]);
		account_drop(&account);
	}
}

static void
one_account_cannot_hold_more_than_a_message_takes(void **state)
{
	struct place *place = *state;
	struct account *account;
	struct buf packed = BUF_INIT(0);
	char address[300];
	int count = 0;

	add(place, "alice");
	for (; count < 5000; count++) {
		snprintf(address, sizeof address, "a%04d@%0*d.example.org", count, 200, count);
		if (!directory_local_add_text(place->local, "alice", DIRECTORY_ADDRESSES, address,
			    false, &place->fault))
			break;
	}
	assert_int_equal(place->fault.kind, FAULT_LIMIT);
	account = find(place, "alice");
	assert_int_equal(account->identity.addresses.count, count);
	identity_pack(&packed, &account->identity);
	assert_true(2 * buf_length(&packed) < 64 * 1024 - 4096);
	buf_fini(&packed);
	account_drop(&account);
}

static void
lists_logins_by_pages(void **state)
{
	struct place *place = *state;
	struct arena *arena = arena_new(0);
	struct settings_texts logins;

	add(place, "carol");
	add(place, "alice");
	add(place, "bob");
	assert_true(directory_local_logins(place->local, "", 2, arena, &logins, &place->fault));
	assert_int_equal(logins.count, 2);
	assert_string_equal(logins.items[0], "alice");
	assert_string_equal(logins.items[1], "bob");
	assert_true(directory_local_logins(place->local, "bob", 2, arena, &logins, &place->fault));
	assert_int_equal(logins.count, 1);
	assert_string_equal(logins.items[0], "carol");
	arena_free(&arena);
}

static mode_t
mode_of(const char *path)
{
	struct stat stat_out;

	assert_int_equal(stat(path, &stat_out), 0);
	return stat_out.st_mode & 07777;
}

static void
nobody_else_can_read_it(void **state)
{
	struct place *place = *state;
	char directory[80];
	mode_t before;

	snprintf(directory, sizeof directory, "%s/auth", place->state_dir);
	assert_int_equal(mode_of(directory), 0700);
	assert_int_equal(mode_of(place->file), 0600);
	/* Also when somebody opened it up, and whatever the umask is. */
	directory_local_close(&place->local);
	assert_int_equal(chmod(directory, 0755), 0);
	assert_int_equal(chmod(place->file, 0644), 0);
	before = umask(0);
	reopen(place);
	umask(before);
	assert_int_equal(mode_of(directory), 0700);
	assert_int_equal(mode_of(place->file), 0600);
}

static bool
file_has(struct place *place, const void *wanted, size_t wanted_size)
{
	char bytes[65536];
	ssize_t size;
	int fd;

	directory_local_close(&place->local);
	fd = open(place->file, O_RDONLY);
	size = read(fd, bytes, sizeof bytes);
	close(fd);
	assert_true(size > 0);
	reopen(place);
	return memmem(bytes, (size_t)size, wanted, wanted_size) != NULL;
}

static void
no_password_is_in_the_file(void **state)
{
	struct place *place = *state;
	struct scram_keys keys[SCRAM_HASH_COUNT];
	struct scram_keys old[SCRAM_HASH_COUNT];
	uint64_t epoch;

	make_keys(keys, "correct-horse-battery");
	memcpy(old, keys, sizeof old);
	assert_true(directory_local_add(place->local, "alice", &usual, keys, &place->fault));
	assert_true(file_has(place, "SCRAM-SHA-256", 13));
	assert_false(file_has(place, "correct-horse", 13));
	/* Nor what one could be guessed from, once it has another. */
	assert_true(file_has(place, old[0].stored, 20));
	make_keys(keys, "new");
	assert_true(directory_local_set_keys(place->local, "alice", keys, &epoch, &place->fault));
	assert_false(file_has(place, old[0].stored, 20));
	assert_false(file_has(place, old[1].stored, 20));
	memcpy(old, keys, sizeof old);
	assert_true(file_has(place, old[0].stored, 20));
	assert_true(directory_local_delete(place->local, "alice", &epoch, &place->fault));
	assert_false(file_has(place, old[0].stored, 20));
}

static void
one_process_has_it(void **state)
{
	struct place *place = *state;
	struct directory_local *second =
		directory_local_open(place->state_dir, 0, &place->fault);

	assert_null(second);
	assert_int_equal(place->fault.kind, FAULT_BUSY);
	reopen(place);
	assert_non_null(place->local);
}

static void
the_decoy_secret_is_made_once(void **state)
{
	struct place *place = *state;
	unsigned char secret[DIRECTORY_SECRET_BYTES];

	memcpy(secret, directory_local_secret(place->local).start, sizeof secret);
	reopen(place);
	assert_memory_equal(secret, directory_local_secret(place->local).start, sizeof secret);
}

static void
a_newer_schema_is_refused(void **state)
{
	struct place *place = *state;

	assert_true(db_execute(place->local->db, "PRAGMA user_version = 99", &place->fault));
	reopen(place);
	assert_null(place->local);
	assert_int_equal(place->fault.kind, FAULT_CONFIG);
	assert_non_null(strstr(place->fault.text, "schema version 99"));
}

static int64_t
count_rows(sqlite3 *db, const char *sql)
{
	struct fault fault;
	int64_t count = -1;

	db_number(db, sql, NULL, 0, &count, &fault);
	return count;
}

static void
an_older_schema_is_migrated_with_a_copy(void **state)
{
	static const char *const steps[] = {
		"CREATE TABLE one (a)",
		"CREATE TABLE two (b); INSERT INTO one VALUES (2)",
		"CREATE TABLE two (b)", /* fails: it is there already */
	};
	struct place *place = *state;
	char path[96];
	char copy[128];
	char copy_1[128];
	char copy_2[128];
	sqlite3 *db;

	snprintf(path, sizeof path, "%s/other.db", place->state_dir);
	snprintf(copy, sizeof copy, "%s.v1", path);
	snprintf(copy_1, sizeof copy_1, "%s.v1.1", path);
	snprintf(copy_2, sizeof copy_2, "%s.v2", path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_true(directory_local_migrate(db, path, steps, 1, &place->fault));
	assert_int_equal(access(copy, F_OK), -1);
	assert_true(db_execute(db, "INSERT INTO one VALUES (1)", &place->fault));
	assert_true(directory_local_migrate(db, path, steps, 2, &place->fault));
	assert_int_equal(count_rows(db, "SELECT count(*) FROM one"), 2);
	assert_int_equal(count_rows(db, "PRAGMA user_version"), 2);
	/* The copy stays when another one is made. */
	assert_true(db_execute(db, "PRAGMA user_version = 1; DROP TABLE two", &place->fault));
	assert_true(directory_local_migrate(db, path, steps, 2, &place->fault));
	assert_int_equal(access(copy_1, F_OK), 0);
	assert_int_equal(unlink(copy_1), 0);
	/* A step that fails leaves the version and all rows as they were, and no copy. */
	assert_false(directory_local_migrate(db, path, steps, 3, &place->fault));
	assert_int_equal(count_rows(db, "PRAGMA user_version"), 2);
	assert_int_equal(count_rows(db, "SELECT count(*) FROM one"), 3);
	assert_int_equal(access(copy_2, F_OK), -1);
	sqlite3_close(db);
	assert_int_equal(sqlite3_open(copy, &db), SQLITE_OK);
	assert_int_equal(count_rows(db, "SELECT count(*) FROM one"), 1);
	assert_int_equal(count_rows(db, "PRAGMA user_version"), 1);
	sqlite3_close(db);
}

static void
a_spoilt_database_is_down_not_empty(void **state)
{
	struct place *place = *state;
	struct account *account = NULL;

	add(place, "alice");
	assert_true(db_execute(place->local->db, "DROP TABLE scram_key", &place->fault));
	assert_int_equal(directory_local_find(place->local, "alice", &account, &place->fault),
		DIRECTORY_DOWN);
	assert_null(account);
}

#define LOCAL_TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LOCAL_TEST(stores_an_account_whole),
		LOCAL_TEST(names_are_not_patterns),
		LOCAL_TEST(says_what_is_there_already_and_what_is_not),
		LOCAL_TEST(an_address_has_one_owner),
		LOCAL_TEST(the_epoch_rises_when_something_is_taken_away),
		LOCAL_TEST(a_new_password_replaces_all_keys),
		LOCAL_TEST(an_account_may_have_no_password),
		LOCAL_TEST(spoilt_keys_are_no_keys),
		LOCAL_TEST(one_account_cannot_hold_more_than_a_message_takes),
		LOCAL_TEST(lists_logins_by_pages),
		LOCAL_TEST(nobody_else_can_read_it),
		LOCAL_TEST(no_password_is_in_the_file),
		LOCAL_TEST(one_process_has_it),
		LOCAL_TEST(the_decoy_secret_is_made_once),
		LOCAL_TEST(a_newer_schema_is_refused),
		LOCAL_TEST(an_older_schema_is_migrated_with_a_copy),
		LOCAL_TEST(a_spoilt_database_is_down_not_empty),
	};

	return cmocka_run_group_tests_name("auth/directory_local", tests, NULL, NULL);
}
