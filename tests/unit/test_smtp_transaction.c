/* SPDX-License-Identifier: BSD-2-Clause */
/* Transactions: content by DATA and BDAT, smuggling, and the charge. */
#include "transaction_fixture.h"

/* What stands behind HEAD comes out as body, or the message is refused. */
static const struct {
	const char *name;
	const char *content; /* behind HEAD, with the final dot */
	const char *body;    /* NULL: refused with 554 */
} contents[] = {
	{ "plain", "hello\r\n.\r\n", "hello\r\n" },
	{ "no body", ".\r\n", "" },
	{ "A19 dots", "A\r\n..dot\r\n.\r\n", "A\r\n.dot\r\n" },
	{ "A19 two dots", "..\r\n...\r\n.\r\n", ".\r\n..\r\n" },
	{ "8 bits", "\xc3\xa9\r\n.\r\n", "\xc3\xa9\r\n" },
	{ "A1", "a\n.\nMAIL FROM:<alice@example.org>\r\n.\r\n", NULL },
	{ "A2", "a\n.\r\nRCPT TO:<v@example.net>\r\n.\r\n", NULL },
	{ "A3", "a\r.\r\nMAIL FROM:<alice@example.org>\r\n.\r\n", NULL },
	{ "A4", "a\r.\rMAIL FROM:<alice@example.org>\r\n.\r\n", NULL },
	{ "A5", "a\r.\nMAIL FROM:<alice@example.org>\r\n.\r\n", NULL },
	{ "A6", "a\n.\rMAIL FROM:<alice@example.org>\r\n.\r\n", NULL },
	{ "A8", "a\r\n.\rMAIL FROM:<alice@example.org>\r\n.\r\n", NULL },
	{ "A9", "a\r\n.\r\r\nMAIL FROM:<alice@example.org>\r\n.\r\n", NULL },
	{ "A15", "a\r\n. \r\n.\r\n", "a\r\n \r\n" },
	{ "bare LF", "a\nb\r\n.\r\n", NULL },
	{ "bare CR", "a\rb\r\n.\r\n", NULL },
};

static void
test_contents(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * sizeof contents / sizeof *contents; i++) {
		struct rig *rig = begin("", i % 2);
		const char *body = contents[i / 2].body;

		print_message("%s\n", contents[i / 2].name);
		rig_play(rig, DATA);
		rig_say_text(rig, HEAD);
		rig_say_text(rig, contents[i / 2].content);
		rig_hear_line(rig, body ? ok : "554 5.6.0 Refused: ");
		rig_hear_silence(rig);
		assert_int_equal(rig->count, body ? 1 : 0);
		if (body)
			assert_span_equal(buf_span(&rig_last(rig)->body), body);
		/* and the session is in step */
		rig->bytewise = false;
		rig_play(rig, "C: DATA\nS: 503 5.5.1 MAIL and RCPT first, and no BDAT\n");
		rig_free(&rig);
	}
}

static void
test_normalize(void **state)
{
	struct rig *rig = begin("bare-newline = normalize\n", false);

	(void)state;
	say_data(rig, HEAD "a\nb\rc\n.\nd\r\n.\r\n");
	rig_hear_line(rig, ok);
	assert_span_equal(buf_span(&rig_last(rig)->body), "a\r\nb\r\nc\r\n.\r\nd\r\n");
	rig_free(&rig);
}

/* What the queue gets: envelope, protocol, header with its empty line, DSN parameters as they came.
 */
static void
test_commit(void **state)
{
	struct rig *rig = begin("", false);
	struct rig_message *message;

	(void)state;
	rig_play(rig,
		"C: RSET\nS: 250 2.0.0 Ok\n"
		"C: MAIL FROM:<ALI@example.org> BODY=8BITMIME RET=HDRS ENVID=a+2Bb SIZE=10\nS: 250 "
		"2.1.0 Ok\n"
		"C: RCPT TO:<u@example.net> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;u+40example.net\n"
		"S: 250 2.1.5 Ok\nC: RCPT TO:<v@example.net>\nS: 250 2.1.5 Ok\n");
	say_data(rig, "From: <alice@example.org>\r\nBcc: <secret@example.net>\r\n\r\nx\r\n.\r\n");
	rig_hear_line(rig, ok);
	message = rig_last(rig);
	assert_string_equal(message->sender, "ALI@example.org");
	assert_string_equal(message->first_recipient, "u@example.net");
	assert_int_equal(message->recipients, 2);
	assert_string_equal(message->login, "alice");
	assert_string_equal(message->grant, "granted");
	assert_string_equal(message->protocol, "ESMTPA");
	assert_string_equal(message->envid, "a+2Bb");
	assert_string_equal(message->orcpt, "rfc822;u+40example.net");
	assert_int_equal(message->notify, NOTIFY_SUCCESS | NOTIFY_FAILURE);
	assert_int_equal(message->ret, RETURN_HEADERS);
	assert_true(message->eightbit);
	assert_false(message->hold);
	assert_true(span_starts(buf_span(&message->header), "Received: from client.example.org"));
	assert_null(strstr(buf_text(&message->header), "secret"));
	assert_non_null(strstr(buf_text(&message->header), "\r\n\r\n"));
	assert_int_equal(rig->charges, 1);
	rig_free(&rig);
}

