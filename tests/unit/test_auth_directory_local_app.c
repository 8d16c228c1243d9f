/* SPDX-License-Identifier: BSD-2-Clause */
/* App passwords in the database: one salt for all of an account, revoked for good. */
#include "accounts_fixture.h"

#include "auth/directory_local_app.h"

static const char word[] = "abcde-fghjk-mnpqr-stuvw-23456";

static void
add(struct accounts *accounts, const char *login, const char *label, const char *password)
{
	const struct directory_local_app app = { .label = label, .protocols = IDENTITY_SMTP };

	if (!directory_local_add_app(accounts->local, login, &app, span_text(password),
		    &accounts->fault))
		fail_msg("%s", accounts->fault.text);
}

static void
they_are_kept_as_keys(void **state)
{
	const struct directory_local_app phone = {
		.label = "Phone", .protocols = IDENTITY_IMAP, .expires_ms = 77, .created_ms = 5
	};
	struct accounts *accounts = *state;
	struct account *account;

	accounts_add(accounts, "alice");
	add(accounts, "alice", "scanner", word);
	assert_true(directory_local_add_app(accounts->local, "alice", &phone, span_text("other"),
		&accounts->fault));
	accounts_reopen(accounts);
	account = accounts_find(accounts, "alice");
	assert_int_equal(account->app_count, 2);
	assert_string_equal(account->apps[0].label, "scanner");
	assert_true(account->apps[0].created_ms > 0);
	assert_int_equal(account->apps[0].used_ms, 0);
	assert_int_equal(account->apps[1].protocols, IDENTITY_IMAP);
	assert_int_equal(account->apps[1].expires_ms, 77);
	assert_int_equal(account->apps[1].created_ms, 5);
	for (unsigned i = 0; i < SCRAM_HASH_COUNT; i++) {
		assert_true(scram_keys_verify(&account->apps[0].keys[i], span_text(word)));
		assert_false(scram_keys_verify(&account->apps[1].keys[i], span_text(word)));
		assert_int_equal(account->apps[0].keys[i].iterations, SCRAM_ITERATIONS_MIN);
		assert_memory_equal(account->apps[0].keys[i].salt, account->apps[1].keys[i].salt,
			SCRAM_SALT_BYTES);
	}
	assert_ptr_equal(account_find_app(account, SPAN_LITERAL("phone")), &account->apps[1]);
	assert_null(account_find_app(account, SPAN_LITERAL("pho")));
	assert_ptr_equal(account_find_app_id(account, account->apps[1].id), &account->apps[1]);
	assert_null(account_find_app_id(account, 99));
	account_drop(&account);
}

/* Nobody who asks for a salt sees that there are app passwords now. */
static void
the_first_one_takes_the_decoys_salt(void **state)
{
	struct accounts *accounts = *state;
	struct scram_keys decoy;
	struct account *account;

	accounts_add(accounts, "alice");
	add(accounts, "alice", "scanner", word);
	account = accounts_find(accounts, "alice");
	for (unsigned i = 0; i < SCRAM_HASH_COUNT; i++) {
		scram_keys_app_decoy(&decoy, (enum scram_hash)i,
			directory_local_secret(accounts->local), SPAN_LITERAL("alice"));
		assert_memory_equal(decoy.salt, account->apps[0].keys[i].salt, decoy.salt_length);
		assert_int_equal(decoy.iterations, account->apps[0].keys[i].iterations);
		assert_memory_not_equal(decoy.stored, account->apps[0].keys[i].stored, 20);
		scram_keys_app_decoy(&decoy, (enum scram_hash)i,
			directory_local_secret(accounts->local), SPAN_LITERAL("bob"));
		assert_memory_not_equal(decoy.salt, account->apps[0].keys[i].salt,
			decoy.salt_length);
	}
	account_drop(&account);
}

static void
labels_are_unique_and_their_number_is_bounded(void **state)
{
	struct directory_local_app app = { .label = "SCANNER", .protocols = 7 };
	struct accounts *accounts = *state;
	char label[16];

	accounts_add(accounts, "alice");
	accounts_add(accounts, "bob");
	add(accounts, "alice", "scanner", word);
	add(accounts, "bob", "scanner", word);
	assert_false(directory_local_add_app(accounts->local, "alice", &app, span_text("x"),
		&accounts->fault));
	assert_int_equal(accounts->fault.kind, FAULT_DENIED);
	app.label = "one";
	assert_false(directory_local_add_app(accounts->local, "carol", &app, span_text("x"),
		&accounts->fault));
	assert_int_equal(accounts->fault.kind, FAULT_MISSING);
	for (int i = 1; i < APP_PASSWORDS_MAX; i++) {
		snprintf(label, sizeof label, "device %d", i);
		add(accounts, "alice", label, word);
	}
	assert_false(directory_local_add_app(accounts->local, "alice", &app, span_text("x"),
		&accounts->fault));
	assert_int_equal(accounts->fault.kind, FAULT_LIMIT);
}

