/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses: the envelope grammar, its limits, the canonical form, equality and patterns. */
#include "unit.h"

#include "wire/address.h"
#include "wire/address_pattern.h"

#define X10 "xxxxxxxxxx"
#define X60 X10 X10 X10 X10 X10 X10
#define X64 X60 "xxxx"
#define LABEL63 X60 "xxx"
#define DOMAIN_249 LABEL63 "." LABEL63 "." LABEL63 "." X10 X10 X10 X10 X10 "xxxxx.x"

struct path_case {
	struct span text;
	enum address_fault fault;
	const char *format;  /* what it is written as again; NULL where a fault is wanted */
};

#define GOOD(text, format) { SPAN_LITERAL(text), ADDRESS_OK, format }
#define BAD(text, fault) { SPAN_LITERAL(text), ADDRESS_##fault, NULL }

/* The numbers are those of the attack list: F senders, I recipients, H parameters. */
static const struct path_case ascii_paths[] = {
	GOOD("<alice@example.org>", "alice@example.org"),                      /* F1 */
	GOOD("<alice@EXAMPLE.ORG>", "alice@example.org"),                      /* F5 */
	GOOD("<ALICE@example.org>", "ALICE@example.org"), /* F6: kept, compared without case */
	GOOD("<alice+x@example.org>", "alice+x@example.org"),                  /* F7 */
	GOOD("<\"alice\"@example.org>", "alice@example.org"),                  /* F8 */
	GOOD("<\"a\\lice\"@example.org>", "alice@example.org"),                /* F9 */
	GOOD("<\"\\a\\l\\i\\c\\e\"@example.org>", "alice@example.org"),
	GOOD("<\"alice@example.org\"@example.com>", "\"alice@example.org\"@example.com"), /* F10 */
	BAD("<@evil.example,@b:bob@example.org>", ROUTE),                      /* F11 */
	BAD("<@b.example:alice@example.org>", ROUTE),                          /* F12 */
	GOOD("<bob%example.org@example.org>", "bob%example.org@example.org"), /* F13: as it is */
	GOOD("<example.org!bob@example.org>", "example.org!bob@example.org"),
	BAD("<bob@example.org@example.org>", DOMAIN_SYNTAX),
	BAD("<bob:alice@example.org>", LOCAL_SYNTAX),
	BAD("<alice@example.org.>", DOMAIN_SYNTAX),                            /* F14 */
	BAD("<alice@example..org>", DOMAIN_SYNTAX),
	BAD("<alice@.example.org>", DOMAIN_SYNTAX),
	BAD("alice@example.org", NO_BRACKETS),                                 /* F15 */
	BAD("< alice@example.org>", NO_BRACKETS),
	BAD("<alice@example.org >", DOMAIN_SYNTAX),
	BAD("<alice @example.org>", LOCAL_SYNTAX),
	BAD("<alice@ example.org>", DOMAIN_SYNTAX),
	BAD("<alice@example.org", NO_BRACKETS),
	BAD("<alice", LOCAL_SYNTAX),
	BAD("<", LOCAL_SYNTAX),
	BAD("", NO_BRACKETS),
	BAD("<<alice@example.org>>", LOCAL_SYNTAX),
	BAD("<alice(bob)@example.org>", LOCAL_SYNTAX),                         /* F16 */
	BAD("<alice@example.org(bob)>", DOMAIN_SYNTAX),
	BAD("<(bob)alice@example.org>", LOCAL_SYNTAX),
	BAD("<alice@example.org\x01>", DOMAIN_SYNTAX),                         /* F17 */
	BAD("<alice@example.org\0>", DOMAIN_SYNTAX),
	BAD("<alice@example.org\x7f>", DOMAIN_SYNTAX),
	BAD("<alice@example.org\t>", DOMAIN_SYNTAX),
	BAD("<ali\0ce@example.org>", LOCAL_SYNTAX),
	BAD("<\"ali\0ce\"@example.org>", LOCAL_SYNTAX),
	BAD("<\"ali\x7f\"@example.org>", LOCAL_SYNTAX),
	BAD("<\"ali\\\x7f\"@example.org>", LOCAL_SYNTAX),
	BAD("<\"ali\tce\"@example.org>", LOCAL_SYNTAX),
	BAD("<;id;>", LOCAL_SYNTAX),                                           /* F19 */
	GOOD("<\"`id`\"@example.org>", "`id`@example.org"),
	GOOD("<|id@example.org>", "|id@example.org"),
	GOOD("<-oX@example.org>", "-oX@example.org"),                          /* F19, I2 */
	GOOD("</etc/passwd@example.org>", "/etc/passwd@example.org"),          /* I2 */
	BAD("<:include:/etc/passwd>", LOCAL_SYNTAX),                           /* I1 */
	BAD("<" X64 "x@example.org>", LOCAL_LONG),                             /* F20 */
	GOOD("<" X64 "@example.org>", X64 "@example.org"),
	GOOD("<\"" X60 "x \"@example.org>", "\"" X60 "x \"@example.org"),
	BAD("<\"" X60 "xxx\"@example.org>", LOCAL_LONG),
	BAD("<\"" X64 "x\"@example.org>", LOCAL_LONG),
	BAD("<a@" LABEL63 "x.org>", DOMAIN_SYNTAX), /* F20: 64-byte label */
	GOOD("<a@" LABEL63 ".org>", "a@" LABEL63 ".org"),
	BAD("<a@" LABEL63 "." LABEL63 "." LABEL63 "." LABEL63 ">", DOMAIN_SYNTAX), /* 255 */
	GOOD("<aaaa@" DOMAIN_249 ">", "aaaa@" DOMAIN_249),                     /* a path of 256 */
	BAD("<aaaaa@" DOMAIN_249 ">", LONG),
	GOOD("<alice@[127.0.0.1]>", "alice@[127.0.0.1]"),                      /* F21, I2 */
	GOOD("<alice@[IPv6:::1]>", "alice@[IPv6:::1]"),
	GOOD("<alice@[ipv6:2001:DB8:0::1]>", "alice@[IPv6:2001:db8::1]"),
	BAD("<alice@[IPv6:zz]>", DOMAIN_SYNTAX),                               /* I1 */
	BAD("<alice@[::1]>", DOMAIN_SYNTAX),
	BAD("<alice@[127.0.0]>", DOMAIN_SYNTAX),
	BAD("<alice@[127.0.0.256]>", DOMAIN_SYNTAX),
	BAD("<alice@[127.0.0.1>", DOMAIN_SYNTAX),
	BAD("<alice@[127.0.0.1].x>", DOMAIN_SYNTAX),
	BAD("<alice@[]>", DOMAIN_SYNTAX),
	BAD("<alice@[IPv6:]>", DOMAIN_SYNTAX),
	BAD("<alice@[127.0.0.1\0]>", DOMAIN_SYNTAX),
	BAD("<alice@[IPv6:fe80::1%eth0]>", DOMAIN_SYNTAX),
	BAD("<alice@[tag:content]>", DOMAIN_SYNTAX),
	BAD("<alice@127.0.0.1>", DOMAIN_SYNTAX),
	BAD("<alice>", NO_DOMAIN),                                             /* F22 */
	BAD("<user%dom>", NO_DOMAIN),                                          /* I3 */
	BAD("<dom!user>", NO_DOMAIN),
	BAD("<\"u@dom\">", NO_DOMAIN),
	BAD("<@a:u@b>", ROUTE),
	BAD("<u@b@a>", DOMAIN_SYNTAX),
	GOOD("<postmaster>", "postmaster"),
	GOOD("<PostMaster>", "PostMaster"),
	GOOD("<>", ""),                                                        /* F23 */
	BAD("< >", NO_BRACKETS),
	BAD("<al\xc3\xaf" "ce@example.org>", NOT_ASCII),                       /* F24, I1 */
	BAD("<\"al\xc3\xaf\"@example.org>", NOT_ASCII),
	BAD("<\"al\xc3\xaf>", NOT_ASCII),
	BAD("<a@ex\xc3\xa4mple.org>", NOT_ASCII),
	BAD("<\"a\rb\"@example.org>", LOCAL_SYNTAX),                           /* I1 */
	BAD("<\"a\nb\"@example.org>", LOCAL_SYNTAX),
	BAD("<a\r@example.org>", LOCAL_SYNTAX),
	BAD("<a@example.org\nRCPT TO:<v@example.net>>", DOMAIN_SYNTAX),
	BAD("<a..b@example.org>", LOCAL_SYNTAX),
	BAD("<.a@example.org>", LOCAL_SYNTAX),
	BAD("<a.@example.org>", LOCAL_SYNTAX),
	GOOD("<\"a..b\"@example.org>", "\"a..b\"@example.org"),
	GOOD("<\".\"@example.org>", "\".\"@example.org"),
	GOOD("<\"a\\\"b\\\\c\"@example.org>", "\"a\\\"b\\\\c\"@example.org"),
	BAD("<\"\"@example.org>", LOCAL_SYNTAX),
	BAD("<\"a@example.org>", LOCAL_SYNTAX),
	BAD("<\"a\\>", LOCAL_SYNTAX),
	BAD("<\"a\\", LOCAL_SYNTAX),
	BAD("<\"a\"b@example.org>", LOCAL_SYNTAX),
	BAD("<a\"b\"@example.org>", LOCAL_SYNTAX),
	BAD("<\"a\".b@example.org>", LOCAL_SYNTAX),
	BAD("<a\\b@example.org>", LOCAL_SYNTAX),
	BAD("<a@>", DOMAIN_SYNTAX),
	BAD("<u@-bad>", DOMAIN_SYNTAX),                                        /* I1 */
	BAD("<u@bad-.example>", DOMAIN_SYNTAX),
	BAD("<u@a_b.example>", DOMAIN_SYNTAX),                                 /* I2 */
	GOOD("<u@xn--exmple-cua.org>", "u@xn--exmple-cua.org"),                /* F26, I2 */
	BAD("<u@xn--.org>", DOMAIN_SYNTAX),                                    /* F26 */
	BAD("<u@xn--\x7f.org>", DOMAIN_SYNTAX),
	BAD("<u@xn--zzzzzzzz99999.org>", DOMAIN_SYNTAX),
	BAD("<u@xn--abc.org>", DOMAIN_SYNTAX),
	GOOD("<u@r3---sn.example.org>", "u@r3---sn.example.org"),
	GOOD("<!#$%&'*+-/=?^_`{|}~@example.org>", "!#$%&'*+-/=?^_`{|}~@example.org"),
};

