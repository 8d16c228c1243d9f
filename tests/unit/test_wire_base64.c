/* SPDX-License-Identifier: BSD-2-Clause */
/* Base64: what is coded comes back, and nothing else than the one form is taken. */
#include "unit.h"

#include "wire/base64.h"

static void
test_there_and_back(void **state)
{
	char bytes[256];

	(void)state;
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (char)(i * 7 + 3);
	for (size_t length = 0; length <= sizeof bytes; length++) {
		struct buf coded = BUF_INIT(0);
		struct buf plain = BUF_INIT(0);
		struct secret *secret;

		assert_true(base64_format(span_of(bytes, length), &coded));
		assert_int_equal(buf_length(&coded), base64_length(length));
		assert_true(base64_parse(buf_span(&coded), &plain));
		assert_true(span_equal(buf_span(&plain), span_of(bytes, length)));
		secret = base64_parse_secret(buf_span(&coded));
		assert_non_null(secret);
		assert_true(span_equal(secret_span(secret), span_of(bytes, length)));
		secret_free(&secret);
		buf_fini(&coded);
		buf_fini(&plain);
	}
}

static void
test_known_forms(void **state)
{
	static const char *const pairs[][2] = { { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" },
		{ "foo", "Zm9v" }, { "foob", "Zm9vYg==" }, { "foobar", "Zm9vYmFy" },
		{ "\xff\xfe\xfd", "//79" }, { "\xfb\xef", "++8=" } };

	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		struct buf out = BUF_INIT(0);

		assert_true(base64_format(span_text(pairs[i][0]), &out));
		assert_span_equal(buf_span(&out), pairs[i][1]);
		buf_fini(&out);
	}
}

/* C5, and every other form that a lenient reader takes. */
static void
test_refused_forms(void **state)
{
	static const struct span bad[] = { SPAN_LITERAL("="), SPAN_LITERAL("===="),
		SPAN_LITERAL("A"), SPAN_LITERAL("AA"), SPAN_LITERAL("AAA"), SPAN_LITERAL("!!!!"),
		SPAN_LITERAL("AA==AAAA"), SPAN_LITERAL("AAA=AAAA"),
		SPAN_LITERAL("\xff\xfe\xfd\xfc"), SPAN_LITERAL("Zg==junk"),
		SPAN_LITERAL("Zg==\r\n"), SPAN_LITERAL(" Zg="), SPAN_LITERAL("Z g="),
		SPAN_LITERAL("Zg= "), SPAN_LITERAL("Zg=A"), SPAN_LITERAL("Z==="),
		SPAN_LITERAL("=AAA"), SPAN_LITERAL("A=AA"), SPAN_LITERAL("Zh=="),
		SPAN_LITERAL("Zm9="), SPAN_LITERAL("AA\0A"), SPAN_LITERAL("--__"),
		SPAN_LITERAL("Zg\0="), SPAN_LITERAL("*") };

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct buf out = BUF_INIT(0);

		assert_false(base64_parse(bad[i], &out));
		assert_int_equal(buf_length(&out), 0);
		assert_null(base64_parse_secret(bad[i]));
		buf_fini(&out);
	}
}

static void
test_a_full_buffer_is_left_alone(void **state)
{
	struct buf out = BUF_INIT(3);

	(void)state;
	assert_false(base64_format(span_text("a"), &out));
	assert_false(base64_parse(span_text("Zm9vYmFy"), &out));
	assert_int_equal(buf_length(&out), 0);
	assert_true(base64_parse(span_text("Zm9v"), &out));
	assert_span_equal(buf_span(&out), "foo");
	buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_known_forms),
		cmocka_unit_test(test_refused_forms),
		cmocka_unit_test(test_a_full_buffer_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
