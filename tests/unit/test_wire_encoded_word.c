/* SPDX-License-Identifier: BSD-2-Clause */
/* Encoded words: what readers would make of them. */
#include "unit.h"

#include "wire/encoded_word.h"

enum { FOUND = 1, CONTROL = 2, AT = 4, ANGLE = 8, OPAQUE = 16 };

struct word_case {
	const char *text;
	const char *decoded; /* NULL: the text itself */
	unsigned facts;
};

static const struct word_case cases[] = {
	{ "", NULL, 0 },
	{ "plain", NULL, 0 },
	{ "a@b <c>", NULL, 0 }, /* only what is encoded counts */
	{ "=?utf-8?q?a?=", "a", FOUND },
	{ "=?utf-8?q?\?=", "", FOUND },
	{ "x=?utf-8?Q?a=40b?=y", "xa@by", FOUND | AT },
	{ "=?utf-8?q?a@b?=", "a@b", FOUND | AT },
	{ "=?utf-8?q?a_b c?=", "a b c", FOUND },
	{ "=?utf-8?q?=3c?=", "<", FOUND | ANGLE },
	{ "=?utf-8?q?=3E?=", ">", FOUND | ANGLE },
	{ "=?utf-8?q?=3?=", "=3", FOUND },
	{ "=?utf-8?q?=?=", "=", FOUND },
	{ "=?utf-8?q?=C3=A4?=", "\xc3\xa4", FOUND },
	{ "=?UTF-8?B?w6Q=?=", "\xc3\xa4", FOUND },
	{ "=?us-ascii?B?QA==?=", "@", FOUND | AT },
	{ "=?us-ascii?b?YTxi?=", "a<b", FOUND | ANGLE },
	{ "=?us-ascii?b?Q A?=", "@", FOUND | AT },
	{ "=?us-ascii?b?Q?=", "", FOUND },
	/* what is none */
	{ "=?utf-8?q?=3", NULL, 0 },
	{ "=?utf-8?q?a?", NULL, 0 },
	{ "=?utf-8?q?a? =", NULL, 0 },
	{ "=?utf-8?q?a?b?=", NULL, 0 },
	{ "=?utf-8?q?a=?utf-8?q?b?=", "=?utf-8?q?ab", FOUND },
	{ "=?utf-8?q?a?= =?utf-8?q?b", "a=?utf-8?q?b", FOUND },
	{ "=?utf-8?x?=40?=", NULL, 0 },
	{ "=?utf-8?qq?=40?=", NULL, 0 },
	{ "=?utf-8?\?=40?=", NULL, 0 },
	{ "=??q?=40?=", NULL, 0 },
	{ "= ?utf-8?q?=40?=", NULL, 0 },
	/* several */
	{ "=?utf-8?q?bob?= =?utf-8?q?=40x?=", "bob@x", FOUND | AT },
	{ "=?utf-8?q?bob?=\r\n\t=?utf-8?q?=40x?=", "bob@x", FOUND | AT },
	{ "=?utf-8?q?a?==?utf-8?q?b?=", "ab", FOUND },
	{ "=?utf-8?q?a?= b", "a b", FOUND },
	{ "=?a?q?x?==?utf-8?q?=40?=", "x@", FOUND | AT | OPAQUE },
	{ "=?=?utf-8?q?=40?=", "=?@", FOUND | AT },
	{ "=?utf-8?q?=3D=3Futf-8=3Fq=3F=3D40=3F=3D?=", "=?utf-8?q?=40?=", FOUND }, /* nested: once */
	/* line ends and other control bytes */
	{ "=?utf-8?q?=0A?=", "\n", FOUND | CONTROL },
	{ "=?utf-8?q?=0d?=", "\r", FOUND | CONTROL },
	{ "=?utf-8?q?x=0By?=", "x\vy", FOUND | CONTROL },
	{ "=?utf-8?q?=1B?=", "\x1b", FOUND | CONTROL },
	{ "=?utf-8?q?=7F?=", "\x7f", FOUND | CONTROL },
	{ "=?utf-8?q?a=09b?=", "a\tb", FOUND },
	{ "=?utf-8?q?=C2=85?=", "\xc2\x85", FOUND | CONTROL },
	{ "=?utf-8?b?4oCo?=", "\xe2\x80\xa8", FOUND | CONTROL },
	{ "=?utf-8?b?4oCp?=", "\xe2\x80\xa9", FOUND | CONTROL },
	{ "=?big5?q?=0A?=", "\n", FOUND | CONTROL },
	{ "=?iso-2022-jp?q?=1B$B=0A?=", "????", FOUND | CONTROL },
	/* charsets */
	{ "=?utf-8*en?q?=40?=", "@", FOUND | AT },
	{ "=?iso-8859-15?q?=E4=40?=", "?@", FOUND | AT },
	{ "=?big5?q?=A4=40?=", "?@", FOUND | AT }, /* or one character: nobody knows */
	{ "=?ISO-2022-JP?B?GyRCJTUlcyVXJWsbKEI=?=", NULL, FOUND },
	{ "=?iso-2022-jp?q?=1B$B=40<=1B(B.?=", "????????.", FOUND },
	{ "=?iso-2022-jp?q?=1B$B=40=1B(B@?=", "???????@", FOUND | AT },
	{ "=?iso-2022-kr?q?=0E=40=0F@?=", "???@", FOUND | AT },
	{ "=?iso-2022-jp-2?q?=1B$(D=40=1B(J@?=", "????????@", FOUND | AT },
	{ "=?iso-2022-kr?q?=1B$)C@=0E@=0F?=", "????@???", FOUND | AT },
	{ "=?iso-2022-jp?q?~{@?=", "~{@", FOUND | AT },
	{ "=?iso-2022-jp?q?=1B@?=", "??", FOUND },
	{ "=?iso-2022-jp?q?=1Bx@?=", "??@", FOUND | AT },
	{ "=?hz-gb-2312?q?~{=40~}@?=", "~{@~}@", FOUND | AT | OPAQUE },
	{ "=?utf-7?q?+AEA-?=", "+AEA-", FOUND | OPAQUE },
	{ "=?utf-16?b?AEA=?=", NULL, FOUND | OPAQUE | CONTROL | AT },
	{ "=?unicode_escape?q?=5Cx40?=", "\\x40", FOUND | OPAQUE },
	{ "=?cp037?q?=7C?=", "|", FOUND | OPAQUE },
	{ "=?cp930?q?x?=", "x", FOUND | OPAQUE },
	{ "=?x?q?y?=", "y", FOUND | OPAQUE },
	{ "=?utf-8?q?=C1=80?=", "\xc1\x80", FOUND | OPAQUE }, /* an overlong "@" */
};

