/* SPDX-License-Identifier: BSD-2-Clause */
/* Login names with and without a realm. */
#include "unit.h"

#include "filter/login.h"

static void
realms(void **state)
{
	static const struct {
		const char *realm;
		enum filter_realm rule;
		const char *given;
		const char *login;
	} cases[] = {
		{ "example.org", FILTER_REALM_STRIP, "alice", "alice" },
		{ "example.org", FILTER_REALM_STRIP, "alice@Example.ORG", "alice" },
		{ "example.org", FILTER_REALM_STRIP, "alice@other.org", "alice@other.org" },
		{ "example.org", FILTER_REALM_STRIP, "alice@sub.example.org", "alice@sub.example.org" },
		{ "example.org", FILTER_REALM_STRIP, "alice-example.org", "alice-example.org" },
		{ "example.org", FILTER_REALM_STRIP, "@example.org", "@example.org" },
		{ "example.org", FILTER_REALM_STRIP, "a@b@example.org", "a@b" },
		{ "", FILTER_REALM_STRIP, "alice@mail.example.org", "alice" },
		{ "example.org", FILTER_REALM_KEEP, "alice@example.org", "alice@example.org" },
		{ "example.org", FILTER_REALM_ADD, "alice", "alice@example.org" },
		{ "example.org", FILTER_REALM_ADD, "alice@other.org", "alice@other.org" },
		{ "", FILTER_REALM_ADD, "alice", "alice@mail.example.org" },
	};
	struct arena *arena = arena_new(0);

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct settings settings = { .hostname = "mail.example.org",
			.sasl.realm = cases[i].realm, .filter.login_realm = cases[i].rule };

		assert_string_equal(login_of(cases[i].given, &settings, arena), cases[i].login);
	}
	arena_free(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(realms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
