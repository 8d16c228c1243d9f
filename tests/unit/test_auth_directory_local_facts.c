/* SPDX-License-Identifier: BSD-2-Clause */
/* The accounts database: what is remembered of all accounts together, also over a restart. */
#include "unit.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth/directory_local_db.h"

struct place {
	char state_dir[64];
	struct directory_local *local;
	struct fault fault;
};

static int
make(void **state)
{
	struct place *place = mem_alloc(sizeof *place);

	snprintf(place->state_dir, sizeof place->state_dir, "/tmp/auth-facts-XXXXXX");
	assert_non_null(mkdtemp(place->state_dir));
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
	assert_non_null(place->local);
}

static void
make_keys(struct scram_keys keys[SCRAM_HASH_COUNT], uint32_t iterations)
{
	for (unsigned i = 0; i < SCRAM_HASH_COUNT; i++)
		scram_keys_derive(&keys[i], (enum scram_hash)i, iterations, span_text("salt"),
			span_text("password"));
}

static void
add(struct place *place, const char *login, uint32_t iterations)
{
	static const struct directory_local_settings usual = { .protocols = IDENTITY_SMTP,
		.limits = "" };
	struct scram_keys keys[SCRAM_HASH_COUNT];

	make_keys(keys, iterations);
	assert_true(directory_local_add(place->local, login, &usual, keys, &place->fault));
}

static uint64_t
take_away(struct place *place, const char *login)
{
	struct scram_keys keys[SCRAM_HASH_COUNT];
	uint64_t epoch;

	make_keys(keys, 4096);
	assert_true(directory_local_set_keys(place->local, login, keys, &epoch, &place->fault));
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
revoked_since(struct place *place, int64_t since_ms)
{
	struct told told = { .logins = "" };

	assert_true(directory_local_revoked(
		place->local, since_ms, on_revoked, &told, &place->fault));
	return told;
}

static void
what_was_taken_away_is_remembered(void **state)
{
	struct place *place = *state;
	uint64_t first;
	uint64_t second;
	uint64_t gone;

	add(place, "alice", 4096);
	add(place, "bob", 4096);
	assert_string_equal(revoked_since(place, 0).logins, "");
	first = take_away(place, "alice");
	second = take_away(place, "alice");
	assert_true(second > first);
	reopen(place);
	/* Once, with the last epoch. */
	assert_string_equal(revoked_since(place, 0).logins, "alice ");
	assert_int_equal(revoked_since(place, 0).last, second);
	assert_string_equal(revoked_since(place, INT64_MAX).logins, "");
	/* An account that is gone is the one of which nothing else tells. */
	assert_true(directory_local_delete(place->local, "bob", &gone, &place->fault));
	reopen(place);
	assert_non_null(strstr(revoked_since(place, 0).logins, "bob "));
	/* A day later nobody wants to know. */
	assert_true(db_execute(place->local->db, "UPDATE revoked SET since_ms = since_ms - 86500000",
		&place->fault));
	second = take_away(place, "alice");
	assert_string_equal(revoked_since(place, 0).logins, "alice ");
}

/* ---- keys ------------------------------------------------------------------------------------ */

static uint64_t
keys_of(struct place *place, enum scram_hash hash, uint32_t iterations)
{
	struct scram_mix mix;

	assert_true(directory_local_mix(place->local, &mix, &place->fault));
	for (size_t i = 0; i < mix.counts[hash]; i++)
		if (mix.rows[hash][i].iterations == iterations)
			return mix.rows[hash][i].keys;
	return 0;
}

static void
keys_are_counted(void **state)
{
	struct place *place = *state;
	uint64_t epoch;

	add(place, "alice", 4096);
	add(place, "bob", 4096);
	add(place, "carol", 5000);
	for (unsigned hash = 0; hash < SCRAM_HASH_COUNT; hash++) {
		assert_int_equal(keys_of(place, hash, 4096), 2);
		assert_int_equal(keys_of(place, hash, 5000), 1);
	}
	/* Replaced, and gone with their account. */
	take_away(place, "carol");
	assert_int_equal(keys_of(place, SCRAM_SHA_256, 4096), 3);
	assert_int_equal(keys_of(place, SCRAM_SHA_256, 5000), 0);
	assert_true(directory_local_delete(place->local, "alice", &epoch, &place->fault));
	reopen(place);
	assert_int_equal(keys_of(place, SCRAM_SHA_1, 4096), 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_taken_away_is_remembered, make, unmake),
		cmocka_unit_test_setup_teardown(keys_are_counted, make, unmake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