struct heard {
	char login[16];
	uint64_t id;
	int count;
};

static void
hear(void *context, const char *login, uint64_t id)
{
	struct heard *heard = context;

	snprintf(heard->login, sizeof heard->login, "%s", login);
	heard->id = id;
	heard->count++;
}

static void
a_revoked_one_is_gone_for_good(void **state)
{
	struct accounts *accounts = *state;
	struct heard heard = { .count = 0 };
	struct account *account;
	uint64_t epoch;
	uint64_t first;
	uint64_t second;

	accounts_add(accounts, "alice");
	epoch = accounts_epoch(accounts, "alice");
	add(accounts, "alice", "scanner", word);
	assert_true(directory_local_revoke_app(accounts->local, "alice", "Scanner", &first,
		&accounts->fault));
	assert_false(directory_local_revoke_app(accounts->local, "alice", "scanner", &second,
		&accounts->fault));
	assert_int_equal(accounts->fault.kind, FAULT_MISSING);
	/* The number is not given again, and the login itself loses nothing. */
	add(accounts, "alice", "scanner", word);
	account = accounts_find(accounts, "alice");
	assert_true(account->apps[0].id > first);
	assert_int_equal(account->identity.epoch, epoch);
	account_drop(&account);
	accounts_reopen(accounts);
	assert_true(directory_local_revoked_apps(accounts->local, 1, hear, &heard, &accounts->fault));
	assert_int_equal(heard.count, 1);
	assert_string_equal(heard.login, "alice");
	assert_int_equal(heard.id, first);
	assert_true(directory_local_revoked_apps(accounts->local, INT64_MAX, hear, &heard,
		&accounts->fault));
	assert_int_equal(heard.count, 1);
}

static void
they_go_with_their_account(void **state)
{
	struct accounts *accounts = *state;
	int64_t count;
	uint64_t epoch;

	accounts_add(accounts, "alice");
	add(accounts, "alice", "scanner", word);
	assert_true(directory_local_delete(accounts->local, "alice", &epoch, &accounts->fault));
	assert_true(db_number(accounts->local->db,
		"SELECT (SELECT count(*) FROM app_password) + (SELECT count(*) FROM app_key) + "
		"(SELECT count(*) FROM app_salt)",
		NULL, 0, &count, &accounts->fault));
	assert_int_equal(count, 0);
}

static void
keys_from_elsewhere_must_fit(void **state)
{
	const struct directory_local_app app = { .label = "one", .protocols = 7 };
	const struct directory_local_app other = { .label = "two", .protocols = 7 };
	struct scram_keys keys[SCRAM_HASH_COUNT];
	struct accounts *accounts = *state;

	accounts_add(accounts, "alice");
	for (unsigned i = 0; i < SCRAM_HASH_COUNT; i++)
		scram_keys_derive(&keys[i], (enum scram_hash)i, 4096, SPAN_LITERAL("salt of elsewhere"),
			span_text(word));
	assert_true(directory_local_put_app(accounts->local, "alice", &app, keys, &accounts->fault));
	keys[0].salt[0]++;
	assert_false(directory_local_put_app(accounts->local, "alice", &other, keys,
		&accounts->fault));
	assert_int_equal(accounts->fault.kind, FAULT_DENIED);
	keys[0].salt[0]--;
	assert_true(directory_local_put_app(accounts->local, "alice", &other, keys,
		&accounts->fault));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ACCOUNTS_TEST(they_are_kept_as_keys),
		ACCOUNTS_TEST(the_first_one_takes_the_decoys_salt),
		ACCOUNTS_TEST(labels_are_unique_and_their_number_is_bounded),
		ACCOUNTS_TEST(a_revoked_one_is_gone_for_good),
		ACCOUNTS_TEST(they_go_with_their_account),
		ACCOUNTS_TEST(keys_from_elsewhere_must_fit),
	};

	return cmocka_run_group_tests_name("auth/directory_local_app", tests, NULL, NULL);
}