static const struct path_case utf8_paths[] = {
	GOOD("<al\xc3\xaf" "ce@example.org>", "al\xc3\xaf" "ce@example.org"),  /* F24, NFC */
	BAD("<ali\xcc\x88" "ce@example.org>", NOT_NORMAL),                     /* F24, NFD */
	GOOD("<\"al\xc3\xaf\"@example.org>", "al\xc3\xaf@example.org"),
	GOOD("<\"al\xc3\xaf \"@example.org>", "\"al\xc3\xaf \"@example.org"),
	BAD("<\"al\\\xc3\xaf\"@example.org>", LOCAL_SYNTAX),
	GOOD("<\xd0\xb0lice@example.org>", "\xd0\xb0lice@example.org"), /* F25 Cyrillic: not hers */
	BAD("<\xef\xbd\x81lice@example.org>", NOT_NORMAL), /* F25 full width a */
	BAD("<\xc5\xbf" "am@example.org>", NOT_NORMAL),                        /* F25 long s */
	GOOD("<al\xc4\xb1" "ce@example.org>", "al\xc4\xb1" "ce@example.org"), /* F25 dotless i */
	BAD("<\xef\xac\x81@example.org>", NOT_NORMAL),                         /* F25 ligature fi */
	BAD("<ali\xe2\x80\x8d" "ce@example.org>", NOT_NORMAL),                 /* F25 ZWJ */
	BAD("<ali\xe2\x80\xae" "ce@example.org>", NOT_NORMAL),                 /* F25 RLO */
	BAD("<ali\xc2\xad" "ce@example.org>", NOT_NORMAL),                     /* F25 soft hyphen */
	BAD("<alice\xef\xb8\x8f@example.org>", NOT_NORMAL), /* F25 variation selector */
	BAD("<ali\xe2\x80\x8b" "ce@example.org>", NOT_NORMAL), /* zero width space */
	BAD("<ali\xef\xbb\xbf" "ce@example.org>", NOT_NORMAL),                 /* byte order mark */
	BAD("<ali\xc2\x85" "ce@example.org>", NOT_NORMAL),                     /* C1 control */
	BAD("<ali\xe2\x80\xa8" "ce@example.org>", NOT_NORMAL),                 /* line separator */
	BAD("<ali\xc2\xa0" "ce@example.org>", NOT_NORMAL),                     /* no-break space */
	BAD("<ali\xee\x80\x80" "ce@example.org>", NOT_NORMAL),                 /* private use */
	BAD("<ali\xe3\x85\xa4@example.org>", NOT_NORMAL),                      /* Hangul filler */
	BAD("<\xff@example.org>", NOT_UTF8),
	BAD("<a\xc3@example.org>", NOT_UTF8),
	BAD("<\xc0\xaf@example.org>", NOT_UTF8),                               /* overlong */
	BAD("<\xed\xa0\x80@example.org>", NOT_UTF8),                           /* surrogate */
	GOOD("<a@ex\xc3\xa4mple.org>", "a@xn--exmple-cua.org"),                /* F26 */
	GOOD("<a@EX\xc3\x84MPLE.org>", "a@xn--exmple-cua.org"),
	GOOD("<a@stra\xc3\x9f" "e.example>", "a@xn--strae-oqa.example"), /* F26: sharp s stays */
	BAD("<a@example\xe3\x80\x82org>", DOMAIN_SYNTAX),                      /* F26: U+3002 */
	BAD("<a@example\xef\xbc\x8eorg>", DOMAIN_SYNTAX),                      /* U+FF0E */
	BAD("<a@\xef\xbd\x85xample.org>", DOMAIN_SYNTAX),                      /* full width e */
	BAD("<a@exam\xc2\xadple.org>", DOMAIN_SYNTAX),                         /* soft hyphen */
	BAD("<a@ex\xe2\x80\x8d" "ample.org>", DOMAIN_SYNTAX), /* ZWJ without its context */
	BAD("<a@\xe2\x84\xaa.org>", DOMAIN_SYNTAX), /* Kelvin sign is not k */
	BAD("<a@\xff.org>", DOMAIN_SYNTAX),
	BAD("<a@-\xc3\xa4.org>", DOMAIN_SYNTAX),
	BAD("<a@\xc3\xa4-.org>", DOMAIN_SYNTAX),
	BAD("<a@xn----zfa.org>", DOMAIN_SYNTAX), /* the A-label of the first */
	BAD("<" X60 "xxx\xc3\xa4@example.org>", LOCAL_LONG),                   /* 65 octets */
};

