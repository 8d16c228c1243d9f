/* SPDX-License-Identifier: BSD-2-Clause */
/* Logins: one canonical form, and what is refused (C8 of the attack catalogue). */
#include "unit.h"

#include "auth/login_name.h"

struct name_case {
	const char *raw;
	const char *wanted; /* NULL: refused */
};

static const struct name_case cases[] = {
	{ "alice", "alice" },
	{ "Alice", "alice" },
	{ "ALICE@Example.ORG", "alice" },
	{ "alice@other.example", "alice@other.example" },
	{ "@example.org", "@example.org" },
	{ "alice@example.org@example.org", "alice@example.org" },
	{ "al ice", "al ice" },
	{ "a'; DROP TABLE account; --", "a'; drop table account; --" },
	/* letters beyond ASCII: NFC, their case is theirs */
	{ "m\xc3\xbcller", "m\xc3\xbcller" },
	{ "mu\xcc\x88ller", "m\xc3\xbcller" },
	{ "M\xc3\x9cLLER", "m\xc3\x9cller" },
	{ "T\xcc\x88", "\xe1\xba\x97" }, /* composes in lower case alone */
	/* C8 */
	{ "", NULL },
	{ "alice\n", NULL },
	{ "alice\r", NULL },
	{ "alice\r\nX", NULL },
	{ " alice", NULL },
	{ "alice ", NULL },
	{ "alice @example.org", NULL },
	{ "alice\t", NULL },
	{ "alice\x7f", NULL },
	{ "alice\x01", NULL },
	/* not UTF-8, overlong, and what deceives the eye */
	{ "al\xefice", NULL },
	{ "\xc1\xa1lice", NULL },
	{ "alice\xe2\x80\x8b", NULL },
	{ "al\xc2\xadice", NULL },
	{ "\xef\xbd\x81lice", NULL },
	{ "alice\xc2\xa0", NULL },
	{ "\xe2\x84\xaa", NULL }, /* the sign of the Kelvin */
};

static void
makes_one_form(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char name[LOGIN_NAME_SIZE] = "untouched";
		bool good = login_name_parse(span_text(cases[i].raw), "example.org", name);

		assert_int_equal(good, cases[i].wanted != NULL);
		assert_string_equal(name, good ? cases[i].wanted : "untouched");
	}
}

static void
bounds_the_length(void **state)
{
	char raw[LOGIN_NAME_MAX_BYTES + 1];
	char name[LOGIN_NAME_SIZE];

	(void)state;
	memset(raw, 'A', sizeof raw);
	assert_false(login_name_parse(span_of(raw, sizeof raw), "", name));
	assert_true(login_name_parse(span_of(raw, sizeof raw - 1), "", name));
	assert_int_equal(strlen(name), LOGIN_NAME_MAX_BYTES);
	assert_false(login_name_parse(span_of("alice\0x", 7), "", name));
	/* 254 bytes of decomposed letters become fewer; precomposed ones that grow are refused. */
	for (size_t i = 0; i + 3 <= sizeof raw; i += 3)
		memcpy(raw + i, "u\xcc\x88", 3);
	assert_true(login_name_parse(span_of(raw, 255), "", name));
	assert_int_equal(strlen(name), 170);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(makes_one_form),
		cmocka_unit_test(bounds_the_length),
	};

	return cmocka_run_group_tests_name("auth/login_name", tests, NULL, NULL);
}
