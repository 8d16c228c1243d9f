/* SPDX-License-Identifier: BSD-2-Clause */
/* The SMTP dialogue: scripts with every byte of the replies, said whole and a byte at a time. */
#include "../fake/smtp_script.h"

#include <stdio.h>

#define KEYWORDS                                                                                   \
	"S: 250-mail.example.org\nS: 250-PIPELINING\nS: 250-SIZE 26214400\nS: 250-8BITMIME\n"      \
	"S: 250-SMTPUTF8\nS: 250-CHUNKING\nS: 250-DSN\nS: 250-ENHANCEDSTATUSCODES\n"
#define HELLO                                                                                      \
	"C: EHLO client.example.org\n" KEYWORDS                                                    \
	"S: 250-AUTH PLAIN LOGIN SCRAM-SHA-256\nS: 250 HELP\n"
#define FIRST_503 "S: 503 5.5.1 EHLO first, and one MAIL at a time\n"

struct script {
	const char *name;
	const char *text;
};

/* A line of four hundred letters. */
#define X50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X400 X50 X50 X50 X50 X50 X50 X50 X50

/* Nobody has logged in, and there is no TLS. */
static const struct script strangers[] = {
	{ "EHLO", GREETING HELLO "C: QUIT\nS: 221 2.0.0 mail.example.org Goodbye\n" },
	{ "HELO", GREETING "C: HELO x\nS: 250 mail.example.org\n"
			   "C: AUTH PLAIN AGFsaWNlAGFsaWNlcHc=\nS: 503 5.5.1 EHLO first\n" },
	{ "C3 mail without login", GREETING HELLO
		"C: MAIL FROM:<alice@example.org>\nS: 530 5.7.0 Authentication required\n"
		"C: MAIL FROM:<>\nS: 530 5.7.0 Authentication required\n" NOOP },
	{ "commands before EHLO",
		GREETING "C: MAIL FROM:<a@example.org>\n" FIRST_503
			 "C: AUTH PLAIN\nS: 503 5.5.1 EHLO first, and not in a transaction\n"
			 "C: STARTTLS\nS: 502 5.5.1 TLS is not offered here\n" },
	{ "free commands", GREETING "C: NOOP x\nC: RSET\nC: HELP\n"
				    "S: 250 2.0.0 Ok\nS: 250 2.0.0 Ok\n"
				    "S: 214-2.0.0 Commands: EHLO HELO STARTTLS AUTH MAIL RCPT DATA "
				    "BDAT RSET VRFY NOOP HELP QUIT\n"
				    "S: 214 2.0.0 See RFC 5321 and RFC 6409\n" },
	{ "D13 arguments",
		GREETING "C: QUIT x\nS: 501 5.5.4 this command takes no argument\n"
			 "C: RSET x\nS: 501 5.5.4 this command takes no argument\n"
			 "C: EHLO\nS: 501 a domain name or an address literal must follow\n"
			 "C: noop\nS: 250 2.0.0 Ok\nC: NOOP " X400 "\nS: 250 2.0.0 Ok\n"
			 "C: RSET  \nS: 250 2.0.0 Ok\n" },
	{ "H1 names that are none", GREETING
		"C: EHLO a b\nC: EHLO [1.2.3.4\nC: EHLO (evil) by good\nC: EHLO x;y=z\nC: EHLO "
		"%n%s\n"
		"S: 501 a domain name or an address literal must follow\n"
		"S: 501 a domain name or an address literal must follow\n"
		"S: 501 a domain name or an address literal must follow\n"
		"S: 501 a domain name or an address literal must follow\n"
		"S: 501 a domain name or an address literal must follow\n"
		"C: EHLO " X400 X400 "\nS: 501 a domain name or an address literal must follow\n" },
	{ "H1 names that are", GREETING "C: HELO [192.0.2.1]\nS: 250 mail.example.org\n"
					"C: HELO [IPv6:2001:db8::1]\nS: 250 mail.example.org\n"
					"C: HELO host_name\nS: 250 mail.example.org\n" },
	{ "D9 a chunk before login", GREETING HELLO
		"C: BDAT 6 LAST\nC: RSET\nS: 530 5.7.0 Authentication required\n" NOOP },
};

