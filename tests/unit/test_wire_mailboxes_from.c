/* SPDX-License-Identifier: BSD-2-Clause */
/* From and its kin: what Alice may write passes, what anybody could read as Bob is refused. */
#include "unit.h"

#include "wire/header.h"
#include "wire/mailboxes.h"

#define A "alice@example.org"
#define B "bob@example.org"

/* The rule for a sender: one From, and every mailbox in it is Alice's. */
static bool
is_alices(struct span block, unsigned header_rules, unsigned rules)
{
	struct arena *arena = arena_new(4096);
	struct header header;
	struct mailboxes from;
	struct fault fault = FAULT_INIT;
	struct address alice;
	bool good = header_parse(block, header_rules, arena, &header, &fault) &&
		    header_count(&header, "From") == 1 &&
		    mailboxes_parse(header.fields[header_find(&header, "From", 0)].value, rules,
			    arena, &from, &fault);

	assert_int_equal(address_parse(span_text(A), 0, &alice), ADDRESS_OK);
	for (size_t i = 0; good && i < from.count; i++)
		good = address_equal_own(&from.list[i].address, &alice);
	arena_free(&arena);
	return good;
}

struct from_case {
	struct span block;
	bool alices;
};

#define YES(text) { SPAN_LITERAL(text "\r\n"), true }
#define NO(text) { SPAN_LITERAL(text "\r\n"), false }