/* ---- BDAT ------------------------------------------------------------------------------------ */

static void
test_chunks(void **state)
{
	(void)state;
	for (int bytewise = 0; bytewise < 2; bytewise++) {
		struct rig *rig = begin("", bytewise);

		/* A20, D9: content that looks like an end and like commands */
		say_chunk(
			rig, SPAN_LITERAL(HEAD "x\r\n.\r\n.\r\nMAIL FROM:<x@y>\r\nend\r\n"), true);
		rig_hear_line(rig, ok);
		assert_span_equal(buf_span(&rig_last(rig)->body),
			"x\r\n.\r\n.\r\nMAIL FROM:<x@y>\r\nend\r\n");
		/* A21: a line end over two chunks */
		next(rig);
		say_chunk(rig, SPAN_LITERAL(HEAD "body\r"), false);
		rig_hear(rig, "250 2.0.0 46 bytes received\r\n");
		say_chunk(rig, SPAN_LITERAL("\n.\r\nMAIL FROM:<x@y>\r\n"), true);
		rig_hear_line(rig, ok);
		assert_span_equal(
			buf_span(&rig_last(rig)->body), "body\r\n.\r\nMAIL FROM:<x@y>\r\n");
		/* A23: no line end at the end */
		next(rig);
		say_chunk(rig, SPAN_LITERAL(HEAD "abc"), true);
		rig_hear_line(rig, ok);
		assert_span_equal(buf_span(&rig_last(rig)->body), "abc\r\n");
		/* nothing in the last chunk */
		next(rig);
		say_chunk(rig, SPAN_LITERAL(HEAD "abc"), false);
		rig_hear(rig, "250 2.0.0 44 bytes received\r\n");
		rig_say_text(rig, "BDAT 0\r\n");
		rig_hear(rig, "250 2.0.0 0 bytes received\r\n");
		rig_say_text(rig, "BDAT 0 LAST\r\n");
		rig_hear_line(rig, ok);
		/* A22: a bare LF is refused with its chunk, and the next chunks go the same way */
		next(rig);
		say_chunk(rig, SPAN_LITERAL(HEAD "a\nb"), false);
		rig_hear(rig, "554 5.6.0 Refused: bare LF in message\r\n");
		say_chunk(rig, SPAN_LITERAL("RSET\r\n"), true);
		rig_hear(rig, "503 5.5.1 MAIL and RCPT first\r\n");
		rig_play(rig, "C: DATA\nS: 503 5.5.1 MAIL and RCPT first, and no BDAT\n" NOOP);
		assert_int_equal(rig->count, 4);
		rig_free(&rig);
	}
}

/* D7: sizes that are none; where the next command would be nobody knows. */
static void
test_chunk_sizes(void **state)
{
	static const char *const sizes[] = { "-1", "0x10", "+5", "5 LAST LAST", "5 FIRST", "",
		"1e3", "18446744073709551616", "99999999999999999999 LAST" };
	static const char *const large[] = { "4294967296", "9223372036854775808",
		"18446744073709551615" };

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct rig *rig = begin("", false);

		rig_say_text(rig, "BDAT ");
		rig_say_text(rig, sizes[i]);
		rig_say_text(rig, "\r\nRSET\r\n");
		rig_hear_line(rig, "501 ");
		rig_hear_close(rig);
		rig_free(&rig);
	}
	for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
		struct rig *rig = begin("", false);

		rig_say_text(rig, "BDAT ");
		rig_say_text(rig, large[i]);
		rig_say_text(rig, "\r\nRSET\r\n");
		rig_hear_line(rig, "552 5.3.4 ");
		rig_hear_close(rig);
		rig_free(&rig);
	}
}

/* D8 */
static void
test_many_chunks(void **state)
{
	struct rig *rig = begin("", false);
	struct buf said = BUF_INIT(0);

	(void)state;
	say_chunk(rig, SPAN_LITERAL(HEAD), false);
	rig_hear_line(rig, "250 2.0.0");
	for (int i = 0; i < 10000; i++)
		buf_add_text(&said, "BDAT 1\r\nx");
	rig_say(rig, buf_span(&said));
	for (int i = 0; i < 10000; i++)
		rig_hear_line(rig, "250 2.0.0 1 bytes received");
	rig_say_text(rig, "BDAT 0 LAST\r\n");
	rig_hear_line(rig, ok);
	assert_int_equal(buf_length(&rig_last(rig)->body), 10002);
	buf_fini(&said);
	rig_free(&rig);
}