/* alice has logged in and said EHLO. */
static const struct script senders[] = {
	{ "D1 before MAIL", "C: RCPT TO:<u@example.net>\nS: 503 5.5.1 MAIL first\n"
			    "C: DATA\nS: 503 5.5.1 MAIL and RCPT first, and no BDAT\n"
			    "C: BDAT 0 LAST\nS: 503 5.5.1 MAIL and RCPT first\n"
			    "C: BDAT 6 LAST\nC: RSET\nS: 503 5.5.1 MAIL and RCPT first\n" NOOP },
	{ "D2 MAIL twice", MAIL "C: MAIL FROM:<ali@example.org>\n" FIRST_503 RCPT },
	{ "D12 no recipient that can be read",
		MAIL "C: RCPT TO:<bad address>\nS: 501 5.1.3 malformed local part of address\n"
		     "C: DATA\nS: 554 5.5.1 No valid recipients\n" NOOP },
	{ "DATA before RCPT", MAIL "C: DATA\nS: 503 5.5.1 RCPT first\n" RCPT },
	{ "C1 a second login",
		"C: AUTH PLAIN AGJvYgBib2Jwdw==\nS: 503 5.5.1 Already authenticated\n" },
	{ "C2 a login in a transaction", MAIL "C: AUTH PLAIN AGJvYgBib2Jwdw==\nS: 503 5.5.1 EHLO "
					      "first, and not in a transaction\n" },
	{ "C13 EHLO and RSET keep the login",
		"C: RSET\nS: 250 2.0.0 Ok\n" MAIL "C: EHLO again.example.org\n" KEYWORDS
		"S: 250 HELP\n" MAIL RCPT
		"C: HELO again.example.org\nS: 250 mail.example.org\n" MAIL },
	{ "EHLO ends the transaction",
		MAIL RCPT "C: EHLO a.example.org\n" KEYWORDS "S: 250 HELP\n"
			  "C: DATA\nS: 503 5.5.1 MAIL and RCPT first, and no BDAT\n" },
	{ "D6 DATA behind BDAT",
		MAIL RCPT "C: BDAT 8\nC: From: \nS: 250 2.0.0 8 bytes received\n"
			  "C: DATA\nS: 503 5.5.1 MAIL and RCPT first, and no BDAT\n"
			  "C: RCPT TO:<v@example.net>\nS: 503 5.5.1 MAIL first\n"
			  "C: RSET\nS: 250 2.0.0 Ok\n" MAIL },
	{ "D9 chunks without a recipient",
		MAIL "C: BDAT 6\nC: RSET\nS: 503 5.5.1 RCPT first\n"
		     "C: RCPT TO:<v@nowhere>\nS: 554 5.1.2 The recipient's domain is not fully "
		     "qualified\n"
		     "C: BDAT 6 LAST\nC: RSET\nS: 554 5.5.1 No valid recipients\n" NOOP },
	{ "D12 malformed recipients count too",
		MAIL "C: RCPT TO:<bad address>\nS: 501 5.1.3 malformed local part of address\n"
		     "C: DATA\nS: 554 5.5.1 No valid recipients\n" },
	{ "D12 no valid recipient in a pipeline",
		"C: MAIL FROM:<alice@example.org>\nC: RCPT TO:<v@nowhere>\nC: DATA\nC: RSET\n"
		"S: 250 2.1.0 Ok\nS: 554 5.1.2 The recipient's domain is not fully qualified\n"
		"S: 554 5.5.1 No valid recipients\nS: 250 2.0.0 Ok\n" },
	{ "D12 content that was not waited for",
		"C: MAIL FROM:<alice@example.org>\nC: RCPT TO:<bad address>\nC: DATA\n"
		"C: From: <alice@example.org>\nC: \nC: RSET\nC: MAIL FROM:<alice@example.org>\nC: "
		".\n"
		"S: 250 2.1.0 Ok\nS: 501 5.1.3 malformed local part of address\n"
		"S: 554 5.5.1 No valid recipients\nS: 500 5.5.1 command not recognized\n" },
	{ "D14 verbs that are not offered",
		"C: TURN\nC: ETRN example.org\nC: EXPN list\nC: SEND FROM:<a@b>\nC: BURL x\nC: "
		"XEXCH50 1 1\n"
		"S: 502 5.5.1 command not offered\nS: 502 5.5.1 command not offered\n"
		"S: 502 5.5.1 command not offered\nS: 502 5.5.1 command not offered\n"
		"S: 502 5.5.1 command not offered\nS: 502 5.5.1 command not offered\n"
		"C: VRFY alice@example.org\nC: VRFY nobody\n"
		"S: 252 2.5.2 Cannot verify, but will accept messages and try to deliver\n"
		"S: 252 2.5.2 Cannot verify, but will accept messages and try to deliver\n"
		"C: XYZZY\nS: 500 5.5.1 command not recognized\n" },
	{ "D15 sizes at MAIL",
		"C: MAIL FROM:<alice@example.org> SIZE=26214401\n"
		"S: 552 5.3.4 Message is larger than 26214400 bytes, the most allowed here\n"
		"C: MAIL FROM:<alice@example.org> SIZE=26214400\nS: 250 2.1.0 Ok\n" },
	{ "F1 F2 own addresses", MAIL
		"C: RSET\nS: 250 2.0.0 Ok\n"
		"C: MAIL FROM:<ali@example.org>\nS: 250 2.1.0 Ok\nC: RSET\nS: 250 2.0.0 Ok\n"
		"C: MAIL FROM:<Alice@EXAMPLE.ORG>\nS: 250 2.1.0 Ok\nC: RSET\nS: 250 2.0.0 Ok\n"
		"C: MAIL FROM:<\"alice\"@example.org>\nS: 250 2.1.0 Ok\nC: RSET\nS: 250 2.0.0 Ok\n"
		"C: MAIL FROM:<>\nS: 250 2.1.0 Ok\n" },
	{ "F27 AUTH= is never trusted",
		"C: MAIL FROM:<alice@example.org> AUTH=<>\nS: 250 2.1.0 Ok\n"
		"C: RSET\nS: 250 2.0.0 Ok\n"
		"C: MAIL FROM:<alice@example.org> AUTH=bob@example.org\nS: 250 2.1.0 Ok\n" },
	{ "RFC 6409 4.2", "C: MAIL FROM:<alice@host>\nS: 554 5.1.8 The sender's domain is not "
			  "fully qualified\n" },
	{ "E3 duplicates", MAIL RCPT "C: RCPT TO:<u@EXAMPLE.net>\nS: 250 2.1.5 Ok, known already\n"
				     "C: RCPT TO:<U@example.net>\nS: 250 2.1.5 Ok\n" },
	{ "postmaster", MAIL "C: RCPT TO:<postmaster>\nS: 250 2.1.5 Ok\n" },
};

