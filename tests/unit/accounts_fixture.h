/* SPDX-License-Identifier: BSD-2-Clause */
/* An accounts database of a test's own, in a folder that goes with it. */
#ifndef TESTS_UNIT_ACCOUNTS_FIXTURE_H
#define TESTS_UNIT_ACCOUNTS_FIXTURE_H

#include "folder_fixture.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "auth/directory_local_db.h"

struct accounts {
	char state_dir[64];
	char file[96];
	struct directory_local *local;
	struct fault fault;
};

static inline void
accounts_reopen(struct accounts *accounts)
{
	directory_local_close(&accounts->local);
	accounts->local = directory_local_open(accounts->state_dir, 0, &accounts->fault);
	assert_non_null(accounts->local);
}

static inline int
accounts_make(void **state)
{
	struct accounts *accounts = mem_alloc(sizeof *accounts);

	snprintf(accounts->state_dir, sizeof accounts->state_dir, "/tmp/auth-accounts-XXXXXX");
	assert_non_null(mkdtemp(accounts->state_dir));
	snprintf(accounts->file, sizeof accounts->file, "%s/auth/accounts.db",
		accounts->state_dir);
	accounts_reopen(accounts);
	*state = accounts;
	return 0;
}

static inline int
accounts_unmake(void **state)
{
	struct accounts *accounts = *state;

	directory_local_close(&accounts->local);
	remove_folder(accounts->state_dir);
	mem_free(&accounts);
	return 0;
}

static const struct directory_local_settings accounts_usual = {
	.protocols = IDENTITY_SMTP | IDENTITY_IMAP | IDENTITY_POP3,
	.limits = "",
};

/* Without a password. */
static inline void
accounts_add(struct accounts *accounts, const char *login)
{
	assert_true(directory_local_add(accounts->local, login, &accounts_usual, NULL,
		&accounts->fault));
}

static inline void
accounts_make_keys(struct scram_keys keys[SCRAM_HASH_COUNT], const char *password)
{
	for (unsigned i = 0; i < SCRAM_HASH_COUNT; i++)
		scram_keys_derive(&keys[i], (enum scram_hash)i, 4096,
			span_text(i ? "salt one" : "salt two"), span_text(password));
}

static inline void
accounts_add_with(struct accounts *accounts, const char *login, const char *password)
{
	struct scram_keys keys[SCRAM_HASH_COUNT];

	accounts_make_keys(keys, password);
	assert_true(directory_local_add(accounts->local, login, &accounts_usual, keys,
		&accounts->fault));
}

static inline struct account *
accounts_find(struct accounts *accounts, const char *login)
{
	struct account *account = NULL;

	assert_int_equal(directory_local_find(accounts->local, login, &account, &accounts->fault),
		DIRECTORY_FOUND);
	return account;
}

static inline uint64_t
accounts_epoch(struct accounts *accounts, const char *login)
{
	struct account *account = accounts_find(accounts, login);
	uint64_t epoch = account->identity.epoch;

	account_drop(&account);
	return epoch;
}

#define ACCOUNTS_TEST(name) cmocka_unit_test_setup_teardown(name, accounts_make, accounts_unmake)

#endif