static unsigned
facts_of(const struct encoded_text *decoded)
{
	return (decoded->found ? FOUND : 0) | (decoded->has_control ? CONTROL : 0) |
	       (decoded->has_at ? AT : 0) | (decoded->has_angle ? ANGLE : 0) |
	       (decoded->is_opaque ? OPAQUE : 0);
}

static void
test_words(void **state)
{
	struct arena *arena = arena_new(1024);

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct span text = span_text(cases[i].text);
		struct encoded_text decoded;

		encoded_word_decode(text, arena, &decoded);
		if (facts_of(&decoded) != cases[i].facts)
			print_error("%s: %u\n", cases[i].text, facts_of(&decoded));
		assert_int_equal(facts_of(&decoded), cases[i].facts);
		assert_int_equal(encoded_word_is_in(text), decoded.found);
		assert_true(decoded.text.length <= text.length);
		if (cases[i].decoded)
			assert_span_equal(decoded.text, cases[i].decoded);
		else if (!decoded.found)
			assert_span_equal(decoded.text, cases[i].text);
	}
	arena_free(&arena);
}

static void
test_open_words(void **state)
{
	static const char *const open[] = { "=?", "a=?b", "=?utf-8?q?x", "=?utf-8\"?q?x?", "=?a?=",
		"=?utf-8?q?a?= =?", "=?utf-8?q?a?b?=" };
	static const char *const whole[] = { "", "a", "=", "=\\?", "=?utf-8?q?a?=",
		"=?utf-8?q?a=?=", "x=?utf-8?q?a?==?utf-8?b?eA==?=y" };

	(void)state;
	for (size_t i = 0; i < sizeof open / sizeof open[0]; i++)
		assert_true(encoded_word_is_open(span_text(open[i])));
	for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++)
		assert_false(encoded_word_is_open(span_text(whole[i])));
}

/* Cut anywhere, a word is decoded or it is none. */
static void
test_every_prefix(void **state)
{
	static const char whole[] = "=?utf-8?q?a=40b?=";
	struct arena *arena = arena_new(1024);
	struct encoded_text decoded;

	(void)state;
	for (size_t length = 0; length < sizeof whole - 1; length++) {
		encoded_word_decode(span_of(whole, length), arena, &decoded);
		assert_int_equal(facts_of(&decoded), 0);
		assert_int_equal(decoded.text.length, length);
	}
	arena_free(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_open_words),
		cmocka_unit_test(test_every_prefix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
