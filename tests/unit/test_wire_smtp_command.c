/* SPDX-License-Identifier: BSD-2-Clause */
/* SMTP command lines: verbs, paths, parameters, and the replies to what is wrong. */
#include "unit.h"

#include <stdlib.h>

#include "wire/smtp_command.h"

#define X10 "xxxxxxxxxx"
#define X50 X10 X10 X10 X10 X10
#define X100 X50 X50
#define X300 X100 X100 X100
#define X500 X300 X100 X100

enum {
	ALL = SMTP_OFFER_SIZE | SMTP_OFFER_8BITMIME | SMTP_OFFER_SMTPUTF8 | SMTP_OFFER_DSN |
	      SMTP_OFFER_AUTH,
};

static struct smtp_command command;
static struct smtp_reply reply;

static bool
parse(struct span line)
{
	memset(&reply, 0, sizeof reply);
	return smtp_command_parse(line, ALL, false, &command, &reply);
}

static bool
parse_text(const char *line)
{
	return parse(span_text(line));
}

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
		cmocka_unit_test(test_mail_lines),
		cmocka_unit_test(test_rcpt_lines),
		cmocka_unit_test(test_mail_gives_everything),
		cmocka_unit_test(test_rcpt_gives_everything),
		cmocka_unit_test(test_parameters_only_as_offered),
		cmocka_unit_test(test_recipients_in_utf8_transactions),
		cmocka_unit_test(test_bdat),
		cmocka_unit_test(test_auth),
		cmocka_unit_test(test_length_is_exact),
		cmocka_unit_test(test_foreign_starts),
		cmocka_unit_test(test_cut_and_changed_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