/* F3, F15 to F22, I1, H2: forms that must be refused; of the reply only the code counts. */
static const struct {
	const char *line;
	const char *code;
} refused[] = {
	{ "MAIL FROM:<bob@example.org>", "550 5.7.1" },
	{ "MAIL FROM:<ceo@example.com>", "550 5.7.1" },
	{ "MAIL FROM:<\"alice@example.org\"@example.com>", "550" },
	{ "MAIL FROM:<@evil.example,@b:bob@example.org>", "5" },
	{ "MAIL FROM:<bob%example.org@example.org>", "550" },
	{ "MAIL FROM:<bob@example.org@example.org>", "501" },
	{ "MAIL FROM:<bob:alice@example.org>", "501" },
	{ "MAIL FROM:alice@example.org", "501" },
	{ "MAIL FROM:< alice@example.org>", "501" },
	{ "MAIL FROM:<alice @example.org>", "501" },
	{ "MAIL FROM:<alice(bob)@example.org>", "501" },
	{ "MAIL FROM:<alice@example.org\x01>", "50" },
	{ "MAIL FROM:<alice@example.org\x7f>", "50" },
	{ "MAIL FROM:<alice@example.org\t>", "50" },
	{ "MAIL FROM:<alice@example.org><bob@example.org>", "501" },
	{ "MAIL FROM:<;id;>", "501" },
	{ "MAIL FROM:<|id@example.org>", "550" },
	{ "MAIL FROM:<-oX@example.org>", "550" },
	{ "MAIL FROM:<" X50 X50 X50 X50 X50 X50 "@example.org>", "501" },
	{ "MAIL FROM:<alice@[127.0.0.1]>", "5" },
	{ "MAIL FROM:<alice@[IPv6:::1]>", "5" },
	{ "MAIL FROM:<alice>", "501" },
	{ "MAIL FROM:<al\xc3\xaf"
	  "ce@example.org>",
		"553 5.6.7" },
	{ "MAIL FROM :<alice@example.org>", "501" },
	{ "MAIL FROM:<alice@example.org>SIZE=1", "501" },
	{ "MAIL FROM:<alice@example.org> SIZE=", "501" },
	{ "MAIL FROM:<alice@example.org> SIZE=-1", "501" },
	{ "MAIL FROM:<alice@example.org> SIZE=abc", "501" },
	{ "MAIL FROM:<alice@example.org> SIZE=1 SIZE=2", "501" },
	{ "MAIL FROM:<alice@example.org> ENVID=a+ZZ", "501" },
	{ "MAIL FROM:<alice@example.org> ENVID=a+0D+0AX", "501" },
	{ "MAIL FROM:<alice@example.org> ENVID=" X50 X50 "x", "501" },
	{ "MAIL FROM:<alice@example.org> RET=BOTH", "501" },
	{ "MAIL FROM:<alice@example.org> BODY=9BIT", "501" },
	{ "MAIL FROM:<alice@example.org> BODY=BINARYMIME", "5" },
	{ "MAIL FROM:<alice@example.org> FOO=BAR", "555" },
	{ "MAIL FROM:<alice@example.org> AUTH=<", "501" },
	{ "MAIL FROM:<alice@example.org> AUTH=bob+0A@x", "501" },
};

