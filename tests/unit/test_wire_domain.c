/* SPDX-License-Identifier: BSD-2-Clause */
/* Domain names, literals and the names clients greet with. */
#include "unit.h"

#include "wire/domain.h"
#include "wire/octet.h"
#include "wire/utf8.h"

#define X60 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static void
test_names(void **state)
{
	static const struct {
		const char *text;
		const char *name; /* NULL: refused */
	} cases[] = {
		{ "Example.ORG", "example.org" },
		{ "localhost", "localhost" },
		{ "a-b.c", "a-b.c" },
		{ "1and1.example", "1and1.example" },
		{ "1.2.3.4", NULL },
		{ "example.123", NULL },
		{ "", NULL },
		{ ".", NULL },
		{ "a.", NULL },
		{ ".a", NULL },
		{ "a..b", NULL },
		{ "-a.b", NULL },
		{ "a-.b", NULL },
		{ "a_b.c", NULL },
		{ "a b.c", NULL },
		{ "XN--exmple-cua.ORG", "xn--exmple-cua.org" },
		{ "xn--EXMPLE-cua.org", "xn--exmple-cua.org" },
		{ "xn--a.org", NULL },
		{ "b\xc3\xbc" "cher.example", "xn--bcher-kva.example" },
		{ "bu\xcc\x88" "cher.example", NULL }, /* not NFC */
		{ "\xd7\x90.example", "xn--4db.example" },
		{ "\xd7\x90" "a.example", NULL },  /* mixed directions */
		{ X60 "xxx.example", X60 "xxx.example" },
		{ X60 "xxxx.example", NULL },
	};
	char name[DOMAIN_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		bool good = domain_parse(span_text(cases[i].text), name);

		if (good != (cases[i].name != NULL))
			print_error("domain %s\n", cases[i].text);
		assert_int_equal(good, cases[i].name != NULL);
		if (good)
			assert_string_equal(name, cases[i].name);
	}
	assert_false(domain_parse(SPAN_LITERAL("a\0b.example"), name));
	assert_false(domain_parse(SPAN_LITERAL("\xc3\xbc\0b.example"), name));
}

static void
test_longest_name_is_253(void **state)
{
	char text[DOMAIN_MAX_BYTES + 1];
	char name[DOMAIN_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = i % 50 == 49 ? '.' : 'a';
	assert_true(domain_parse(span_of(text, DOMAIN_MAX_BYTES), name));
	assert_int_equal(strlen(name), DOMAIN_MAX_BYTES);
	assert_false(domain_parse(span_of(text, DOMAIN_MAX_BYTES + 1), name));
}

static void
test_unicode_names_are_capped(void **state)
{
	char text[4000];
	char name[DOMAIN_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof text; i += 2)
		memcpy(text + i, "\xc3\xa4", 2);
	assert_false(domain_parse(span_of(text, sizeof text), name));
	assert_false(domain_parse(span_of(text, 120), name)); /* its A-label is over 63 */
}

static void
test_greetings(void **state)
{
	static const struct {
		struct span text;
		bool good;
	} cases[] = {
		{ SPAN_LITERAL("mail.example.org"), true },
		{ SPAN_LITERAL("localhost"), true },
		{ SPAN_LITERAL("MY_LAPTOP"), true },
		{ SPAN_LITERAL("192.168.1.5"), true },
		{ SPAN_LITERAL("[192.168.1.5]"), true },
		{ SPAN_LITERAL("[IPv6:fe80::1]"), true },
		{ SPAN_LITERAL("a b"), false },                         /* H1, all below */
		{ SPAN_LITERAL("[1.2.3.4"), false },
		{ SPAN_LITERAL("x\0y"), false },
		{ SPAN_LITERAL("(evil) by good"), false },
		{ SPAN_LITERAL("x\rReceived: evil"), false },
		{ SPAN_LITERAL("x\r\tby evil"), false },
		{ SPAN_LITERAL("%n%s"), false },
		{ SPAN_LITERAL("m\xc3\xbcller.example"), false },
		{ SPAN_LITERAL("x;y=z"), false },
		{ SPAN_LITERAL(""), false },
		{ SPAN_LITERAL("-x"), false },
		{ SPAN_LITERAL("x."), false },
		{ SPAN_LITERAL("[IPv6:fe80::1%eth0]"), false },
		{ SPAN_LITERAL("x@y"), false },
		{ SPAN_LITERAL("<x>"), false },
	};
	char longest[600];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_int_equal(domain_is_greeting(cases[i].text), cases[i].good);
	memset(longest, 'a', sizeof longest);
	assert_false(domain_is_greeting(span_of(longest, sizeof longest)));
}

static void
test_below(void **state)
{
	(void)state;
	assert_true(domain_is_below(span_text("a.example.org"), span_text("example.org")));
	assert_false(domain_is_below(span_text("example.org"), span_text("example.org")));
	assert_false(domain_is_below(span_text("xexample.org"), span_text("example.org")));
	assert_false(domain_is_below(span_text(".example.org"), span_text("example.org")));
	assert_false(domain_is_below(span_text("a.example.org"), span_text("")));
}

static void
test_octets_against_the_rfc(void **state)
{
	static const char atext[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
				    "!#$%&'*+-/=?^_`{|}~";

	(void)state;
	for (int byte = 0; byte < 256; byte++) {
		char c = (char)byte;

		assert_int_equal(octet_is_atext(c), byte != 0 && strchr(atext, byte) != NULL);
		assert_int_equal(octet_is_ftext(c), byte >= 33 && byte <= 126 && byte != ':');
		assert_int_equal(octet_is_control(c), byte < 32 || byte == 127);
		assert_int_equal(octet_is_8bit(c), byte > 127);
	}
	assert_int_equal(octet_hex_value('f'), 15);
	assert_int_equal(octet_hex_value('A'), 10);
	assert_int_equal(octet_hex_value('9'), 9);
	assert_int_equal(octet_hex_value('g'), -1);
}

static void
test_utf8_text(void **state)
{
	(void)state;
	assert_true(utf8_is_valid(SPAN_EMPTY));
	assert_true(utf8_is_valid(span_text("\xf0\x9f\x93\xa7")));
	assert_false(utf8_is_valid(span_text("\xf4\x90\x80\x80")));
	assert_true(utf8_is_nfc(SPAN_EMPTY));
	assert_true(utf8_is_nfc(span_text("\xc3\xa9")));
	assert_false(utf8_is_nfc(span_text("e\xcc\x81")));
	assert_false(utf8_is_nfc(span_text("\xff")));
	assert_false(utf8_has_deceptive(span_text("plain ASCII \t\n is not its affair")));
	assert_false(utf8_has_deceptive(span_text("\xe7\x94\xa8\xe6\x88\xb7")));
	assert_true(utf8_has_deceptive(span_text("\xe2\x81\xa6")));
}

static void
test_normal_form_of_long_text(void **state)
{
	char text[1000];

	(void)state;
	for (size_t i = 0; i < sizeof text; i += 2)
		memcpy(text + i, "\xc3\xa9", 2);
	assert_true(utf8_is_nfc(span_of(text, sizeof text)));
	memcpy(text + sizeof text - 3, "e\xcc\x81", 3);
	assert_false(utf8_is_nfc(span_of(text, sizeof text)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_longest_name_is_253),
		cmocka_unit_test(test_unicode_names_are_capped),
		cmocka_unit_test(test_greetings),
		cmocka_unit_test(test_below),
		cmocka_unit_test(test_octets_against_the_rfc),
		cmocka_unit_test(test_utf8_text),
		cmocka_unit_test(test_normal_form_of_long_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
