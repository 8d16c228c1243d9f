/* SPDX-License-Identifier: BSD-2-Clause */
/* xtext, ENVID and ORCPT. */
#include "unit.h"

#include "wire/xtext.h"

#define X50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X100 X50 X50

static void
test_every_byte_comes_back(void **state)
{
	struct buf coded = BUF_INIT(0);
	struct buf plain = BUF_INIT(0);
	char all[256];

	(void)state;
	for (int i = 0; i < 256; i++)
		all[i] = (char)i;
	assert_true(xtext_format(span_of(all, sizeof all), &coded));
	assert_true(span_is_printable(buf_span(&coded)));
	assert_false(span_has_byte(buf_span(&coded), ' '));
	assert_true(xtext_parse(buf_span(&coded), &plain));
	assert_int_equal(buf_length(&plain), sizeof all);
	assert_memory_equal(buf_span(&plain).start, all, sizeof all);
	buf_fini(&coded);
	buf_fini(&plain);
}

static void
test_forms(void **state)
{
	static const char *const bad[] = { "+", "+4", "+4G", "+4a", "+ZZ", "a b", "a=b", "a\tb",
		"\xc3\xa4", "\x7f", "a+2" };
	struct buf out = BUF_INIT(0);

	(void)state;
	assert_true(xtext_parse(SPAN_EMPTY, &out));
	assert_true(xtext_parse(span_text("a+2Bb+3D"), &out));
	assert_span_equal(buf_span(&out), "a+b=");
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(xtext_parse(span_text(bad[i]), &out));
	assert_span_equal(buf_span(&out), "a+b=");
	buf_fini(&out);
}

static void
test_a_full_buffer_is_left_alone(void **state)
{
	struct buf out = BUF_INIT(4);

	(void)state;
	assert_false(xtext_format(span_text("a+b"), &out));
	assert_int_equal(buf_length(&out), 0);
	assert_false(xtext_parse(span_text("abcde"), &out));
	assert_int_equal(buf_length(&out), 0);
	buf_fini(&out);
}

static void
test_envid(void **state)
{
	(void)state;
	assert_true(xtext_is_envid(span_text("QQ314159")));
	assert_true(xtext_is_envid(span_text("a+20b")));
	assert_true(xtext_is_envid(span_text(X100)));
	assert_false(xtext_is_envid(span_text(X100 "x")));  /* H2 */
	assert_false(xtext_is_envid(span_text("a+0D+0AX")));
	assert_false(xtext_is_envid(span_text("a+7F")));
	assert_false(xtext_is_envid(span_text("a+C3+A4")));
	assert_false(xtext_is_envid(SPAN_EMPTY));
}

static void
test_orcpt(void **state)
{
	static const struct {
		const char *text;
		bool ascii;
		bool utf8;
	} cases[] = {
		{ "rfc822;Bob@Example.COM", true, true },
		{ "rfc822;bob+2Bx@example.com", true, true },
		{ "x400;/C=us/", false, false },                   /* "=" must be coded */
		{ "x400;/C+3Dus/", true, true },
		{ "rfc822;a+0Ab@x", false, false },                /* H2 */
		{ "rfc822;", false, false },
		{ "a+0D;x", false, false },
		{ "rfc822", false, false },
		{ ";x", false, false },
		{ "", false, false },
		{ "rfc 822;x", false, false },
		{ "rfc822;\xc3\xa4", false, false },
		{ "utf-8;\xc3\xa4@example.net", false, true },
		{ "utf-8;\\x{E4}@example.net", true, true },
		{ "UTF-8;\\x{10FFFF}", true, true },
		{ "utf-8;\\x{110000}", false, false },
		{ "utf-8;\\x{D800}", false, false },
		{ "utf-8;\\x{DFFF}", false, false },
		{ "utf-8;\\x{E000}", true, true },
		{ "utf-8;\\x{0A}", false, false },
		{ "utf-8;\\x{A}", false, false },
		{ "utf-8;\\x{7F}", false, false },
		{ "utf-8;\\x{85}", false, false },
		{ "utf-8;\\x{e4}", false, false },
		{ "utf-8;\\x{E4", false, false },
		{ "utf-8;\\x{}", false, false },
		{ "utf-8;\\xE4", false, false },
		{ "utf-8;\\", false, false },
		{ "utf-8;\\x", false, false },
		{ "utf-8;a b", false, false },
		{ "utf-8;a+b", false, false },
		{ "utf-8;\xff", false, false },
		{ "rfc822;" X100 X100 X100 X100 X50 X50, false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		if (xtext_is_orcpt(span_text(cases[i].text), false) != cases[i].ascii)
			print_error("orcpt %s\n", cases[i].text);
		assert_int_equal(xtext_is_orcpt(span_text(cases[i].text), false), cases[i].ascii);
		assert_int_equal(xtext_is_orcpt(span_text(cases[i].text), true), cases[i].utf8);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_byte_comes_back),
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_a_full_buffer_is_left_alone),
		cmocka_unit_test(test_envid),
		cmocka_unit_test(test_orcpt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
