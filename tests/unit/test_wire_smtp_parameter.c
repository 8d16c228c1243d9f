/* SPDX-License-Identifier: BSD-2-Clause */
/* MAIL and RCPT: paths, and every parameter that is offered. */
#include "command_fixture.h"

struct line_case {
	struct span line;
	unsigned code;        /* 0: good */
	const char *enhanced;
};

#define GOOD(text) { SPAN_LITERAL(text), 0, NULL }
#define BAD(text, code, enhanced) { SPAN_LITERAL(text), code, enhanced }

/* The numbers are those of the attack list. */
static const struct line_case mail_lines[] = {
	GOOD("MAIL FROM:<alice@example.org>"),                                   /* F1 */
	GOOD("mail from:<alice@example.org>"),
	GOOD("MAIL FROM:<>"),                                                    /* F23 */
	GOOD("MAIL FROM: <alice@example.org>"), /* D13: blanks behind the colon pass */
	GOOD("MAIL  FROM:<alice@example.org>"),
	GOOD("MAIL FROM:<alice@example.org>  SIZE=1   RET=FULL \t"),
	BAD("MAIL FROM :<>", 501, "5.5.4"),                                      /* D13 */
	BAD("MAIL FROM :<alice@example.org>", 501, "5.5.4"),
	BAD("MAIL FROM\t:<alice@example.org>", 501, "5.5.2"),
	BAD("MAIL FROM:\t<alice@example.org>", 501, "5.5.2"),
	BAD("MAIL FROM:<alice@example.org>\tSIZE=1", 501, "5.5.2"),
	BAD("MAIL", 501, "5.5.4"),
	BAD("MAIL FROM", 501, "5.5.4"),
	BAD("MAIL FROM:", 501, "5.1.7"),
	BAD("MAIL <alice@example.org>", 501, "5.5.4"),
	BAD("MAIL TO:<alice@example.org>", 501, "5.5.4"),
	BAD("MAIL FROM:<@evil.example,@b:bob@example.org>", 501, "5.1.7"),       /* F11 */
	BAD("MAIL FROM:<@b.example:alice@example.org>", 501, "5.1.7"),           /* F12 */
	BAD("MAIL FROM:<bob@example.org@example.org>", 501, "5.1.7"),            /* F13 */
	BAD("MAIL FROM:<alice@example.org.>", 501, "5.1.7"),                     /* F14 */
	BAD("MAIL FROM:alice@example.org", 501, "5.1.7"),                        /* F15 */
	BAD("MAIL FROM:< alice@example.org>", 501, "5.1.7"),
	BAD("MAIL FROM:<alice @example.org>", 501, "5.1.7"),
	BAD("MAIL FROM:<alice@example.org", 501, "5.1.7"),
	BAD("MAIL FROM:alice <alice@example.org>", 501, "5.1.7"),
	BAD("MAIL FROM:\"Alice\" <alice@example.org>", 501, "5.1.7"),
	BAD("MAIL FROM:<alice(bob)@example.org>", 501, "5.1.7"),                 /* F16 */
	BAD("MAIL FROM:<alice@example.org\x01>", 501, "5.5.2"),                  /* F17 */
	BAD("MAIL FROM:<alice@example.org\0>", 501, "5.5.2"),
	BAD("MAIL FROM:<alice@example.org\x7f>", 501, "5.5.2"),
	BAD("MAIL FROM:<alice@example.org\t>", 501, "5.5.2"),
	BAD("MAIL FROM:<alice@example.org>\r", 501, "5.5.2"),
	BAD("MAIL FROM:<alice@example.org>\0", 501, "5.5.2"),
	BAD("MAIL FROM:<alice@example.org><bob@example.org>", 501, "5.5.4"),     /* F18 */
	BAD("MAIL FROM:<alice@example.org>,<bob@example.org>", 501, "5.5.4"),
	BAD("MAIL FROM:<alice@example.org> <bob@example.org>", 501, "5.5.4"),
	BAD("MAIL FROM:<alice@example.org>SIZE=1", 501, "5.5.4"),
	BAD("MAIL FROM:<;id;>", 501, "5.1.7"),                                   /* F19 */
	BAD("MAIL FROM:<" X300 "@example.org>", 501, "5.1.7"),                   /* F20 */
	BAD("MAIL FROM:<alice@" X100 ".example>", 501, "5.1.7"),
	BAD("MAIL FROM:<alice>", 501, "5.1.7"),                                  /* F22 */
	BAD("MAIL FROM:<postmaster>", 501, "5.1.7"),
	BAD("MAIL FROM:<al\xc3\xaf" "ce@example.org>", 553, "5.6.7"),            /* F24 */
	GOOD("MAIL FROM:<al\xc3\xaf" "ce@example.org> SMTPUTF8"),
	BAD("MAIL FROM:<ali\xcc\x88" "ce@example.org> SMTPUTF8", 501, "5.1.7"),
	BAD("MAIL FROM:<a@ex\xc3\xa4mple.org>", 553, "5.6.7"),                   /* F26 */
	GOOD("MAIL FROM:<a@ex\xc3\xa4mple.org> SMTPUTF8"),
	GOOD("MAIL FROM:<alice@example.org> AUTH=<bob@example.org>"),            /* F27 */
	GOOD("MAIL FROM:<alice@example.org> AUTH=<>"),
	GOOD("MAIL FROM:<alice@example.org> AUTH=bob@example.org"),
	GOOD("MAIL FROM:<alice@example.org> AUTH=b+2Bob@example.org"),
	BAD("MAIL FROM:<a@b.c> AUTH=bob+0A@x", 501, "5.5.4"),                    /* H2 */
	BAD("MAIL FROM:<a@b.c> AUTH=<", 501, "5.5.4"),
	BAD("MAIL FROM:<a@b.c> AUTH=<>x", 501, "5.5.4"),
	BAD("MAIL FROM:<a@b.c> AUTH=", 501, "5.5.4"),
	BAD("MAIL FROM:<a@b.c> AUTH=x", 501, "5.5.4"),
	BAD("MAIL FROM:<a@b.c> ENVID=a+0D+0AX", 501, "5.5.4"),
	BAD("MAIL FROM:<a@b.c> ENVID=a b", 555, "5.5.4"),
	BAD("MAIL FROM:<a@b.c> ENVID=+ZZ", 501, "5.5.4"),
	BAD("MAIL FROM:<a@b.c> ENVID=a+0d", 501, "5.5.4"),
	BAD("MAIL FROM:<a@b.c> ENVID=a+2", 501, "5.5.4"),
	BAD("MAIL FROM:<a@b.c> ENVID=" X100 "x", 501, "5.5.4"),
	GOOD("MAIL FROM:<a@b.c> ENVID=" X100),
	GOOD("MAIL FROM:<a@b.c> ENVID=QQ+20314159"),
	BAD("MAIL FROM:<a@b.c> ENVID=", 501, "5.5.4"),
	BAD("MAIL FROM:<a@b.c> ENVID", 501, "5.5.4"),
	BAD("MAIL FROM:<a@b.c> ENVID=a=b", 501, "5.5.4"),
	BAD("MAIL FROM:<a@b.c> ENVID=\xc3\xa4 SMTPUTF8", 501, "5.5.4"),
	BAD("MAIL FROM:<a@b.c> RET=BOTH", 501, "5.5.4"),
	BAD("MAIL FROM:<a@b.c> RET=", 501, "5.5.4"),
	BAD("MAIL FROM:<a@b.c> BODY=9BIT", 501, "5.5.4"),
	BAD("MAIL FROM:<a@b.c> BODY=BINARYMIME", 501, "5.5.4"),                  /* not offered */
	GOOD("MAIL FROM:<a@b.c> body=8bitmime"),
	GOOD("MAIL FROM:<a@b.c> BODY=7BIT"),
	BAD("MAIL FROM:<a@b.c> FOO=BAR", 555, "5.5.4"),
	BAD("MAIL FROM:<a@b.c> FOO", 555, "5.5.4"),
	BAD("MAIL FROM:<a@b.c> NOTIFY=NEVER", 555, "5.5.4"),                     /* RCPT's */
	BAD("MAIL FROM:<a@b.c> HOLDFOR=1", 555, "5.5.4"),
	BAD("MAIL FROM:<a@b.c> =x", 501, "5.5.4"),
	BAD("MAIL FROM:<a@b.c> F\xc3\xa4=x", 501, "5.5.4"),
	BAD("MAIL FROM:<a@b.c> -A=x", 501, "5.5.4"),
	BAD("MAIL FROM:<a@b.c> SIZE=1 SIZE=2", 501, "5.5.4"),
	BAD("MAIL FROM:<a@b.c> SIZE=1 size=1", 501, "5.5.4"),
	BAD("MAIL FROM:<a@b.c> SMTPUTF8 SMTPUTF8", 501, "5.5.4"),
	BAD("MAIL FROM:<a@b.c> SMTPUTF8=1", 501, "5.5.4"),
	GOOD("MAIL FROM:<a@b.c> SIZE=0"),
	GOOD("MAIL FROM:<a@b.c> SIZE=18446744073709551615"),
	BAD("MAIL FROM:<a@b.c> SIZE=18446744073709551616", 501, "5.5.4"),        /* D15 */
	BAD("MAIL FROM:<a@b.c> SIZE=000000000000000000001", 501, "5.5.4"),
	BAD("MAIL FROM:<a@b.c> SIZE=-1", 501, "5.5.4"),
	BAD("MAIL FROM:<a@b.c> SIZE=abc", 501, "5.5.4"),
	BAD("MAIL FROM:<a@b.c> SIZE=", 501, "5.5.4"),
	BAD("MAIL FROM:<a@b.c> SIZE", 501, "5.5.4"),
	BAD("MAIL FROM:<a@b.c> SIZE=1,SIZE=2", 501, "5.5.4"),
};

