/* SPDX-License-Identifier: BSD-2-Clause */
/* Logical lines: what Postfix makes of comments, blank lines and continuations. */
#include "unit.h"

#include "filter/text_lines.h"

struct wanted {
	unsigned line;
	const char *text;
};

static void
lines_are_put_together(void **state)
{
	static const struct {
		const char *file;
		struct wanted wanted[4];
	} cases[] = {
		{ "", { { 0, NULL } } },
		{ "\n \n\t\n# c\n  # c\n", { { 0, NULL } } },
		{ "a b", { { 1, "a b" } } },
		{ "a b\n", { { 1, "a b" } } },
		{ "a b\r\nc d\r\n", { { 1, "a b\r" }, { 2, "c d\r" } } },
		{ "#\na b\n\nc d\n", { { 2, "a b" }, { 4, "c d" } } },
		{ "a\n b\n\tc\nd e\n", { { 1, "a b\tc" }, { 4, "d e" } } },
		/* comments and blank lines part nothing */
		{ "a b,\n# c\n c\n\n d\ne f\n", { { 1, "a b, c d" }, { 6, "e f" } } },
		{ "a b\n  # c\nc d\n", { { 1, "a b" }, { 3, "c d" } } },
		{ "a #b\n", { { 1, "a #b" } } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct text_lines lines = text_lines_start(span_text(cases[i].file));
		const struct wanted *wanted = cases[i].wanted;
		struct span text;
		unsigned line = 0;

		for (; wanted->text; wanted++) {
			assert_int_equal(text_lines_next(&lines, &text, &line), TEXT_LINES_DONE);
			assert_span_equal(text, wanted->text);
			assert_int_equal(line, wanted->line);
		}
		assert_int_equal(text_lines_next(&lines, &text, &line), TEXT_LINES_END);
		assert_int_equal(text_lines_next(&lines, &text, &line), TEXT_LINES_END);
		text_lines_fini(&lines);
	}
}

static void
what_is_no_line(void **state)
{
	static const struct {
		struct span file;
		unsigned line;
	} cases[] = {
		{ SPAN_LITERAL(" a b\n"), 1 },
		{ SPAN_LITERAL("#\n\n\ta b\n"), 3 },
		{ SPAN_LITERAL("a\0b c\n"), 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct text_lines lines = text_lines_start(cases[i].file);
		struct span text;
		unsigned line = 0;

		assert_int_equal(text_lines_next(&lines, &text, &line), TEXT_LINES_BAD);
		assert_int_equal(line, cases[i].line);
		text_lines_fini(&lines);
	}
}

static void
blanks_are_trimmed(void **state)
{
	static const struct {
		const char *text;
		const char *rest;
	} cases[] = {
		{ "", "" },
		{ " \t\r\n\v\f", "" },
		{ "a", "a" },
		{ "\v a\tb \r\n", "a\tb" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_span_equal(text_lines_trim(span_text(cases[i].text)), cases[i].rest);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_put_together),
		cmocka_unit_test(what_is_no_line),
		cmocka_unit_test(blanks_are_trimmed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
