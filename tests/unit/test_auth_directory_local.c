/* SPDX-License-Identifier: BSD-2-Clause */
/* The accounts database: what is stored, changed and refused. */
#include "accounts_fixture.h"

#include <stdio.h>

static struct account *
find(struct accounts *accounts, const char *login)
{
	struct account *account = NULL;
	enum directory_result result =
		directory_local_find(accounts->local, login, &account, &accounts->fault);

	assert_int_equal(result, account ? DIRECTORY_FOUND : DIRECTORY_UNKNOWN);
	return account;
}

static void
add_text(struct accounts *accounts, const char *login, enum directory_list list, const char *text)
{
	assert_true(directory_local_add_text(accounts->local, login, list, text, false, &accounts->fault));
}

static void
stores_an_account_whole(void **state)
{
	struct accounts *accounts = *state;
	struct directory_local_settings settings = {
		.disabled = true,
		.expires_ms = 1234567890123,
		.protocols = IDENTITY_SMTP,
		.limits = "small",
	};
	struct scram_keys keys[SCRAM_HASH_COUNT];
	struct account *account;

	accounts_make_keys(keys, "pencil");
	assert_true(directory_local_add(accounts->local, "alice", &settings, keys, &accounts->fault));
	add_text(accounts, "alice", DIRECTORY_ADDRESSES, "alice@example.org");
	add_text(accounts, "alice", DIRECTORY_ADDRESSES, "ali@example.org");
	assert_true(directory_local_add_text(accounts->local, "alice", DIRECTORY_ADDRESSES,
		"a.smith@example.org", true, &accounts->fault));
	add_text(accounts, "alice", DIRECTORY_SEND_AS, "@lists.example.org");
	add_text(accounts, "alice", DIRECTORY_ON_BEHALF, "ceo@example.org");
	accounts_reopen(accounts);
	account = find(accounts, "alice");
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
	assert_null(find(accounts, "bob"));
}

static void
names_are_not_patterns(void **state)
{
	static const char *const names[] = {
		"*", "%", "a%", "alic_", "a' OR '1'='1", "a)(uid=*", "%{hostname}", "%s%n", "",
	};
	struct accounts *accounts = *state;

	accounts_add_with(accounts, "alice", "pencil");
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		assert_null(find(accounts, names[i]));
}

static void
says_what_is_there_already_and_what_is_not(void **state)
{
	struct accounts *accounts = *state;
	uint64_t epoch = 99;

	accounts_add_with(accounts, "alice", "pencil");
	assert_false(directory_local_add(accounts->local, "alice", &accounts_usual, NULL, &accounts->fault));
	assert_int_equal(accounts->fault.kind, FAULT_DENIED);
	assert_false(directory_local_delete(accounts->local, "bob", &epoch, &accounts->fault));
	assert_int_equal(accounts->fault.kind, FAULT_MISSING);
	assert_false(directory_local_set(accounts->local, "bob", &accounts_usual, &epoch, &accounts->fault));
	assert_int_equal(accounts->fault.kind, FAULT_MISSING);
	assert_false(directory_local_add_text(accounts->local, "bob", DIRECTORY_SEND_AS, "*", false,
		&accounts->fault));
	assert_int_equal(accounts->fault.kind, FAULT_MISSING);
	assert_false(directory_local_delete_text(accounts->local, "alice", DIRECTORY_SEND_AS, "*",
		&epoch, &accounts->fault));
	assert_int_equal(accounts->fault.kind, FAULT_MISSING);
	assert_int_equal(epoch, 99);
}

static void
an_address_has_one_owner(void **state)
{
	struct accounts *accounts = *state;
	struct account *account;

	accounts_add_with(accounts, "alice", "pencil");
	accounts_add_with(accounts, "bob", "pencil");
	add_text(accounts, "alice", DIRECTORY_ADDRESSES, "team@example.org");
	assert_false(directory_local_add_text(accounts->local, "bob", DIRECTORY_ADDRESSES,
		"TEAM@example.org", false, &accounts->fault));
	assert_int_equal(accounts->fault.kind, FAULT_DENIED);
	assert_false(directory_local_add_text(accounts->local, "alice", DIRECTORY_ADDRESSES,
		"Team@example.org", false, &accounts->fault));
	assert_int_equal(accounts->fault.kind, FAULT_DENIED);
	/* Grants are shared. */
	add_text(accounts, "alice", DIRECTORY_SEND_AS, "team@example.org");
	add_text(accounts, "bob", DIRECTORY_SEND_AS, "team@example.org");
	account = find(accounts, "bob");
	assert_int_equal(account->identity.addresses.count, 0);
	assert_int_equal(account->identity.send_as.count, 1);
	account_drop(&account);
}