static struct rig *
begin(bool with_login, bool bytewise)
{
	struct rig *rig = rig_new("none", CLEAR, "");

	rig->bytewise = bytewise;
	if (with_login)
		rig_log_in(rig);
	else
		rig_connect(rig);
	return rig;
}

static void
play_all(const struct script *scripts, size_t count, bool with_login)
{
	for (int bytewise = 0; bytewise < 2; bytewise++) {
		for (size_t i = 0; i < count; i++) {
			struct rig *rig = begin(with_login, bytewise);

			print_message(
				"%s%s\n", scripts[i].name, bytewise ? ", a byte at a time" : "");
			rig_play(rig, scripts[i].text);
			rig_hear_silence(rig);
			rig_free(&rig);
		}
	}
}

static void
test_strangers(void **state)
{
	(void)state;
	play_all(strangers, sizeof strangers / sizeof *strangers, false);
}

static void
test_senders(void **state)
{
	(void)state;
	play_all(senders, sizeof senders / sizeof *senders, true);
}

static void
test_refused_forms(void **state)
{
	struct rig *rig = rig_new("none", CLEAR "errors = 1000\n", "");

	(void)state;
	rig_log_in(rig);
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		rig_say_text(rig, refused[i].line);
		rig_say_text(rig, "\r\n");
		print_message("%s\n", refused[i].line);
		rig_hear_line(rig, refused[i].code);
		rig_play(rig, NOOP);
	}
	rig_free(&rig);
}

/* H8: nothing a client says comes back to it. */
static void
test_no_echo(void **state)
{
	struct rig *rig = begin(true, false);

	(void)state;
	rig_play(rig,
		"C: <xss>\nS: 500 5.5.1 command not recognized\n"
		"C: MAIL FROM:<<xss>@example.org>\nS: 501 5.1.7 malformed local part of address\n"
		"C: NOOP\r250 ok\nS: 500 5.5.1 command not recognized\n");
	rig_free(&rig);
}

