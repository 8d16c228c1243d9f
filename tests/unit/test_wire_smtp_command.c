/* SPDX-License-Identifier: BSD-2-Clause */
/* SMTP command lines: verbs, their arguments, and the replies to what is wrong. */
#include "command_fixture.h"

#include <stdlib.h>

static void
test_verbs(void **state)
{
	static const struct {
		const char *line;
		enum smtp_verb verb;
		unsigned code; /* 0: good */
		const char *enhanced;
	} cases[] = {
		{ "EHLO mail.example.org", SMTP_VERB_EHLO, 0, NULL },
		{ "ehlo [192.0.2.1]", SMTP_VERB_EHLO, 0, NULL },
		{ "EHLO  a", SMTP_VERB_EHLO, 0, NULL },
		{ "HELO a", SMTP_VERB_HELO, 0, NULL },
		{ "EHLO", SMTP_VERB_EHLO, 501, NULL },                        /* D13 */
		{ "EHLO ", SMTP_VERB_EHLO, 501, NULL },
		{ "EHLO a b", SMTP_VERB_EHLO, 501, NULL },                    /* H1 */
		{ "EHLO [1.2.3.4", SMTP_VERB_EHLO, 501, NULL },
		{ "EHLO (evil) by good", SMTP_VERB_EHLO, 501, NULL },
		{ "EHLO " X500 X100, SMTP_VERB_EHLO, 501, NULL },
		{ "EHLO x\rReceived: evil", SMTP_VERB_EHLO, 501, NULL },
		{ "EHLO x\r\tby evil", SMTP_VERB_EHLO, 501, NULL },
		{ "EHLO %n%s", SMTP_VERB_EHLO, 501, NULL },
		{ "EHLO m\xc3\xbcller.example", SMTP_VERB_EHLO, 501, NULL },
		{ "HELO x;y=z", SMTP_VERB_HELO, 501, NULL },
		{ "DATA", SMTP_VERB_DATA, 0, NULL },
		{ "data \t ", SMTP_VERB_DATA, 0, NULL },
		{ "DATA x", SMTP_VERB_DATA, 501, "5.5.4" },                   /* D13 */
		{ "RSET", SMTP_VERB_RSET, 0, NULL },
		{ "RSET x", SMTP_VERB_RSET, 501, "5.5.4" },
		{ "QUIT", SMTP_VERB_QUIT, 0, NULL },
		{ "QUIT x", SMTP_VERB_QUIT, 501, "5.5.4" },
		{ "STARTTLS", SMTP_VERB_STARTTLS, 0, NULL },
		{ "STARTTLS foo", SMTP_VERB_STARTTLS, 501, "5.5.4" },         /* B6 */
		{ "NOOP", SMTP_VERB_NOOP, 0, NULL },
		{ "NOOP " X300 X100, SMTP_VERB_NOOP, 0, NULL },
		{ "NOOP \x1b[2J", SMTP_VERB_NOOP, 501, "5.5.2" },
		{ "NOOP \xff", SMTP_VERB_NOOP, 501, "5.5.2" },
		{ "HELP", SMTP_VERB_HELP, 0, NULL },
		{ "HELP MAIL", SMTP_VERB_HELP, 0, NULL },
		{ "VRFY alice", SMTP_VERB_VRFY, 0, NULL },
		{ "VRFY", SMTP_VERB_VRFY, 501, "5.5.4" },
		{ "VRFY <\xc3\xa9@example.net>", SMTP_VERB_VRFY, 553, "5.6.7" }, /* D4 */
		{ "VRFY <\xc3\xa9@example.net> SMTPUTF8", SMTP_VERB_VRFY, 0, NULL },
		{ "VRFY <\xff@example.net> SMTPUTF8", SMTP_VERB_VRFY, 553, "5.6.7" },
		{ "TURN", SMTP_VERB_UNOFFERED, 502, "5.5.1" },                /* D14 */
		{ "ETRN x", SMTP_VERB_UNOFFERED, 502, "5.5.1" },
		{ "EXPN list", SMTP_VERB_UNOFFERED, 502, "5.5.1" },
		{ "SEND FROM:<a@b.c>", SMTP_VERB_UNOFFERED, 502, "5.5.1" },
		{ "SAML FROM:<a@b.c>", SMTP_VERB_UNOFFERED, 502, "5.5.1" },
		{ "BURL imap://x LAST", SMTP_VERB_UNOFFERED, 502, "5.5.1" },
		{ "XEXCH50 1 2", SMTP_VERB_UNOFFERED, 502, "5.5.1" },
		{ "XCLIENT ADDR=1.2.3.4", SMTP_VERB_UNOFFERED, 502, "5.5.1" },
		{ "GET / HTTP/1.1", SMTP_VERB_FOREIGN, 500, "5.5.1" },        /* D10 */
		{ "POST / HTTP/1.1", SMTP_VERB_FOREIGN, 500, "5.5.1" },
		{ "CONNECT a:25 HTTP/1.1", SMTP_VERB_FOREIGN, 500, "5.5.1" },
		{ "OPTIONS *", SMTP_VERB_FOREIGN, 500, "5.5.1" },
		{ "\x16\x03\x01\x02", SMTP_VERB_FOREIGN, 500, "5.5.1" },
		{ "", SMTP_VERB_UNKNOWN, 500, "5.5.1" },
		{ " MAIL FROM:<a@b.c>", SMTP_VERB_UNKNOWN, 500, "5.5.1" },
		{ "MAIL\tFROM:<a@b.c>", SMTP_VERB_UNKNOWN, 500, "5.5.1" },
		{ "MAI FROM:<a@b.c>", SMTP_VERB_UNKNOWN, 500, "5.5.1" },
		{ "MAILFROM:<a@b.c>", SMTP_VERB_UNKNOWN, 500, "5.5.1" },
		{ "Host: x", SMTP_VERB_UNKNOWN, 500, "5.5.1" },
		{ "\xff\xfe", SMTP_VERB_UNKNOWN, 500, "5.5.1" },
		{ "PROXY TCP4 1.2.3.4 1.2.3.4 1 2", SMTP_VERB_UNKNOWN, 500, "5.5.1" }, /* C24 */
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		bool good = parse_text(cases[i].line);

		if (good != (cases[i].code == 0) || command.verb != cases[i].verb)
			print_error("line %s: %u\n", cases[i].line, reply.code);
		assert_int_equal(good, cases[i].code == 0);
		assert_int_equal(command.verb, cases[i].verb);
		assert_int_equal(reply.code, cases[i].code);
		if (cases[i].enhanced)
			assert_string_equal(reply.enhanced, cases[i].enhanced);
		else
			assert_null(reply.enhanced);
	}
	assert_false(parse(SPAN_LITERAL("EHLO x\0y")));
	assert_int_equal(reply.code, 501);
	assert_false(parse(SPAN_LITERAL("NOOP\0")));
	assert_int_equal(reply.code, 500);
}