/* G1 to G15 are the samples of the attack list; the grammar and its readers add the others. */
static const struct from_case from_cases[] = {
	YES("From: Alice <" A ">"),                                               /* G1 */
	NO("From: <" B ">"),                                                      /* G2 */
	NO("From: <" A ">\r\nFrom: <" B ">"),                                     /* G3 */
	NO("From: <" B ">\r\nFrom: <" A ">"),
	NO("From: <" A ">\r\nfrom: <" B ">"),
	NO("From: <" A ">\r\nFROM: <" B ">"),
	NO("From: <" A ">\r\nFrom: <" A ">"),
	NO("From: <" A ">, <" B ">"),                                             /* G4 */
	NO("From: <" B ">, <" A ">"),
	NO("From: <" A ">, <" B ">\r\nSender: <" A ">"),                          /* G5 */
	NO(" From: <" A ">\r\nFrom: <" B ">"),                                    /* G6 */
	NO(" From: <" B ">\r\nFrom: <" A ">"),
	NO("\tFrom: <" B ">\r\nFrom: <" A ">"),
	NO("From : <" B ">\r\nFrom: <" A ">"),                                    /* G7 */
	NO("From\t: <" B ">\r\nFrom: <" A ">"),
	NO("From  : <" B ">\r\nFrom: <" A ">"),
	NO("From\r\n : <" B ">\r\nFrom: <" A ">"),                                /* G8 */
	NO("From\r\n\t: <" B ">\r\nFrom: <" A ">"),
	NO("From: g:" B ";"),                                                     /* G9 */
	NO("From: g:" A "," B ";"),                                               /* G10 */
	NO("From: g:" A ";"),
	NO("From: :" A ";"),
	NO("From: g:;, " A),
	NO("From: undisclosed-senders:;"),
	NO("From: " B " (a) (<" A ">)"),                                          /* G11 */
	YES("From: \"" B "\" <" A ">"),                                           /* G12 */
	NO("From: =?utf-8?b?Ym9iQGV4YW1wbGUub3Jn?=,<" A ">"),                     /* G13 */
	YES("From: =?utf-8?q?bob=40example=2Eorg?= <" A ">"),                     /* G14 */
	NO("From: <@example.org,@x:" B ">"),                                      /* G15 */
	NO("From: <@example.org:" A ">"),
	NO("From: <@alice@example.org:" B ">"),
	/* line ends and NUL */
	NO("From: <" A ">\n <" B ">"),
	NO("From: <" A ">\nFrom: <" B ">"),
	NO("From: <" A ">\rFrom: <" B ">"),
	NO("From: <" A ">\r\r\nFrom: <" B ">"),
	NO("X: y\nFrom: <" B ">\r\nFrom: <" A ">"),
	NO("X: y\rFrom: <" B ">\r\nFrom: <" A ">"),
	NO("From: <" A ">\0<" B ">"),
	NO("From\0: <" B ">\r\nFrom: <" A ">"),
	NO("\0From: <" B ">\r\nFrom: <" A ">"),
	NO("From: \0<" A ">"),
	/* where the header ends */
	NO("From: <" A ">\r\n \r\nFrom: <" B ">"),
	NO("From: <" A ">\r\n\t\r\n <" B ">"),
	NO("From: <" A ">\r\n\r\nFrom: <" B ">"),
	NO("From <" B ">\r\nFrom: <" A ">"),
	NO("From " B " Fri Nov 21 09:55:06 1997\r\nFrom: <" A ">"),
	NO("no colon here\r\nFrom: <" A ">"),
	NO(": x\r\nFrom: <" A ">"),
	NO("From: <" A ">\r\n:From: <" B ">"),
	/* field names */
	NO("From: <" A ">\r\nF\xc2\xadrom: <" B ">"),
	NO("\xef\xbb\xbf" "From: <" B ">\r\nFrom: <" A ">"),
	NO("From\x0b: <" B ">\r\nFrom: <" A ">"),
	NO("From\x7f: <" B ">\r\nFrom: <" A ">"),
	NO("X-From: <" A ">"),
	NO("From:"),
	NO("From: "),
	NO("Subject: x"),
	/* the list */
	NO("From: ,<" A ">"),
	NO("From: <" A ">,"),
	NO("From: <" A ">,,<" A ">"),
	NO("From: <" A ">;<" B ">"),
	NO("From: " A ";" B),
	NO("From: " A " " B),
	NO("From: <" A "><" B ">"),
	NO("From: <" A "> <" B ">"),
	NO("From: <" B "><" A ">"),
	NO("From: <" B "> " A),
	NO("From: " B " <" A ">"),
	NO("From: " A " <" B ">"),
	NO("From: <" A "> " B),
	NO("From: " B ", Alice <" A ">"),
	NO("From: Bob, Alice <" A ">"),
	NO("From: Bob Alice"),
	NO("From: Bob"),
	NO("From: \"" B "\""),
	NO("From: \"<" B ">\""),
	NO("From: <>"),
	NO("From: Alice <>"),
	NO("From: <alice>"),
	NO("From: alice"),
	NO("From: <postmaster>"),
	/* brackets */
	NO("From: <" A),
	NO("From: " A ">"),
	NO("From: <<" A ">>"),
	NO("From: <<" B "> " A ">"),
	NO("From: < " B ">"),
	NO("From: <" A " " B ">"),
	NO("From: <" A "\r\n " B ">"),
	NO("From: <\"alice\" @example.org>"),
	NO("From: " A " <" B ">"),
	NO("From: " B " <" A ">"),
	NO("From: " A " <" A),
	NO("From: " A " <" A "> <" B ">"),
	NO("From: <alice @example.org>"),
	NO("From: <alice@ example.org>"),
	NO("From: <" B ",\r\n " A ">"),
	NO("From: <" B " " A ">"),
	NO("From: <" B ":" A ">"),
	NO("From: [" A "]"),
	NO("From: <mailto:" A ">"),
	NO("From: mailto:" A),
	/* quotes */
	NO("From: \"<" B ">\" <" A ">"),
	NO("From: \"x\\\" <" B ">, \\\"y\" <" A ">"),
	NO("From: \"Alice <" A ">\" <" B ">"),
	NO("From: \"Alice <" A ">"),
	NO("From: Alice\" <" B ">\" <" A ">"),
	NO("From: \"Alice\" <" A ">\""),
	NO("From: \"a\\"),
	NO("From: \"" B "\r\n x\" <" A ">"), /* a line end is the end of a string for some */
	NO("From: \"x\r\n " B "\" <" A ">"),
	NO("From: \"x\r\n <bob>\" <" A ">"),
	NO("From: \"bob\\@example.org\r\n x\" <" A ">"),
	NO("From: \"x\r\n \\<bob>\" <" A ">"),
	NO("From: \"" B "\" \"x\r\n y\" <" A ">"),
	NO("From: \"" B "\" (x\r\n y) <" A ">"),
	NO("From: \"x\r\n y\" <" A ">, \"" B "\" <" A ">"),
	NO("From: " A " (x (y\r\n z) .evil.example)"),
	NO("From: (x\r\n " B ") <" A ">"),
	NO("From: =?utf-8?q?=62ob=40example.org <" A ">"),
	NO("From: =?utf-8?q?x\"?= , " B ", \"<" A ">"), /* ends in the quotes, for Python */
	NO("From: =?a\"?q?b?= , " B ", \"<" A ">"),
	NO("From: \"=?utf-8?q?x\" ?= \"" B ",\" <" A ">"),
	NO("From: \\\"Alice\\\" <" A ">"),
	NO("From: Al\\ice <" A ">"),
	NO("From: \"bob\"@example.org"),
	NO("From: \"" B "\"@example.com"),
	NO("From: \"" B ",\" <" A ">, \"" B "\"@example.org"),
	NO("From: \"" A "\"@example.org"),
	NO("From: \"<" A ">\"@example.org"),
	NO("From: \"alice\\@example.org\"@example.com"),
	NO("From: \"\"@example.org"),
	NO("From: \"a\x01\" <" A ">"),
	YES("From: \"alice\"@example.org"), /* the same mailbox, as F8 */
	YES("From: \"a\\lice\"@example.org"),
	/* comments */
	NO("From: (<" A ">) <" B ">"),
	NO("From: (" B ") <" A ">"),
	NO("From: <" A "> (" B ")"),
	NO("From: " A " (<" B ">)"),
	NO("From: (" A ")"),
	NO("From: alice(x)@example.org"),
	NO("From: alice@(x)example.org"),
	NO("From: alice@example(x).org"),
	NO("From: alice@example.org(x).net"),
	NO("From: <alice(x)@example.org>"),
	NO("From: <(" B ")" A ">"),
	NO("From: <" A "(x)>"),
	NO("From: (unended <" A ">"),
	NO("From: (a) ) <" A ">"),
	NO("From: (\\) <" A ">"),
	NO("From: ((x) <" A ">"),
	NO("From: (\\(<" B ">) <" A ">"),
	NO("From: (\") <" B "> (\") <" A ">"),
	/* encoded words */
	NO("From: =?utf-8?q?=3Cbob=40example=2Eorg=3E?= <" A ">"),
	NO("From: =?utf-8?b?PGJvYkBleGFtcGxlLm9yZz4=?= <" A ">"),
	NO("From: \"=?utf-8?b?PGJvYkBleGFtcGxlLm9yZz4=?=\" <" A ">"),
	NO("From: =?utf-8?q?bob?=@example.org"),
	NO("From: =?utf-8?q?alice?=@example.org"),
	NO("From: <=?utf-8?q?alice?=@example.org>"),
	NO("From: \"=?utf-8?q?alice?=\"@example.org"),
	NO("From: alice@=?utf-8?q?example.org?="),
	NO("From: =?utf-8?b?PGFsaWNlQGV4YW1wbGUub3JnPg==?="),
	NO("From: =?utf-8?q?alice=40example=2Eorg?="),
	NO("From: =?utf-8?q?=0D=0ABcc=3A_x?= <" A ">"),
	NO("From: =?utf-8?b?DQpGcm9tOiA8Ym9iQGV4YW1wbGUub3JnPg==?= <" A ">"),
	NO("From: =?utf-8?q?a=00b?= <" A ">"),
	NO("From: (=?utf-8?q?=0A?=) <" A ">"),
	NO("From: (=?utf-8?q?=3Cbob=40example=2Eorg=3E?=) <" A ">"),
	NO("From: =?utf-8?q?Bob,?= <" B ">, =?utf-8?q?Alice?= <" A ">"),
	/* addresses that are not hers */
	NO("From: <alice@example.org.>"),
	NO("From: <alice@example.com>"),
	NO("From: <alice@sub.example.org>"),
	NO("From: <alice.@example.org>"),
	NO("From: <alice+x@example.org>"),
	NO("From: <bob%example.org@example.org>"),
	NO("From: <alice@[127.0.0.1]>"),
	NO("From: <alice@example.org@example.org>"),
	NO("From: alice@example.org@evil.example"),
	NO("From: alice@example.org, bob"),
	NO("From: <alice\xef\xbc\xa0" "example.org>"),
	NO("From: al\xc4\xb1" "ce@example.org"),
	NO("From: B\xc3\xb6" "b <" A ">"), /* 8-bit without SMTPUTF8 */
	/* and what people really send */
	YES("From: " A),
	YES("From: <" A ">"),
	YES("From: < " A " >"), /* CFWS, RFC 5322 3.4.1 */
	YES("From: Alice <\r\n " A ">"),
	YES("From: Alice <" A "\r\n >"),
	YES("From: " A " <" A ">"), /* one mailbox, however it is read */
	YES("From: " A "\r\n <alice@EXAMPLE.org>"),
	YES("From: \"" A "\" <" A ">"),
	YES("From:" A),
	YES("From:<" A ">"),
	YES("from: alice@EXAMPLE.org"),
	YES("From: ALICE@example.org"),                                           /* as F6 */
	YES("From: Alice B. Example <" A ">"),
	NO("From: Alice Example, Ltd <" A ">"), /* without quotes: two names */
	YES("From: \"Example, Alice\" <" A ">"),
	YES("From: \"Alice \\\"Al\\\" Example\" <" A ">"),
	YES("From: O'Neil-Smith_1 <" A ">"),
	YES("From: =?UTF-8?Q?Alice_M=C3=BCller?= <" A ">"),
	YES("From: =?UTF-8?B?QWxpY2UgTcO8bGxlcg==?= <" A ">"),
	YES("From: \"=?UTF-8?B?QWxpY2UgTcO8bGxlcg==?=\" <" A ">"),
	YES("From: =?iso-8859-1?Q?Alice?= =?iso-8859-1?Q?_M=FCller?= <" A ">"),
	YES("From: =?ISO-2022-JP?B?GyRCJTUlcyVXJWsbKEI=?= <" A ">"),
	YES("From: Alice <" A "> (at work)"),
	YES("From: " A " (Alice Example)"),
	YES("From: " A " (Cron Daemon)"),
	YES("From: (Alice) " A),
	YES("From: Alice (the (one and) only) Example <" A ">"),
	YES("From: " A " (=?UTF-8?Q?M=C3=BCller?=)"),
	YES("From: Alice Example\r\n <" A ">"),
	YES("From:\r\n Alice <" A ">"),
	YES("From: Alice\r\n\tExample\r\n\t<" A ">"),
	YES("From: \"Alice\r\n Example\" <" A ">"),
	YES("From: Alice<" A ">"),
	YES("From: \"Alice\"<" A ">"),
	YES("From:   Alice   Example   <" A ">   "),
	YES("From: <" A ">, Alice <" A ">"),
	YES("From: <" A "> ,\r\n Alice <" A ">"),
	YES("From: 1234 <" A ">"),
	NO("From: Alice -> team <" A ">"),
	YES("X-Mailer: y\r\nFrom: <" A ">\r\nTo: <" B ">"),
	YES("From: <" A ">\r\nReply-To: <" B ">"),
};