static void
check_path(const struct path_case *c, unsigned flags)
{
	struct address address;
	struct address again;
	struct span rest = SPAN_LITERAL("untouched");
	char text[ADDRESS_TEXT_SIZE];
	enum address_fault fault = address_parse_path(c->text, flags, &address, &rest);

	if (fault != c->fault)
		print_error("path %.*s: %s\n", SPAN_PRINT(c->text), address_fault_text(fault));
	assert_int_equal(fault, c->fault);
	if (fault != ADDRESS_OK) {
		assert_span_equal(rest, "untouched");
		return;
	}
	assert_int_equal(rest.length, 0);
	assert_int_equal(address_format(&address, text), strlen(c->format));
	assert_string_equal(text, c->format);
	if (address.kind == ADDRESS_MAILBOX || address.kind == ADDRESS_LITERAL) {
		assert_int_equal(address_parse(span_text(text), flags, &again), ADDRESS_OK);
		assert_memory_equal(&again, &address, sizeof again);
	}
}

static void
test_paths_in_ascii(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof ascii_paths / sizeof ascii_paths[0]; i++) {
		check_path(&ascii_paths[i], 0);
		if (ascii_paths[i].fault != ADDRESS_NOT_ASCII)
			check_path(&ascii_paths[i], ADDRESS_UTF8);
	}
}

