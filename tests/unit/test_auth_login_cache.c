/* SPDX-License-Identifier: BSD-2-Clause */
/* Verified logins: hit, expiry, epoch, drop, bounds. */
#include "unit.h"

#include <stdio.h>

#include "auth/login_cache.h"

enum { LIFE = 1000, MOST = 4 };

#define ALICE span_text("alice")
#define PASSWORD span_text("alicepw")

static int
make(void **state)
{
	struct login_cache *cache = login_cache_new(MOST, LIFE);

	login_cache_add(cache, ALICE, PASSWORD, 7, 0, 5000);
	*state = cache;
	return 0;
}

static int
unmake(void **state)
{
	login_cache_free((struct login_cache **)state);
	return 0;
}

static bool
has(struct login_cache *cache, struct span login, struct span password, uint64_t epoch,
	uint64_t now_ms)
{
	uint64_t credential;

	return login_cache_has(cache, login, password, epoch, now_ms, &credential);
}

static void
knows_which_credential_it_was(void **state)
{
	struct login_cache *cache = *state;
	uint64_t credential = 99;

	assert_true(login_cache_has(cache, ALICE, PASSWORD, 7, 5000, &credential));
	assert_int_equal(credential, 0);
	login_cache_add(cache, span_text("alice/phone"), PASSWORD, 7, 12, 5000);
	assert_true(login_cache_has(cache, span_text("alice/phone"), PASSWORD, 7, 5000, &credential));
	assert_int_equal(credential, 12);
}

static void
knows_only_the_pair(void **state)
{
	struct login_cache *cache = *state;

	assert_true(has(cache, ALICE, PASSWORD, 7, 5000));
	assert_false(has(cache, ALICE, span_text("alicepW"), 7, 5000));
	assert_false(has(cache, ALICE, span_text(""), 7, 5000));
	assert_false(has(cache, span_text("bob"), PASSWORD, 7, 5000));
	assert_false(has(cache, span_text("alicea"), span_text("licepw"), 7, 5000));
	/* A wrong password does not push the right one out. */
	assert_true(has(cache, ALICE, PASSWORD, 7, 5000));
}

static void
forgets_in_time(void **state)
{
	struct login_cache *cache = *state;

	assert_true(has(cache, ALICE, PASSWORD, 7, 5000 + LIFE - 1));
	assert_false(has(cache, ALICE, PASSWORD, 7, 5000 + LIFE));
	assert_int_equal(login_cache_count(cache), 0);
	login_cache_set_life(cache, 0);
	login_cache_add(cache, ALICE, PASSWORD, 7, 0, 5000);
	assert_false(has(cache, ALICE, PASSWORD, 7, 5000));
}

static void
forgets_an_older_epoch(void **state)
{
	struct login_cache *cache = *state;

	assert_false(has(cache, ALICE, PASSWORD, 8, 5000));
	assert_false(has(cache, ALICE, PASSWORD, 7, 5000));
}

static void
drops_on_demand(void **state)
{
	struct login_cache *cache = *state;

	login_cache_drop(cache, span_text("bob"));
	assert_true(has(cache, ALICE, PASSWORD, 7, 5000));
	login_cache_drop(cache, ALICE);
	assert_false(has(cache, ALICE, PASSWORD, 7, 5000));
}

static void
keeps_one_password_and_a_bounded_number(void **state)
{
	struct login_cache *cache = *state;

	login_cache_add(cache, ALICE, span_text("new"), 7, 0, 5000);
	assert_false(has(cache, ALICE, PASSWORD, 7, 5000));
	assert_true(has(cache, ALICE, span_text("new"), 7, 5000));
	for (int i = 0; i < MOST; i++) {
		char login[16];

		snprintf(login, sizeof login, "u%d", i);
		login_cache_add(cache, span_text(login), PASSWORD, 1, 0, 5000);
	}
	assert_int_equal(login_cache_count(cache), MOST);
	assert_false(has(cache, ALICE, span_text("new"), 7, 5000));
	assert_true(has(cache, span_text("u0"), PASSWORD, 1, 5000));
}

#define CACHE_TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CACHE_TEST(knows_only_the_pair),
		CACHE_TEST(knows_which_credential_it_was),
		CACHE_TEST(forgets_in_time),
		CACHE_TEST(forgets_an_older_epoch),
		CACHE_TEST(drops_on_demand),
		CACHE_TEST(keeps_one_password_and_a_bounded_number),
	};

	return cmocka_run_group_tests_name("auth/login_cache", tests, NULL, NULL);
}