static void
test_arguments_are_given(void **state)
{
	(void)state;
	assert_true(parse_text("ehlo   Mail.Example.ORG \t"));
	assert_span_equal(command.word, "ehlo");
	assert_span_equal(command.host, "Mail.Example.ORG");
	assert_true(parse_text("HELP a b"));
	assert_span_equal(command.argument, "a b");
	assert_false(parse_text("frob x"));
	assert_span_equal(command.word, "frob");
}

static void
test_bdat(void **state)
{
	static const char *const bad[] = { "BDAT", "BDAT x", "BDAT x LAST", "BDAT -1", "BDAT 0x10",
		"BDAT +5", "BDAT 5 LAST LAST", "BDAT 5 FIRST", "BDAT 1e3",
		"BDAT 18446744073709551616", "BDAT 99999999999999999999 LAST",
		"BDAT 000000000000000000005", "BDAT LAST", "BDAT 5LAST", "BDAT 5 LAS",
		"BDAT 5\tLAST" }; /* D3, D7 */

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_false(parse_text(bad[i]));
		assert_int_equal(command.verb, SMTP_VERB_BDAT); /* to close on */
		assert_int_equal(reply.code, 501);
	}
	assert_true(parse_text("BDAT 1000"));
	assert_int_equal(command.bdat.size, 1000);
	assert_false(command.bdat.last);
	assert_true(parse_text("bdat 0 last"));
	assert_int_equal(command.bdat.size, 0);
	assert_true(command.bdat.last);
	assert_true(parse_text("BDAT 9223372036854775808"));
	assert_true(command.bdat.size == UINT64_C(9223372036854775808));
}