static void
test_paths_in_utf8(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof utf8_paths / sizeof utf8_paths[0]; i++)
		check_path(&utf8_paths[i], ADDRESS_UTF8);
}

static void
test_path_stops_behind_bracket(void **state)
{
	struct address address;
	struct span rest;

	(void)state;
	assert_int_equal(
		address_parse_path(span_text("<a@b.c> SIZE=1>"), 0, &address, &rest), ADDRESS_OK);
	assert_span_equal(rest, " SIZE=1>");
	assert_int_equal(address_parse_path(span_text("<> x"), 0, &address, &rest), ADDRESS_OK);
	assert_span_equal(rest, " x");
	assert_int_equal(address_parse_path(span_text("<\"a>b\"@b.c><x@y.z>"), 0, &address, &rest),
		ADDRESS_OK); /* F18: the caller sees what follows */
	assert_span_equal(rest, "<x@y.z>");
	assert_span_equal(address_local(&address), "a>b");
}

static void
test_every_prefix_of_a_path_is_refused(void **state)
{
	static const char whole[] = "<\"a \\\"b\"@[IPv6:2001:db8::1]>";
	struct address address;
	struct span rest;

	(void)state;
	for (size_t i = 0; i < sizeof whole - 2; i++)
		assert_int_not_equal(
			address_parse_path(span_of(whole, i), 0, &address, &rest), ADDRESS_OK);
	assert_int_equal(address_parse_path(span_text(whole), 0, &address, &rest), ADDRESS_OK);
}

