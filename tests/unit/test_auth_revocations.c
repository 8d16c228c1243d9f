/* SPDX-License-Identifier: BSD-2-Clause */
/* Revocations are told again as long as an old grant may be about. */
#include "unit.h"

#include <stdio.h>

#include "auth/revocations.h"

enum { LIFE = 1000 };

static char told[256];

static void
tell(void *context, const char *login, uint64_t epoch, uint64_t credential)
{
	size_t length = strlen(told);

	(void)context;
	if (credential)
		snprintf(told + length, sizeof told - length, "%s/%d ", login, (int)credential);
	else
		snprintf(told + length, sizeof told - length, "%s:%d ", login, (int)epoch);
}

static const char *
told_at(struct revocations *revocations, uint64_t now)
{
	told[0] = '\0';
	revocations_each(revocations, now, tell, NULL);
	return told;
}

static void
tells_what_still_matters(void **state)
{
	struct revocations *revocations = revocations_new(LIFE);

	(void)state;
	assert_string_equal(told_at(revocations, 100), "");
	revocations_add(revocations, "alice", 1, 100);
	revocations_add(revocations, "bob", 2, 200);
	assert_string_equal(told_at(revocations, 300), "alice:1 bob:2 ");
	revocations_add(revocations, "alice", 3, 600);
	assert_string_equal(told_at(revocations, 700), "bob:2 alice:3 ");
	assert_string_equal(told_at(revocations, 200 + LIFE), "bob:2 alice:3 ");
	assert_string_equal(told_at(revocations, 200 + LIFE + 1), "alice:3 ");
	assert_string_equal(told_at(revocations, 5 * LIFE), "");
	revocations_add(revocations, "carol", 4, 5 * LIFE);
	revocations_free(&revocations);
	assert_null(revocations);
	revocations_free(&revocations);
}

static void
app_passwords_are_revoked_apart(void **state)
{
	struct revocations *revocations = revocations_new(LIFE);

	(void)state;
	revocations_add_credential(revocations, "alice", 7, 100);
	revocations_add(revocations, "alice", 1, 150);
	revocations_add_credential(revocations, "alice", 8, 200);
	assert_string_equal(told_at(revocations, 300), "alice/7 alice:1 alice/8 ");
	revocations_add(revocations, "alice", 2, 400);
	assert_string_equal(told_at(revocations, 500), "alice/7 alice/8 alice:2 ");
	revocations_free(&revocations);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_what_still_matters),
		cmocka_unit_test(app_passwords_are_revoked_apart),
	};

	return cmocka_run_group_tests_name("auth/revocations", tests, NULL, NULL);
}