static void
the_epoch_rises_when_something_is_taken_away(void **state)
{
	struct accounts *accounts = *state;
	struct directory_local_settings settings = accounts_usual;
	struct scram_keys keys[SCRAM_HASH_COUNT];
	uint64_t first;
	uint64_t last;
	uint64_t epoch;

	accounts_add_with(accounts, "alice", "pencil");
	first = accounts_epoch(accounts, "alice");
	add_text(accounts, "alice", DIRECTORY_ADDRESSES, "alice@example.org");
	settings.limits = "small";
	assert_true(directory_local_set(accounts->local, "alice", &settings, &epoch, &accounts->fault));
	assert_int_equal(epoch, 0);
	assert_int_equal(accounts_epoch(accounts, "alice"), first);

	settings.disabled = true;
	assert_true(directory_local_set(accounts->local, "alice", &settings, &epoch, &accounts->fault));
	assert_true(epoch > first);
	assert_int_equal(accounts_epoch(accounts, "alice"), epoch);
	settings.disabled = false;
	assert_true(directory_local_set(accounts->local, "alice", &settings, &epoch, &accounts->fault));
	assert_int_equal(epoch, 0);
	settings.protocols = IDENTITY_SMTP;
	assert_true(directory_local_set(accounts->local, "alice", &settings, &epoch, &accounts->fault));
	assert_true(epoch > 0);
	settings.expires_ms = 1000;
	assert_true(directory_local_set(accounts->local, "alice", &settings, &epoch, &accounts->fault));
	assert_true(epoch > 0);
	settings.expires_ms = 2000;
	assert_true(directory_local_set(accounts->local, "alice", &settings, &epoch, &accounts->fault));
	assert_int_equal(epoch, 0);

	last = accounts_epoch(accounts, "alice");
	accounts_make_keys(keys, "new");
	assert_true(directory_local_set_keys(accounts->local, "alice", keys, &epoch, &accounts->fault));
	assert_true(epoch > last);
	last = epoch;
	assert_true(directory_local_delete_text(accounts->local, "alice", DIRECTORY_ADDRESSES,
		"ALICE@example.org", &epoch, &accounts->fault));
	assert_true(epoch > last);
	last = epoch;
	assert_true(directory_local_delete(accounts->local, "alice", &epoch, &accounts->fault));
	assert_true(epoch > last);
	/* The next of the same name does not inherit the grants of the first. */
	last = epoch;
	accounts_add_with(accounts, "alice", "pencil");
	assert_true(accounts_epoch(accounts, "alice") > last);
}

static void
a_new_password_replaces_all_keys(void **state)
{
	struct accounts *accounts = *state;
	struct scram_keys keys[SCRAM_HASH_COUNT];
	struct account *account;
	uint64_t epoch;

	accounts_add_with(accounts, "alice", "pencil");
	accounts_make_keys(keys, "new");
	assert_true(directory_local_set_keys(accounts->local, "alice", keys, &epoch, &accounts->fault));
	account = find(accounts, "alice");
	for (unsigned i = 0; i < SCRAM_HASH_COUNT; i++) {
		assert_false(scram_keys_verify(&account->keys[i], span_text("pencil")));
		assert_true(scram_keys_verify(&account->keys[i], span_text("new")));
	}
	account_drop(&account);
}

static void
an_account_may_have_no_password(void **state)
{
	struct accounts *accounts = *state;
	struct account *account;

	assert_true(directory_local_add(accounts->local, "kerberos", &accounts_usual, NULL, &accounts->fault));
	account = find(accounts, "kerberos");
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
	struct accounts *accounts = *state;

	accounts_add_with(accounts, "alice", "pencil");
	for (size_t i = 0; i < sizeof spoils / sizeof spoils[0]; i++) {
		struct account *account;

		assert_true(DB_RUN(accounts->local->db, &accounts->fault, spoils[i]));
		account = find(accounts, "alice");
		assert_false(account->has_keys[SCRAM_SHA_256]);
		account_drop(&account);
	}
}

static void
one_account_cannot_hold_more_than_a_message_takes(void **state)
{
	struct accounts *accounts = *state;
	struct account *account;
	struct buf packed = BUF_INIT(0);
	char address[300];
	int count = 0;

	accounts_add_with(accounts, "alice", "pencil");
	for (; count < 5000; count++) {
		snprintf(address, sizeof address, "a%04d@%0*d.example.org", count, 200, count);
		if (!directory_local_add_text(accounts->local, "alice", DIRECTORY_ADDRESSES, address,
			    false, &accounts->fault))
			break;
	}
	assert_int_equal(accounts->fault.kind, FAULT_LIMIT);
	account = find(accounts, "alice");
	assert_int_equal(account->identity.addresses.count, count);
	identity_pack(&packed, &account->identity);
	assert_true(2 * buf_length(&packed) < 64 * 1024 - 4096);
	buf_fini(&packed);
	account_drop(&account);
}

static void
lists_logins_by_pages(void **state)
{
	struct accounts *accounts = *state;
	struct arena *arena = arena_new(0);
	struct settings_texts logins;

	accounts_add_with(accounts, "carol", "pencil");
	accounts_add_with(accounts, "alice", "pencil");
	accounts_add_with(accounts, "bob", "pencil");
	assert_true(directory_local_logins(accounts->local, "", 2, arena, &logins, &accounts->fault));
	assert_int_equal(logins.count, 2);
	assert_string_equal(logins.items[0], "alice");
	assert_string_equal(logins.items[1], "bob");
	assert_true(directory_local_logins(accounts->local, "bob", 2, arena, &logins, &accounts->fault));
	assert_int_equal(logins.count, 1);
	assert_string_equal(logins.items[0], "carol");
	arena_free(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ACCOUNTS_TEST(stores_an_account_whole),
		ACCOUNTS_TEST(names_are_not_patterns),
		ACCOUNTS_TEST(says_what_is_there_already_and_what_is_not),
		ACCOUNTS_TEST(an_address_has_one_owner),
		ACCOUNTS_TEST(the_epoch_rises_when_something_is_taken_away),
		ACCOUNTS_TEST(a_new_password_replaces_all_keys),
		ACCOUNTS_TEST(an_account_may_have_no_password),
		ACCOUNTS_TEST(spoilt_keys_are_no_keys),
		ACCOUNTS_TEST(one_account_cannot_hold_more_than_a_message_takes),
		ACCOUNTS_TEST(lists_logins_by_pages),
	};

	return cmocka_run_group_tests_name("auth/directory_local", tests, NULL, NULL);
}
