/* SPDX-License-Identifier: BSD-2-Clause */
/* The accounts database: what is remembered of all accounts together, also over a restart. */
#include "accounts_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void
make_keys(struct scram_keys keys[SCRAM_HASH_COUNT], uint32_t iterations)
{
	for (unsigned i = 0; i < SCRAM_HASH_COUNT; i++)
		scram_keys_derive(&keys[i], (enum scram_hash)i, iterations, span_text("salt"),
			span_text("password"));
}

static void
add(struct accounts *accounts, const char *login, uint32_t iterations)
{
	static const struct directory_local_settings usual = { .protocols = IDENTITY_SMTP,
		.limits = "" };
	struct scram_keys keys[SCRAM_HASH_COUNT];

	make_keys(keys, iterations);
	assert_true(directory_local_add(accounts->local, login, &usual, keys, &accounts->fault));
}

static uint64_t
take_away(struct accounts *accounts, const char *login)
{
	struct scram_keys keys[SCRAM_HASH_COUNT];
	uint64_t epoch;

	make_keys(keys, 4096);
	assert_true(directory_local_set_keys(accounts->local, login, keys, &epoch, &accounts->fault));
	return epoch;
}

/* ---- what was taken away --------------------------------------------------------------------- */

struct told {
	char logins[256];
	uint64_t last;
};

static void
on_revoked(void *context, const char *login, uint64_t epoch)
{
	struct told *told = context;

	strcat(told->logins, login);
	strcat(told->logins, " ");
	told->last = epoch;
}

static struct told
revoked_since(struct accounts *accounts, int64_t since_ms)
{
	struct told told = { .logins = "" };

	assert_true(directory_local_revoked(
		accounts->local, since_ms, on_revoked, &told, &accounts->fault));
	return told;
}

static void
what_was_taken_away_is_remembered(void **state)
{
	struct accounts *accounts = *state;
	uint64_t first;
	uint64_t second;
	uint64_t gone;

	add(accounts, "alice", 4096);
	add(accounts, "bob", 4096);
	assert_string_equal(revoked_since(accounts, 0).logins, "");
	first = take_away(accounts, "alice");
	second = take_away(accounts, "alice");
	assert_true(second > first);
	accounts_reopen(accounts);
	/* Once, with the last epoch. */
	assert_string_equal(revoked_since(accounts, 0).logins, "alice ");
	assert_int_equal(revoked_since(accounts, 0).last, second);
	assert_string_equal(revoked_since(accounts, INT64_MAX).logins, "");
	/* An account that is gone is the one of which nothing else tells. */
	assert_true(directory_local_delete(accounts->local, "bob", &gone, &accounts->fault));
	accounts_reopen(accounts);
	assert_non_null(strstr(revoked_since(accounts, 0).logins, "bob "));
	/* A day later nobody wants to know. */
	assert_true(db_execute(accounts->local->db, "UPDATE revoked SET since_ms = since_ms - 86500000",
		&accounts->fault));
	second = take_away(accounts, "alice");
	assert_string_equal(revoked_since(accounts, 0).logins, "alice ");
}

/* ---- keys ------------------------------------------------------------------------------------ */

static uint64_t
keys_of(struct accounts *accounts, enum scram_hash hash, uint32_t iterations)
{
	struct scram_mix mix;

	assert_true(directory_local_mix(accounts->local, &mix, &accounts->fault));
	for (size_t i = 0; i < mix.counts[hash]; i++)
		if (mix.rows[hash][i].iterations == iterations)
			return mix.rows[hash][i].keys;
	return 0;
}

static void
keys_are_counted(void **state)
{
	struct accounts *accounts = *state;
	uint64_t epoch;

	add(accounts, "alice", 4096);
	add(accounts, "bob", 4096);
	add(accounts, "carol", 5000);
	for (unsigned hash = 0; hash < SCRAM_HASH_COUNT; hash++) {
		assert_int_equal(keys_of(accounts, hash, 4096), 2);
		assert_int_equal(keys_of(accounts, hash, 5000), 1);
	}
	/* Replaced, and gone with their account. */
	take_away(accounts, "carol");
	assert_int_equal(keys_of(accounts, SCRAM_SHA_256, 4096), 3);
	assert_int_equal(keys_of(accounts, SCRAM_SHA_256, 5000), 0);
	assert_true(directory_local_delete(accounts->local, "alice", &epoch, &accounts->fault));
	accounts_reopen(accounts);
	assert_int_equal(keys_of(accounts, SCRAM_SHA_1, 4096), 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ACCOUNTS_TEST(what_was_taken_away_is_remembered),
		ACCOUNTS_TEST(keys_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