static const struct line_case rcpt_lines[] = {
	GOOD("RCPT TO:<u@example.net>"),
	GOOD("rcpt to: <u@example.net>"),
	GOOD("RCPT TO:<a@b.c> \t"),                                              /* D13 */
	GOOD("RCPT TO:<Postmaster>"),
	BAD("RCPT FROM:<u@example.net>", 501, "5.5.4"),
	BAD("RCPT TO <u@example.net>", 501, "5.5.4"),
	BAD("RCPT TO:<u@example.net>\nRCPT TO:<v@example.net>", 501, "5.5.2"),   /* I1 */
	BAD("RCPT TO:<u@example.net>\rRCPT TO:<v@example.net>", 501, "5.5.2"),
	BAD("RCPT TO:<u\0@example.net>", 501, "5.5.2"),
	BAD("RCPT TO:<\"a\rb\"@example.net>", 501, "5.5.2"),
	BAD("RCPT TO:<>", 501, "5.1.3"),
	BAD("RCPT TO:<u@" X300 X100 ">", 501, "5.1.3"),
	BAD("RCPT TO:<u@[IPv6:zz]>", 501, "5.1.3"),
	BAD("RCPT TO:<a..b@example.net>", 501, "5.1.3"),
	BAD("RCPT TO:<u@-bad>", 501, "5.1.3"),
	BAD("RCPT TO::include:/etc/passwd", 501, "5.1.3"),
	BAD("RCPT TO:<:include:/etc/passwd>", 501, "5.1.3"),
	BAD("RCPT TO:<\xc3\xa4@example.net>", 553, "5.6.7"),
	BAD("RCPT TO:<u@ex\xc3\xa4mple.org>", 553, "5.6.7"),
	GOOD("RCPT TO:<-oX@example.net>"),                                       /* I2 */
	GOOD("RCPT TO:<|id@example.net>"),
	GOOD("RCPT TO:</etc/passwd@example.net>"),
	GOOD("RCPT TO:<u@[127.0.0.1]>"),
	BAD("RCPT TO:<u@a_b.example>", 501, "5.1.3"),
	GOOD("RCPT TO:<u@xn--exmple-cua.org>"),
	BAD("RCPT TO:<user%dom>", 501, "5.1.3"),                                 /* I3 */
	BAD("RCPT TO:<\"u@dom\">", 501, "5.1.3"),
	BAD("RCPT TO:<@a:u@b>", 501, "5.1.3"),
	BAD("RCPT TO:<u@b@a>", 501, "5.1.3"),
	GOOD("RCPT TO:<a@b.c> NOTIFY=NEVER"),
	GOOD("RCPT TO:<a@b.c> NOTIFY=SUCCESS,FAILURE,delay ORCPT=rfc822;a@b.c"),
	BAD("RCPT TO:<a@b.c> NOTIFY=NEVER,SUCCESS", 501, "5.5.4"),               /* H2 */
	BAD("RCPT TO:<a@b.c> NOTIFY=SUCCESS,NEVER", 501, "5.5.4"),
	BAD("RCPT TO:<a@b.c> NOTIFY=NEVER,NEVER", 501, "5.5.4"),
	BAD("RCPT TO:<a@b.c> NOTIFY=DELAY,DELAY", 501, "5.5.4"),
	BAD("RCPT TO:<a@b.c> NOTIFY=DELAY,", 501, "5.5.4"),
	BAD("RCPT TO:<a@b.c> NOTIFY=,DELAY", 501, "5.5.4"),
	BAD("RCPT TO:<a@b.c> NOTIFY=", 501, "5.5.4"),
	BAD("RCPT TO:<a@b.c> NOTIFY", 501, "5.5.4"),
	BAD("RCPT TO:<a@b.c> NOTIFY=X", 501, "5.5.4"),
	BAD("RCPT TO:<a@b.c> NOTIFY=NEVER NOTIFY=NEVER", 501, "5.5.4"),
	BAD("RCPT TO:<a@b.c> ORCPT=rfc822;a+0Ab@x", 501, "5.5.4"),
	BAD("RCPT TO:<a@b.c> ORCPT=rfc822;", 501, "5.5.4"),
	BAD("RCPT TO:<a@b.c> ORCPT=a+0D;x", 501, "5.5.4"),
	BAD("RCPT TO:<a@b.c> ORCPT=rfc822;" X500 X300 X100, 501, "5.5.4"),
	BAD("RCPT TO:<a@b.c> ORCPT=utf-8;\\x{D800}", 501, "5.5.4"),
	GOOD("RCPT TO:<a@b.c> ORCPT=utf-8;\\x{E4}@example.net"),
	BAD("RCPT TO:<a@b.c> ORCPT=utf-8;\xc3\xa4@example.net", 501, "5.5.4"),
	BAD("RCPT TO:<a@b.c> ORCPT=;x", 501, "5.5.4"),
	BAD("RCPT TO:<a@b.c> ORCPT=rfc822", 501, "5.5.4"),
	BAD("RCPT TO:<a@b.c> ORCPT=rfc822;a ORCPT=rfc822;a", 501, "5.5.4"),
	BAD("RCPT TO:<a@b.c> SIZE=1", 555, "5.5.4"),
	BAD("RCPT TO:<a@b.c> RRVS=2014-04-03T23:01:00Z", 555, "5.5.4"),
};

