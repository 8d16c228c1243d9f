/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers, spans, UTF-8, and what is escaped for a line of print. */
#include "unit.h"

#include "base/text.h"

static void
numbers(void **state)
{
	static const struct {
		const char *text;
		uint64_t max;
		bool good;
		uint64_t number;
	} cases[] = {
		{ "0", 10, true, 0 },
		{ "10", 10, true, 10 },
		{ "11", 10, false, 0 },
		{ "007", 10, true, 7 },
		{ "", 10, false, 0 },
		{ "-1", 10, false, 0 },
		{ "+1", 10, false, 0 },
		{ " 1", 10, false, 0 },
		{ "1 ", 10, false, 0 },
		{ "0x10", 100, false, 0 },
		{ "18446744073709551615", UINT64_MAX, true, UINT64_MAX },
		{ "18446744073709551616", UINT64_MAX, false, 0 },
		{ "99999999999999999999", UINT64_MAX, false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		uint64_t number = 4711;

		assert_int_equal(text_parse_number(span_text(cases[i].text), cases[i].max, &number),
			cases[i].good);
		assert_int_equal(number, cases[i].good ? cases[i].number : 4711);
	}
}

static void
spans(void **state)
{
	struct span rest;

	(void)state;
	assert_span_equal(span_cut(span_text("a=b=c"), '=', &rest), "a");
	assert_span_equal(rest, "b=c");
	assert_span_equal(span_cut(span_text("abc"), '=', &rest), "abc");
	assert_int_equal(rest.length, 0);
	assert_span_equal(span_trim(span_text(" \t x y \t")), "x y");
	assert_span_equal(span_trim(span_text(" \t ")), "");
	assert_true(span_equal(SPAN_EMPTY, span_text("")));
	assert_true(span_equal_nocase(span_text("AbC"), span_text("aBc")));
	assert_false(span_equal_nocase(span_text("\xc3\x84"), span_text("\xc3\xa4")));
	assert_true(span_starts_nocase(span_text("MAIL FROM:"), "mail "));
	assert_false(span_starts(span_text("MA"), "MAIL"));
	assert_int_equal(span_find(span_text("abc"), 'd'), 3);
	assert_true(span_is_printable(span_text("a b~")));
	assert_false(span_is_printable(span_text("a\tb")));
	assert_false(span_is_printable(span_text("a\x7f")));
}

static void
utf8(void **state)
{
	static const struct {
		const char *text;
		size_t length;
		uint32_t point;
	} cases[] = {
		{ "a", 1, 'a' },
		{ "\xc3\xa4z", 2, 0xe4 },
		{ "\xe2\x82\xac", 3, 0x20ac },
		{ "\xf0\x9f\x98\x80", 4, 0x1f600 },
		{ "\xf4\x8f\xbf\xbf", 4, 0x10ffff },
		{ "\xf4\x90\x80\x80", 0, 0 },   /* beyond the last */
		{ "\xed\xa0\x80", 0, 0 },       /* half of a pair */
		{ "\xc0\x80", 0, 0 },           /* too long a form */
		{ "\xe0\x80\xaf", 0, 0 },
		{ "\xf0\x80\x80\xaf", 0, 0 },
		{ "\x80", 0, 0 },
		{ "\xff", 0, 0 },
		{ "\xc3", 0, 0 },               /* cut */
		{ "\xe2\x82", 0, 0 },
		{ "\xc3" "a", 0, 0 },
		{ "", 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		uint32_t point = 0;

		assert_int_equal(text_utf8(span_text(cases[i].text), &point), cases[i].length);
		assert_int_equal(point, cases[i].point);
	}
}

static void
escape(void **state)
{
	char line[16];

	(void)state;
	assert_int_equal(text_escape(SPAN_LITERAL("a\r\n\0"), line, sizeof line), 13);
	assert_string_equal(line, "a\\x0d\\x0a\\x00");
	text_escape(SPAN_LITERAL("b\\c\x9b"), line, sizeof line);
	assert_string_equal(line, "b\\x5cc\\x9b");
	/* Never half an escape at the end. */
	assert_int_equal(text_escape(SPAN_LITERAL("abcdefghijkl\n"), line, sizeof line), 12);
	assert_int_equal(text_hex("\x01\xff", 2, line, sizeof line), 4);
	assert_string_equal(line, "01ff");
}

static void
flatten(void **state)
{
	char line[16];

	(void)state;
	assert_int_equal(text_flatten(SPAN_LITERAL("a\nb\\x0d\r\x9b\0"), line, sizeof line), 10);
	assert_string_equal(line, "a b\\x0d???");
	assert_int_equal(text_flatten(SPAN_LITERAL("0123456789abcdefg"), line, sizeof line), 15);
	assert_string_equal(line, "0123456789abcde");
	assert_int_equal(text_flatten(SPAN_EMPTY, line, sizeof line), 0);
	assert_string_equal(line, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(spans),
		cmocka_unit_test(utf8),
		cmocka_unit_test(escape),
		cmocka_unit_test(flatten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
