/* SPDX-License-Identifier: BSD-2-Clause */
/* Revoked grants: by login and epoch. */
#include "queue/revoked.h"
#include "unit.h"

#include <stdio.h>

static void
test_epochs(void **state)
{
	(void)state;
	struct revoked *revoked = revoked_new();
	assert_false(revoked_has(revoked, SPAN_LITERAL("alice"), 0));
	assert_false(revoked_is_known(revoked));
	revoked_know(revoked);
	assert_true(revoked_is_known(revoked));
	assert_false(revoked_has_credential(revoked, 7));
	revoked_add_credential(revoked, 7);
	assert_true(revoked_has_credential(revoked, 7));
	assert_false(revoked_has_credential(revoked, 8));
	assert_false(revoked_has(revoked, SPAN_LITERAL("alice"), 0));
	revoked_add(revoked, SPAN_LITERAL("alice"), 5);
	assert_true(revoked_has(revoked, SPAN_LITERAL("alice"), 4));
	assert_false(revoked_has(revoked, SPAN_LITERAL("alice"), 5));
	assert_false(revoked_has(revoked, SPAN_LITERAL("alic"), 4));
	assert_false(revoked_has(revoked, SPAN_LITERAL("bob"), 0));
	revoked_add(revoked, SPAN_LITERAL("alice"), 3); /* an old word changes nothing */
	assert_true(revoked_has(revoked, SPAN_LITERAL("alice"), 4));
	revoked_add(revoked, SPAN_LITERAL("alice"), 9);
	assert_true(revoked_has(revoked, SPAN_LITERAL("alice"), 8));
	revoked_free(&revoked);
	revoked_free(&revoked);
}

static void
test_many(void **state)
{
	(void)state;
	struct revoked *revoked = revoked_new();
	char name[20];
	for (unsigned i = 0; i < 20000; i++) {
		snprintf(name, sizeof(name), "user%u", i);
		revoked_add(revoked, span_text(name), i + 1);
	}
	for (unsigned i = 0; i < 20000; i++) {
		snprintf(name, sizeof(name), "user%u", i);
		assert_true(revoked_has(revoked, span_text(name), i));
		assert_false(revoked_has(revoked, span_text(name), i + 1));
	}
	revoked_free(&revoked);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_epochs),
		cmocka_unit_test(test_many),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