static void
check_lines(const struct line_case *cases, size_t count, enum smtp_verb verb)
{
	for (size_t i = 0; i < count; i++) {
		bool good = parse(cases[i].line);

		if (reply.code != cases[i].code)
			print_error("line %.*s: %u %s\n", SPAN_PRINT(cases[i].line), reply.code,
				reply.text ? reply.text : "");
		assert_int_equal(command.verb, verb);
		assert_int_equal(good, cases[i].code == 0);
		assert_int_equal(reply.code, cases[i].code);
		if (!good) {
			assert_string_equal(reply.enhanced, cases[i].enhanced);
			assert_true(reply.text[0] != '\0');
		}
	}
}

static void
test_mail_lines(void **state)
{
	(void)state;
	check_lines(mail_lines, sizeof mail_lines / sizeof mail_lines[0], SMTP_VERB_MAIL);
}

static void
test_rcpt_lines(void **state)
{
	(void)state;
	check_lines(rcpt_lines, sizeof rcpt_lines / sizeof rcpt_lines[0], SMTP_VERB_RCPT);
}

static void
test_mail_gives_everything(void **state)
{
	(void)state;
	assert_true(parse_text(
		"MAIL FROM:<Alice@Example.org> SIZE=12345 BODY=8BITMIME SMTPUTF8 RET=HDRS "
		"ENVID=a+2Bb AUTH=<>"));
	assert_span_equal(address_local(&command.mail.sender), "Alice");
	assert_span_equal(address_domain(&command.mail.sender), "example.org");
	assert_true(command.mail.has_size);
	assert_int_equal(command.mail.size, 12345);
	assert_int_equal(command.mail.body, SMTP_BODY_8BITMIME);
	assert_true(command.mail.utf8);
	assert_int_equal(command.mail.ret, SMTP_RET_HDRS);
	assert_span_equal(command.mail.envid, "a+2Bb");
	assert_span_equal(command.mail.auth, "<>");
	assert_true(parse_text("MAIL FROM:<>"));
	assert_int_equal(command.mail.sender.kind, ADDRESS_NULL);
	assert_false(command.mail.has_size);
	assert_int_equal(command.mail.envid.length, 0);
}