/* 2: lines end in CRLF alone, and the cap is exact. */
static void
test_lines(void **state)
{
	struct rig *rig = rig_new("none", CLEAR "command-line-max = 512 errors = 100\n", "");
	char line[70000];

	(void)state;
	rig_connect(rig);
	rig_hear_line(rig, "220");
	memset(line, 'x', sizeof line);
	memcpy(line, "NOOP ", 5);
	memcpy(line + 510, "\r\n", 2);
	rig_say(rig, span_of(line, 512));
	rig_hear(rig, "250 2.0.0 Ok\r\n");
	memset(line + 510, 'x', 2);
	memcpy(line + 511, "\r\n", 2);
	rig_say(rig, span_of(line, 513));
	rig_hear(rig, "500 5.5.2 Line too long\r\n");
	/* far too long: nothing of it is run, and the next command is */
	memset(line + 511, 'x', 2);
	memcpy(line + sizeof line - 19, "\nQUIT\r\r\n\nNOOP\n\r\r\r\n", 18);
	line[sizeof line - 1] = 'N';
	rig_say(rig, span_of(line, sizeof line));
	rig_say_text(rig, "OOP\r\n");
	rig_hear_line(rig, "500 5.5.2 Line too long");
	rig_hear_line(rig, "500 5.5.1");
	rig_hear_line(rig, "250 2.0.0 Ok");
	rig_hear_silence(rig);
	rig_free(&rig);
}

/* E1: a line without end is answered, skipped a while, and then that was it. */
static void
test_endless_line(void **state)
{
	struct rig *rig = begin(false, false);
	char many[65536];

	(void)state;
	rig_hear_line(rig, "220");
	memset(many, 'A', sizeof many);
	for (int i = 0; i < 20 && !rig->closed; i++) {
		rig_say(rig, span_of(many, sizeof many));
		rig_turns(rig, 4);
	}
	rig_hear_line(rig, "500 5.5.2");
	rig_hear_close(rig);
	rig_free(&rig);
}

/* D10: errors are counted, and a message that went well forgives them. */
static void
test_errors(void **state)
{
	struct rig *rig = rig_new("none", CLEAR "errors = 3\n", "");

	(void)state;
	rig_connect(rig);
	rig_play(rig, GREETING
		"C: A\nC: B\nC: C\nC: NOOP\n"
		"S: 500 5.5.1 command not recognized\nS: 500 5.5.1 command not recognized\n"
		"S: 421 4.7.0 mail.example.org Too many errors\n");
	rig_hear_close(rig);
	rig_free(&rig);
}

/* D10: who speaks another protocol is cut off at once. */
static void
test_foreigners(void **state)
{
	static const char *const hellos[] = { "POST / HTTP/1.1\r\n", "GET / HTTP/1.0\r\n",
		"CONNECT x:25 HTTP/1.1\r\n", "OPTIONS * HTTP/1.1\r\n", "PRI * HTTP/2.0\r\n",
		"\x16\x03\x01\x02\x01\x01" };

	(void)state;
	for (size_t i = 0; i < 2 * sizeof hellos / sizeof *hellos; i++) {
		struct rig *rig = begin(false, i % 2);

		rig_hear_line(rig, "220");
		rig_say_text(rig, hellos[i / 2]);
		rig_hear_close(rig);
		rig_free(&rig);
	}
}

/* A25: replies of a pipeline come in order, and in one piece. */
static void
test_pipeline(void **state)
{
	struct rig *rig = begin(true, false);

	(void)state;
	rig_play(rig, "C: MAIL FROM:<alice@example.org>\nC: RCPT TO:<u@example.net>\nC: RCPT "
		      "TO:<v@example.net>\n"
		      "C: DATA\nS: 250 2.1.0 Ok\nS: 250 2.1.5 Ok\nS: 250 2.1.5 Ok\n"
		      "S: 354 End data with <CR><LF>.<CR><LF>\n"
		      "C: From: <alice@example.org>\nC: \nC: one\nC: .\nC: MAIL "
		      "FROM:<alice@example.org>\n"
		      "C: RCPT TO:<w@example.net>\nC: DATA\n");
	rig_hear_line(rig, "250 2.0.0 Ok: queued as ");
	rig_play(rig, "S: 250 2.1.0 Ok\nS: 250 2.1.5 Ok\nS: 354 End data with <CR><LF>.<CR><LF>\n"
		      "C: From: <alice@example.org>\nC: \nC: two\nC: .\nC: QUIT\n");
	rig_hear_line(rig, "250 2.0.0 Ok: queued as ");
	rig_play(rig, "S: 221 2.0.0 mail.example.org Goodbye\n");
	rig_hear_close(rig);
	assert_int_equal(rig->count, 2);
	assert_int_equal(rig->messages[0].recipients, 2);
	assert_string_not_equal(rig->messages[0].id, rig->messages[1].id);
	assert_span_equal(buf_span(&rig->messages[0].body), "one\r\n");
	assert_string_equal(rig->messages[1].first_recipient, "w@example.net");
	rig_free(&rig);
}

