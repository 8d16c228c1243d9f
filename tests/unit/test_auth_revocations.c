/* SPDX-License-Identifier: BSD-2-Clause */
/* Revocations are told again as long as an old grant may be about. */
#include "unit.h"

#include <stdio.h>

#include "auth/revocations.h"

enum { LIFE = 1000 };

static char told[256];

static void
tell(void *context, const char *login, uint64_t epoch)
{
	size_t length = strlen(told);

	(void)context;
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_what_still_matters),
	};

	return cmocka_run_group_tests_name("auth/revocations", tests, NULL, NULL);
}