static void
test_parameters_as_they_came(void **state)
{
	(void)state;
	assert_true(parse_text("MAIL FROM:<a@b.c>   SIZE=1  ret=FULL \t"));
	assert_span_equal(command.mail.parameters, "SIZE=1  ret=FULL");
	assert_true(parse_text("MAIL FROM:<a@b.c> "));
	assert_int_equal(command.mail.parameters.length, 0);
	assert_true(parse_text("RCPT TO:<a@b.c> NOTIFY=NEVER"));
	assert_span_equal(command.rcpt.parameters, "NOTIFY=NEVER");
}

static void
test_rcpt_gives_everything(void **state)
{
	(void)state;
	assert_true(parse_text("RCPT TO:<u@example.net> ORCPT=rfc822;u+40x NOTIFY=SUCCESS,DELAY"));
	assert_span_equal(address_domain(&command.rcpt.recipient), "example.net");
	assert_int_equal(command.rcpt.notify, SMTP_NOTIFY_SUCCESS | SMTP_NOTIFY_DELAY);
	assert_span_equal(command.rcpt.orcpt, "rfc822;u+40x");
	assert_true(parse_text("RCPT TO:<postmaster>"));
	assert_int_equal(command.rcpt.recipient.kind, ADDRESS_BARE);
	assert_int_equal(command.rcpt.notify, 0);
}