static void
test_mailbox_without_path(void **state)
{
	struct address address;

	(void)state;
	assert_int_equal(address_parse(span_text("a@b.example"), 0, &address), ADDRESS_OK);
	assert_int_equal(address.kind, ADDRESS_MAILBOX);
	assert_int_equal(address_parse(SPAN_EMPTY, 0, &address), ADDRESS_LOCAL_SYNTAX);
	assert_int_equal(address_parse(span_text("postmaster"), 0, &address), ADDRESS_NO_DOMAIN);
	assert_int_equal(
		address_parse(span_text("<a@b.example>"), 0, &address), ADDRESS_LOCAL_SYNTAX);
	assert_int_equal(address_parse(span_text("@b.example"), 0, &address), ADDRESS_LOCAL_SYNTAX);
	assert_int_equal(
		address_parse(span_text("a@b.example>"), 0, &address), ADDRESS_DOMAIN_SYNTAX);
}

static struct address
make(const char *text)
{
	struct address address;

	assert_int_equal(address_parse(span_text(text), ADDRESS_UTF8, &address), ADDRESS_OK);
	return address;
}

static void
test_equality(void **state)
{
	struct address a = make("Alice@Example.ORG");
	struct address b = make("alice@example.org");
	struct address quoted = make("\"Al\\ice\"@example.org");
	struct address other = make("alice@example.com");
	struct address idn = make("\xc3\xa4@ex\xc3\xa4mple.org");
	struct address ace = make("\xc3\xa4@XN--exmple-cua.org");
	struct address capital = make("\xc3\x84@xn--exmple-cua.org");

	(void)state;
	assert_true(address_equal_own(&a, &b));
	assert_false(address_equal(&a, &b));
	assert_true(address_equal(&a, &quoted));
	assert_false(address_equal_own(&b, &other));
	assert_true(address_equal(&idn, &ace));
	assert_false(address_equal_own(&ace, &capital)); /* only ASCII letters have no case */
	assert_false(address_is_ascii(&idn));
	assert_true(address_is_ascii(&a));
}

static void
test_tags(void **state)
{
	struct address address = make("alice+x+y@example.org");
	struct address base;
	struct address wanted = make("alice@example.org");

	(void)state;
	assert_true(address_without_tag(&address, '+', &base));
	assert_memory_equal(&base, &wanted, sizeof base);
	address = make("+x@example.org");
	assert_false(address_without_tag(&address, '+', &base));
	address = make("a.+x@example.org");
	assert_false(address_without_tag(&address, '+', &base));
	assert_false(address_without_tag(&wanted, '+', &base));
	address = make("alice-x@example.org");
	assert_true(address_without_tag(&address, '-', &base));
	assert_true(address_equal(&base, &wanted));
}

