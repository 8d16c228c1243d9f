/* SPDX-License-Identifier: BSD-2-Clause */
/* Words in address fields that get a domain, and all that is left as it is. */
#include "unit.h"

#include "wire/address_qualify.h"

static const struct {
	const char *value;
	const char *qualified; /* NULL: nothing is changed */
} cases[] = {
	{ " scanner", " scanner@d.org" },
	{ " scan.ner ", " scan.ner@d.org " },
	{ " Third floor <scanner>", " Third floor <scanner@d.org>" },
	{ " \"Scan, ner\" < scanner >", " \"Scan, ner\" < scanner@d.org >" },
	{ " a, b@c.org,c", " a@d.org, b@c.org,c@d.org" },
	{ " a,\r\n b", " a@d.org,\r\n b@d.org" },
	{ " a@c.org, <b>\r\n", " a@c.org, <b@d.org>\r\n" },
	{ "", NULL },
	{ " ", NULL },
	{ ",", NULL },
	{ " a@c.org", NULL },
	{ " two words", NULL },
	{ " .a", NULL },
	{ " a..b", NULL },
	{ " a.", NULL },
	{ " <>", NULL },
	{ " <a> b", NULL },
	{ " <a> \"b\"", NULL },
	{ " <a> <b>", NULL },
	{ " <a", NULL },
	{ "<a", NULL }, /* nothing before it may be read */
	{ "<\"a>", NULL },
	{ " a>", NULL },
	{ " x@y <a>", NULL },
	{ " \"x@y\" <a>", " \"x@y\" <a@d.org>" },
	{ " a (comment)", NULL },
	{ " (a, b) c", NULL },
	{ " friends: a, b;", NULL },
	{ " undisclosed-recipients:;", NULL },
	{ " \"quoted\"", NULL },
	{ " \"open", NULL },
	{ " a\\", NULL },
	{ " b\xfc" "ro", NULL },
	{ " [a]", NULL },
};

static void
words_get_a_domain(void **state)
{
	struct buf out = BUF_INIT(0);

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		print_message("%s\n", cases[i].value);
		assert_int_equal(address_qualify(span_text(cases[i].value), "d.org", &out),
			cases[i].qualified != NULL);
		if (cases[i].qualified)
			assert_span_equal(buf_span(&out), cases[i].qualified);
	}
	buf_fini(&out);
}

/* Linear in time, and whatever does not fit changes nothing. */
static void
caps(void **state)
{
	static char many[64 * 1024];
	struct buf out = BUF_INIT(sizeof many);

	(void)state;
	for (size_t i = 0; i < sizeof many; i++)
		many[i] = i % 2 ? ',' : 'a';
	assert_false(address_qualify(span_of(many, sizeof many), "d.org", &out));
	memset(many, '(', sizeof many);
	assert_false(address_qualify(span_of(many, sizeof many), "d.org", &out));
	memset(many, '<', sizeof many);
	assert_false(address_qualify(span_of(many, sizeof many), "d.org", &out));
	buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_get_a_domain),
		cmocka_unit_test(caps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