static void
test_parameters_only_as_offered(void **state)
{
	static const struct {
		const char *line;
		unsigned offer;
	} cases[] = {
		{ "MAIL FROM:<a@b.c> SIZE=1", SMTP_OFFER_SIZE }, /* D13: HELO, then SIZE */
		{ "MAIL FROM:<a@b.c> BODY=8BITMIME", SMTP_OFFER_8BITMIME },
		{ "MAIL FROM:<a@b.c> BODY=BINARYMIME",
			SMTP_OFFER_8BITMIME | SMTP_OFFER_BINARYMIME },
		{ "MAIL FROM:<a@b.c> SMTPUTF8", SMTP_OFFER_SMTPUTF8 },
		{ "MAIL FROM:<a@b.c> RET=FULL", SMTP_OFFER_DSN },
		{ "MAIL FROM:<a@b.c> ENVID=x", SMTP_OFFER_DSN },
		{ "MAIL FROM:<a@b.c> AUTH=<>", SMTP_OFFER_AUTH },
		{ "RCPT TO:<a@b.c> NOTIFY=DELAY", SMTP_OFFER_DSN },
		{ "RCPT TO:<a@b.c> ORCPT=rfc822;a", SMTP_OFFER_DSN },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct span line = span_text(cases[i].line);

		assert_true(smtp_command_parse(line, cases[i].offer, false, &command, &reply));
		assert_false(smtp_command_parse(line, 0, false, &command, &reply));
		assert_int_equal(reply.code, 555);
	}
	assert_false(smtp_command_parse(
		span_text("MAIL FROM:<\xc3\xa4@b.c>"), 0, false, &command, &reply));
	assert_int_equal(reply.code, 553);
}

static void
test_recipients_in_utf8_transactions(void **state)
{
	(void)state;
	assert_true(smtp_command_parse(span_text("RCPT TO:<\xc3\xa4@b.c> ORCPT=utf-8;\xc3\xa4@b.c"),
		ALL, true, &command, &reply));
	assert_false(address_is_ascii(&command.rcpt.recipient));
	assert_false(smtp_command_parse(
		span_text("RCPT TO:<a@b.c> ORCPT=utf-8;\xff@b.c"), ALL, true, &command, &reply));
	assert_int_equal(reply.code, 501);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mail_lines),
		cmocka_unit_test(test_rcpt_lines),
		cmocka_unit_test(test_mail_gives_everything),
		cmocka_unit_test(test_parameters_as_they_came),
		cmocka_unit_test(test_rcpt_gives_everything),
		cmocka_unit_test(test_parameters_only_as_offered),
		cmocka_unit_test(test_recipients_in_utf8_transactions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
