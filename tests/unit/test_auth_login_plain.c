/* SPDX-License-Identifier: BSD-2-Clause */
/* PLAIN messages: C5 and C8 of the attack catalogue, after base64. */
#include "unit.h"

#include "auth/login_plain.h"

#define BYTES(text) { text, sizeof(text) - 1 }

struct plain_case {
	struct span message;
	enum login_plain_result wanted;
};

static const struct plain_case cases[] = {
	{ BYTES("\0alice\0alicepw"), LOGIN_PLAIN_GOOD },
	{ BYTES("alice\0alice\0alicepw"), LOGIN_PLAIN_GOOD },
	{ BYTES("bob\0alice\0alicepw"), LOGIN_PLAIN_GOOD },
	{ BYTES("\0alice\0 pass word "), LOGIN_PLAIN_GOOD },
	{ BYTES("\0m\xc3\xbcller\0p\xc3\xa4ss"), LOGIN_PLAIN_GOOD },
	/* C5: not the form */
	{ BYTES(""), LOGIN_PLAIN_SYNTAX },
	{ BYTES("alice"), LOGIN_PLAIN_SYNTAX },
	{ BYTES("\0"), LOGIN_PLAIN_SYNTAX },
	{ BYTES("\0\0"), LOGIN_PLAIN_REFUSED },
	{ BYTES("\0\0\0"), LOGIN_PLAIN_SYNTAX },
	{ BYTES("\0alice"), LOGIN_PLAIN_SYNTAX },
	{ BYTES("\0alice\0"), LOGIN_PLAIN_REFUSED },
	{ BYTES("\0\0alicepw"), LOGIN_PLAIN_REFUSED },
	{ BYTES("\0alice\0alicepw\0evil"), LOGIN_PLAIN_SYNTAX },
	{ BYTES("\0alice\0x\0alicepw"), LOGIN_PLAIN_SYNTAX },
	{ BYTES("\0alice\0alicepw\0"), LOGIN_PLAIN_SYNTAX },
	/* C8: the form, but no name or password is like that */
	{ BYTES("\0alice\r\nX\0alicepw"), LOGIN_PLAIN_REFUSED },
	{ BYTES("\0alice\n\0alicepw"), LOGIN_PLAIN_REFUSED },
	{ BYTES("\0alice\r\0alicepw"), LOGIN_PLAIN_REFUSED },
	{ BYTES("\0 alice\0alicepw"), LOGIN_PLAIN_REFUSED },
	{ BYTES("\0alice \0alicepw"), LOGIN_PLAIN_REFUSED },
	{ BYTES("\0alice\t\0alicepw"), LOGIN_PLAIN_REFUSED },
	{ BYTES("\0alice\x7f\0alicepw"), LOGIN_PLAIN_REFUSED },
	{ BYTES("\0alice\0alicepw\n"), LOGIN_PLAIN_REFUSED },
	{ BYTES("\0alice\0alice\x1bpw"), LOGIN_PLAIN_REFUSED },
	{ BYTES("alice\n\0alice\0alicepw"), LOGIN_PLAIN_REFUSED },
	{ BYTES(" alice\0alice\0alicepw"), LOGIN_PLAIN_REFUSED },
};

static void
judges_the_message(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct login_plain plain;

		assert_int_equal(login_plain_parse(cases[i].message, &plain), cases[i].wanted);
	}
}

static void
takes_the_parts_apart(void **state)
{
	struct login_plain plain;

	(void)state;
	assert_int_equal(login_plain_parse(SPAN_LITERAL("bob\0alice\0secret"), &plain),
		LOGIN_PLAIN_GOOD);
	assert_span_equal(plain.authzid, "bob");
	assert_span_equal(plain.login, "alice");
	assert_span_equal(plain.password, "secret");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(judges_the_message),
		cmocka_unit_test(takes_the_parts_apart),
	};

	return cmocka_run_group_tests_name("auth/login_plain", tests, NULL, NULL);
}
