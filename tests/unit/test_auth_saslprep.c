/* SPDX-License-Identifier: BSD-2-Clause */
/* SASLprep: the examples of RFC 4013 3, and every table it prohibits. */
#include "unit.h"

#include "auth/saslprep.h"

struct prep_case {
	const char *raw;
	const char *wanted; /* NULL: refused */
};

static const struct prep_case cases[] = {
	/* RFC 4013 3 */
	{ "I\xc2\xadX", "IX" },
	{ "user", "user" },
	{ "USER", "USER" },
	{ "\xc2\xaa", "a" },
	{ "\xe2\x85\xa8", "IX" },
	{ "\x07", NULL },
	{ "\xd8\xa7\x31", NULL },
	/* mapping */
	{ "a\xc2\xa0" "b", "a b" },
	{ "a\xe3\x80\x80" "b", "a b" },
	{ "a\xe2\x80\x8b" "b", "a b" },
	{ "a\xe2\x81\xa0" "b", "ab" },
	{ " outer ", " outer " },
	{ "mu\xcc\x88ller", "m\xc3\xbcller" },
	{ "\xef\xbc\xa1", "A" },
	{ "\xf0\x9f\x94\x91", "\xf0\x9f\x94\x91" }, /* newer than Unicode 3.2 */
	{ "\xd8\xa7\xd8\xa8", "\xd8\xa7\xd8\xa8" },
	{ "\xd8\xa7" "a\xd8\xa8", NULL },
	/* nothing left, prohibited, malformed */
	{ "", NULL },
	{ "\xc2\xad", NULL },
	{ "secret\n", NULL },
	{ "se\x7f", NULL },
	{ "a\xc2\x85", NULL },
	{ "a\xee\x80\x80", NULL },
	{ "a\xef\xbf\xbe", NULL },
	{ "a\xef\xbf\xbd", NULL },
	{ "a\xe2\x80\xae" "b", NULL },
	{ "a\xf3\xa0\x81\x81", NULL },
	{ "a\xed\xa0\x80", NULL },
	{ "caf\xe9", NULL },
};

static void
prepares_passwords(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct secret *secret = saslprep(span_text(cases[i].raw));

		assert_int_equal(secret != NULL, cases[i].wanted != NULL);
		if (secret)
			assert_span_equal(secret_span(secret), cases[i].wanted);
		secret_free(&secret);
	}
}

static void
bounds_the_length(void **state)
{
	char raw[PASSWORD_MAX_BYTES + 1];
	struct secret *secret;

	(void)state;
	memset(raw, 'x', sizeof raw);
	assert_null(saslprep(span_of(raw, sizeof raw)));
	secret = saslprep(span_of(raw, PASSWORD_MAX_BYTES));
	assert_int_equal(secret_span(secret).length, PASSWORD_MAX_BYTES);
	secret_free(&secret);
	assert_null(saslprep(span_of("alicepw\0evil", 12)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prepares_passwords),
		cmocka_unit_test(bounds_the_length),
	};

	return cmocka_run_group_tests_name("auth/saslprep", tests, NULL, NULL);
}