static void
test_qualified(void **state)
{
	struct address address = make("a@localhost");
	struct address null = { .kind = ADDRESS_NULL };

	(void)state;
	assert_false(address_is_qualified(&address));
	assert_false(address_is_qualified(&null));
	address = make("a@[127.0.0.1]");
	assert_true(address_is_qualified(&address));
	address = make("a@b.c");
	assert_true(address_is_qualified(&address));
}

static void
test_every_fault_has_its_own_text(void **state)
{
	(void)state;
	for (int i = ADDRESS_OK; i <= ADDRESS_NOT_NORMAL; i++)
		for (int j = ADDRESS_OK; j < i; j++)
			assert_string_not_equal(address_fault_text((enum address_fault)i),
				address_fault_text((enum address_fault)j));
}

static void
test_patterns(void **state)
{
	static const struct {
		const char *pattern;
		const char *address;
		bool matches;
	} cases[] = {
		{ "alice@example.org", "ALICE@EXAMPLE.org", true },
		{ "alice@example.org", "bob@example.org", false },
		{ "alice@example.org", "alice@a.example.org", false },
		{ "@Example.org", "bob@example.org", true },
		{ "@example.org", "bob@a.example.org", false },
		{ "@example.org", "bob@xexample.org", false },
		{ ".example.org", "bob@a.b.example.org", true },
		{ ".example.org", "bob@example.org", false },
		{ ".example.org", "bob@xexample.org", false },
		{ "@ex\xc3\xa4mple.org", "bob@xn--exmple-cua.org", true },
		{ "*", "bob@example.org", true },
		{ "*", "bob@[127.0.0.1]", true },
		{ "bob@[127.0.0.1]", "bob@[127.0.0.1]", true },
		{ "@127.example", "bob@[127.0.0.1]", false },
	};
	struct address_pattern pattern;
	char of_address[ADDRESS_TEXT_SIZE];
	struct address null = { .kind = ADDRESS_NULL };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct address address = make(cases[i].address);
		struct address_pattern again;
		char text[ADDRESS_TEXT_SIZE];
		size_t length;

		assert_true(address_pattern_parse(span_text(cases[i].pattern), &pattern));
		assert_int_equal(address_pattern_matches(&pattern, &address), cases[i].matches);
		assert_false(address_pattern_matches(&pattern, &null));
		length = address_pattern_format(&pattern, text);
		address_format(&address, of_address);
		assert_int_equal(address_pattern_text_matches(span_text(text), &address,
					 span_text(of_address)),
			cases[i].matches);
		assert_false(address_pattern_text_matches(span_text(text), &null, SPAN_EMPTY));
		assert_int_equal(length, strlen(text));
		assert_true(address_pattern_parse(span_text(text), &again));
		assert_int_equal(again.kind, pattern.kind);
		assert_true(address_equal(&again.address, &pattern.address));
	}
}

static void
test_bad_patterns(void **state)
{
	static const char *const bad[] = { "", "@", ".", "**", "*@example.org x", "alice", "alice@",
		"@-x.org", "..org", "@a b", "<a@b.c>", "@[127.0.0.1]" };
	struct address_pattern pattern;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(address_pattern_parse(span_text(bad[i]), &pattern));
}

static void
in_brackets(void **state)
{
	static const struct {
		const char *path;
		const char *within;
	} cases[] = {
		{ "<a@b.c>", "a@b.c" },
		{ "a@b.c", "a@b.c" },
		{ "<>", "" },
		{ "", "" },
		{ "<", "<" },
		{ "<a@b.c", "<a@b.c" },
		{ "a@b.c>", "a@b.c>" },
		{ "<<a@b.c>>", "<a@b.c>" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_true(span_is(address_in_brackets(span_text(cases[i].path)), cases[i].within));
	assert_int_equal(address_in_brackets(SPAN_EMPTY).length, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths_in_ascii),
		cmocka_unit_test(test_paths_in_utf8),
		cmocka_unit_test(test_path_stops_behind_bracket),
		cmocka_unit_test(test_every_prefix_of_a_path_is_refused),
		cmocka_unit_test(test_mailbox_without_path),
		cmocka_unit_test(test_equality),
		cmocka_unit_test(test_tags),
		cmocka_unit_test(test_qualified),
		cmocka_unit_test(test_every_fault_has_its_own_text),
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_bad_patterns),
		cmocka_unit_test(in_brackets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