/* ---- the charge ------------------------------------------------------------------------------ */

static void
test_charge(void **state)
{
	static const struct {
		enum charge_verdict verdict;
		const char *reply;
	} rows[] = { { CHARGE_PASS, ok }, { CHARGE_HOLD, ok },
		{ CHARGE_TEMPFAIL, "452 4.7.1 messages-per-hour of limits" },
		{ CHARGE_REFUSE, "550 5.7.1 messages-per-hour of limits" } };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rig *rig = begin("", false);

		rig->charge = rows[i].verdict;
		say_data(rig, HEAD "x\r\n.\r\n");
		rig_hear_line(rig, rows[i].reply);
		if (rig->count)
			assert_int_equal(rig_last(rig)->hold, rows[i].verdict == CHARGE_HOLD);
		rig_play(rig, MAIL);
		rig_free(&rig);
	}
}

/* Charged after the last verdict alone; not at all without a login; and not without auth. */
static void
test_charged_last(void **state)
{
	struct rig *rig = begin("", false);

	(void)state;
	say_data(rig, "From: <bob@example.org>\r\n\r\nx\r\n.\r\n");
	rig_hear_line(rig, "550 5.7.1 ");
	assert_int_equal(rig->charges, 0);
	next(rig);
	rig_play(rig, DATA);
	rig_kill_auth(rig);
	rig_turns(rig, 4);
	rig_say_text(rig, HEAD "x\r\n.\r\n");
	rig_hear(rig, "451 4.3.0 The limits cannot be checked; try again later\r\n");
	assert_int_equal(rig->count, 0);
	rig_free(&rig);
}

static void
test_stranger(void **state)
{
	struct rig *rig = rig_new("none", "login = off\n",
		"permit \"anonymous\" { rights = { submit, any-sender } }\n");

	(void)state;
	rig_connect(rig);
	rig_hear_line(rig, "220");
	rig_play(rig, "C: HELO relay.example.net\nS: 250 mail.example.org\n"
		      "C: MAIL FROM:<somebody@example.net>\nS: 250 2.1.0 Ok\n"
		      "C: RCPT TO:<u@example.net>\n");
	rig_hear_line(rig, "550 5.7.1 ");
	rig_play(rig, "C: RCPT TO:<alice@example.org>\nS: 250 2.1.5 Ok\n" DATA
		      "C: From: <somebody@example.net>\nC: \nC: x\nC: .\n");
	rig_hear_line(rig, ok);
	assert_string_equal(rig_last(rig)->protocol, "SMTP");
	assert_string_equal(rig_last(rig)->login, "");
	assert_string_equal(rig_last(rig)->grant, "");
	assert_int_equal(rig->charges, 0);
	rig_free(&rig);
}

/* D5: a refusal leaves nothing behind, whatever refused it. */
static void
test_refusal_resets(void **state)
{
	struct rig *rig = begin("", false);

	(void)state;
	say_data(rig, "From: <bob@example.org>\r\n\r\nx\r\n.\r\n");
	rig_hear_line(rig, "550 5.7.1 Client does not have permission to send as this sender "
			"(From: not granted to this login)");
	rig_play(rig, "C: RCPT TO:<x@example.net>\nS: 503 5.5.1 MAIL first\n"
		      "C: DATA\nS: 503 5.5.1 MAIL and RCPT first, and no BDAT\n"
		      "C: MAIL FROM:<bob@example.org>\n"
		      "S: 550 5.7.1 Client does not have permission to send as this sender "
		      "(MAIL FROM: not granted to this login)\n");
	next(rig);
	say_data(rig, "From: <bob@example.org>\r\n\r\nx\r\n.\r\n");
	rig_hear_line(rig, "550 5.7.1 ");
	next(rig);
	say_data(rig, HEAD "x\r\n.\r\n");
	rig_hear_line(rig, ok);
	assert_int_equal(rig->count, 1);
	assert_int_equal(rig->commits, 1);
	rig_free(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_contents),
		cmocka_unit_test(test_normalize),
		cmocka_unit_test(test_commit),
		cmocka_unit_test(test_chunks),
		cmocka_unit_test(test_chunk_sizes),
		cmocka_unit_test(test_many_chunks),
		cmocka_unit_test(test_charge),
		cmocka_unit_test(test_charged_last),
		cmocka_unit_test(test_stranger),
		cmocka_unit_test(test_refusal_resets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