static void
check_from(const struct from_case *c, unsigned header_rules, unsigned rules)
{
	bool alices = is_alices(c->block, header_rules, rules);

	if (alices != c->alices)
		print_error("%s: %.*s\n", alices ? "passed" : "refused", SPAN_PRINT(c->block));
	assert_int_equal(alices, c->alices);
}

static void
test_from_forms(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof from_cases / sizeof from_cases[0]; i++)
		check_from(&from_cases[i], 0, 0);
}

static const struct from_case utf8_cases[] = {
	YES("From: B\xc3\xb6" "b <" A ">"),
	YES("From: \"B\xc3\xb6" "b\" <" A ">"),
	YES("From: " A " (M\xc3\xbcller)"),
	YES("From: \xf0\x9f\x98\x80 <" A ">"),
	NO("From: B\xf6" "b <" A ">"),                                             /* not UTF-8 */
	NO("From: al\xc3\xaf" "ce@example.org"),
	NO("From: \xd0\xb0lice@example.org"),                                    /* Cyrillic a */
	NO("From: \xef\xbd\x81lice@example.org"),                               /* full width a */
	NO("From: alice\xef\xbc\xa0" "example.org"),                            /* full width @ */
	NO("From: <alice\xef\xbc\xa0" "example.org>"),
	NO("From: \xef\xbc\x9c" B "\xef\xbc\x9e <" A ">"),                     /* full width <> */
	NO("From: ali\xe2\x80\x8d" "ce@example.org"),
	NO("From: alice@exa\xc2\xadmple.org"),
	NO("From: alice@example\xe3\x80\x82org"),
	NO("From: alice@\xd0\xb5xample.org"),
	NO("From: <" A ">\xc2\xa0<" B ">"), /* no-break space is no blank */
};

static void
test_from_forms_in_utf8(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof utf8_cases / sizeof utf8_cases[0]; i++)
		check_from(&utf8_cases[i], HEADER_UTF8, MAILBOXES_UTF8);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_from_forms),
		cmocka_unit_test(test_from_forms_in_utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
