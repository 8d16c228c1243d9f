/* SPDX-License-Identifier: BSD-2-Clause */
/* Message-ID values. */
#include "unit.h"

#include "wire/message_id.h"

static void
test_forms(void **state)
{
	static const struct {
		struct span value;
		bool ascii;
		bool utf8;
		const char *id;
	} cases[] = {
		{ SPAN_LITERAL(" <a.b$c@example.org>"), true, true, "<a.b$c@example.org>" },
		{ SPAN_LITERAL("<a@b>"), true, true, "<a@b>" },
		{ SPAN_LITERAL("\r\n <a@b>  "), true, true, "<a@b>" },
		{ SPAN_LITERAL("<a@[192.0.2.1]>"), true, true, "<a@[192.0.2.1]>" },
		{ SPAN_LITERAL("<a@host_name>"), true, true, "<a@host_name>" },
		{ SPAN_LITERAL("<\xc3\xa4@b>"), false, true, "<\xc3\xa4@b>" },
		{ SPAN_LITERAL("<\xe4@b>"), false, false, NULL },
		{ SPAN_EMPTY, false, false, NULL },
		{ SPAN_LITERAL(" "), false, false, NULL },
		{ SPAN_LITERAL("a@b"), false, false, NULL },
		{ SPAN_LITERAL("<a@b"), false, false, NULL },
		{ SPAN_LITERAL("a@b>"), false, false, NULL },
		{ SPAN_LITERAL("<>"), false, false, NULL },
		{ SPAN_LITERAL("<"), false, false, NULL },
		{ SPAN_LITERAL("<a>"), false, false, NULL },
		{ SPAN_LITERAL("<@b>"), false, false, NULL },
		{ SPAN_LITERAL("<a@>"), false, false, NULL },
		{ SPAN_LITERAL("<a@b@c>"), false, false, NULL },
		{ SPAN_LITERAL("<a..b@c>"), false, false, NULL },
		{ SPAN_LITERAL("<.a@c>"), false, false, NULL },
		{ SPAN_LITERAL("<a@c.>"), false, false, NULL },
		{ SPAN_LITERAL("<a b@c>"), false, false, NULL },
		{ SPAN_LITERAL("<a@b> <c@d>"), false, false, NULL },
		{ SPAN_LITERAL("<a@b>(x)"), false, false, NULL },
		{ SPAN_LITERAL("<<a@b>>"), false, false, NULL },
		{ SPAN_LITERAL("<\"a\"@b>"), false, false, NULL },
		{ SPAN_LITERAL("<a\0@b>"), false, false, NULL },
		{ SPAN_LITERAL("<a@[b>"), false, false, NULL },
		{ SPAN_LITERAL("<a@[b]c]>"), false, false, NULL },
		{ SPAN_LITERAL("<a@[b\\]>"), false, false, NULL },
		{ SPAN_LITERAL("<a@[b c]>"), false, false, NULL },
		{ SPAN_LITERAL("<a@[b\x7f]>"), false, false, NULL },
		{ SPAN_LITERAL("<a\r\n @b>"), false, false, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct span id;

		if (message_id_parse(cases[i].value, false, &id) != cases[i].ascii)
			print_error("id %.*s\n", SPAN_PRINT(cases[i].value));
		assert_int_equal(message_id_parse(cases[i].value, false, &id), cases[i].ascii);
		assert_int_equal(message_id_parse(cases[i].value, true, &id), cases[i].utf8);
		if (cases[i].id)
			assert_span_equal(id, cases[i].id);
	}
}

static void
test_length(void **state)
{
	char text[MESSAGE_ID_MAX_BYTES + 1];
	struct span id;

	(void)state;
	memset(text, 'a', sizeof text);
	text[0] = '<';
	text[1] = 'b';
	text[2] = '@';
	text[MESSAGE_ID_MAX_BYTES - 1] = '>';
	assert_true(message_id_parse(span_of(text, MESSAGE_ID_MAX_BYTES), false, &id));
	text[MESSAGE_ID_MAX_BYTES - 1] = 'a';
	text[MESSAGE_ID_MAX_BYTES] = '>';
	assert_false(message_id_parse(span_of(text, MESSAGE_ID_MAX_BYTES + 1), false, &id));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