static void
test_auth(void **state)
{
	static const char *const bad[] = { "AUTH", "AUTH ", "AUTH " X300, "AUTH ../x",
		"AUTH PLAIN a b", "AUTH PLAIN AGFs\xff",
		"AUTH PL\x01"
		"AIN",
		"AUTH xxxxxxxxxxxxxxxxxxxxx" }; /* C17 */

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_false(parse_text(bad[i]));
		assert_int_equal(command.verb, SMTP_VERB_AUTH);
		assert_int_equal(reply.code, 501);
	}
	assert_true(parse_text("AUTH SCRAM-SHA-256-PLUS"));
	assert_span_equal(command.auth.mechanism, "SCRAM-SHA-256-PLUS");
	assert_false(command.auth.has_initial);
	assert_true(parse_text("auth plain AGFsaWNlAGFsaWNlcHc="));
	assert_span_equal(command.auth.mechanism, "plain");
	assert_true(command.auth.has_initial);
	assert_span_equal(command.auth.initial, "AGFsaWNlAGFsaWNlcHc=");
	assert_true(parse_text("AUTH EXTERNAL ="));
	assert_span_equal(command.auth.initial, "=");
	assert_true(parse_text("AUTH pl ain")); /* an unknown mechanism, for the session to say */
	assert_span_equal(command.auth.mechanism, "pl");
}

static void
test_length_is_exact(void **state)
{
	char line[SMTP_COMMAND_AUTH_MAX_BYTES + 1];

	(void)state;
	memset(line, 'A', sizeof line);
	memcpy(line, "NOOP ", 5);
	assert_true(parse(span_of(line, SMTP_COMMAND_MAX_BYTES)));      /* E2 */
	assert_false(parse(span_of(line, SMTP_COMMAND_MAX_BYTES + 1)));
	assert_int_equal(reply.code, 500);
	assert_string_equal(reply.enhanced, "5.5.2");
	memcpy(line, "AUTH PLAIN ", 11);
	assert_true(parse(span_of(line, SMTP_COMMAND_AUTH_MAX_BYTES)));
	assert_false(parse(span_of(line, SMTP_COMMAND_AUTH_MAX_BYTES + 1)));
	assert_int_equal(reply.code, 500);
	assert_string_equal(reply.enhanced, "5.5.6");
	memset(line, 'X', sizeof line);
	assert_false(parse(span_of(line, sizeof line)));
	assert_int_equal(reply.code, 500);
}

static void
test_foreign_starts(void **state)
{
	(void)state;
	assert_true(smtp_command_is_foreign(SPAN_LITERAL("\x16\x03\x01\x00\xee")));
	assert_true(
		smtp_command_is_foreign(SPAN_LITERAL("\x80\x2e\x01\x03\x01"))); /* SSLv2 hello */
	assert_true(smtp_command_is_foreign(SPAN_LITERAL("GET / HTTP")));
	assert_true(smtp_command_is_foreign(SPAN_LITERAL("PRI * HTTP/2.0")));
	assert_false(smtp_command_is_foreign(SPAN_LITERAL("\x16\x03")));
	assert_false(smtp_command_is_foreign(SPAN_LITERAL("GET")));
	assert_false(smtp_command_is_foreign(SPAN_LITERAL("EHLO GET ")));
	assert_false(smtp_command_is_foreign(SPAN_EMPTY));
}

/* Whatever is cut off or changed, the answer is a reply or a command, and memory stays whole. */
static void
test_cut_and_changed_lines(void **state)
{
	static const char whole[] =
		"MAIL FROM:<\"a b\"@[IPv6:2001:db8::1]> SIZE=1 BODY=8BITMIME SMTPUTF8 "
		"RET=FULL ENVID=a+2Bb AUTH=<>";

	(void)state;
	for (size_t length = 0; length < sizeof whole; length++) {
		for (int byte = 0; byte < 256; byte++) {
			char *line = malloc(sizeof whole);
			bool good;

			memcpy(line, whole, sizeof whole - 1);
			if (length)
				line[length - 1] = (char)byte;
			good = parse(span_of(line, length));
			assert_true(good == (reply.code == 0));
			assert_true(good || (reply.code >= 500 && reply.code <= 555));
			free(line);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verbs),
		cmocka_unit_test(test_arguments_are_given),
		cmocka_unit_test(test_bdat),
		cmocka_unit_test(test_auth),
		cmocka_unit_test(test_length_is_exact),
		cmocka_unit_test(test_foreign_starts),
		cmocka_unit_test(test_cut_and_changed_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