/* E11: a client that sends and never reads costs a bounded buffer, and time. */
static void
test_client_does_not_read(void **state)
{
	struct rig *rig = rig_new("none", CLEAR "send-wait = 5s\n", "");
	struct span noops =
		SPAN_LITERAL("NOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\n");
	size_t heard;

	(void)state;
	rig_connect(rig);
	rig_hear_line(rig, "220");
	stream_pause(rig->client);
	for (int i = 0; i < 20000; i++)
		stream_write(rig->client, noops);
	stream_flush(rig->client);
	rig_turns(rig, 200);
	assert_int_equal(session_phase(rig->service.front->sessions), SESSION_SENDING);
	/* and when it reads at last, nothing was lost */
	stream_resume(rig->client);
	for (heard = 0; heard < 160000; heard++)
		rig_hear_line(rig, "250 2.0.0 Ok");
	rig_hear_silence(rig);
	rig_free(&rig);
}

/* E3: more recipients than there may be. */
static void
test_recipients(void **state)
{
	struct rig *rig = rig_new("none", CLEAR "recipients = 100\n", "");
	char line[64];

	(void)state;
	rig_log_in(rig);
	rig_play(rig, MAIL);
	for (int i = 0; i < 110; i++) {
		snprintf(line, sizeof line, "RCPT TO:<u%d@example.net>\r\n", i);
		rig_say_text(rig, line);
	}
	for (int i = 0; i < 110; i++)
		rig_hear_line(rig, i < 100 ? "250 2.1.5 Ok" : "452 4.5.3 Too many recipients: 100");
	rig_play(rig, "C: RCPT TO:<u3@example.net>\nS: 250 2.1.5 Ok, known already\n" DATA
		      "C: From: <alice@example.org>\nC: \nC: x\nC: .\n");
	rig_hear_line(rig, "250 2.0.0 Ok: queued as ");
	assert_int_equal(rig_last(rig)->recipients, 100);
	rig_free(&rig);
}

static void
test_messages_per_connection(void **state)
{
	struct rig *rig = rig_new("none", CLEAR "transactions = 1\n", "");

	(void)state;
	rig_log_in(rig);
	rig_play(rig, MAIL "C: RSET\nS: 250 2.0.0 Ok\nC: MAIL FROM:<alice@example.org>\n"
			   "S: 421 4.7.0 mail.example.org Too many messages on one connection\n");
	rig_hear_close(rig);
	rig_free(&rig);
}

/* RFC 3207 4: where TLS is demanded, nothing goes without. */
static void
test_tls_demanded(void **state)
{
	struct rig *rig = rig_new("starttls", "require-tls = yes\n",
		"permit \"anonymous\" { rights = { submit, any-sender } }\n");

	(void)state;
	rig_connect(rig);
	rig_play(rig, GREETING
		"C: HELO x\nS: 530 5.7.0 Must issue a STARTTLS command first\n"
		"C: EHLO x.example.org\n" KEYWORDS "S: 250-STARTTLS\nS: 250 HELP\n"
		"C: MAIL FROM:<a@example.net>\nS: 530 5.7.0 Must issue a STARTTLS command first\n"
		"C: RSET\nS: 530 5.7.0 Must issue a STARTTLS command first\n"
		"C: AUTH PLAIN\nS: 530 5.7.0 Must issue a STARTTLS command first\n" NOOP
		"C: QUIT\nS: 221 2.0.0 mail.example.org Goodbye\n");
	rig_free(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strangers),
		cmocka_unit_test(test_senders),
		cmocka_unit_test(test_refused_forms),
		cmocka_unit_test(test_no_echo),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_endless_line),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_foreigners),
		cmocka_unit_test(test_pipeline),
		cmocka_unit_test(test_client_does_not_read),
		cmocka_unit_test(test_recipients),
		cmocka_unit_test(test_messages_per_connection),
		cmocka_unit_test(test_tls_demanded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
