/* SPDX-License-Identifier: BSD-2-Clause */
/* A hop against a scripted server: what is said, what is sent, and what each recipient is told. */
#include "hop_fixture.h"

static void
pipelined(void **state)
{
	static const struct setup setup = CLEAR;
	static const struct step steps[] = {
		{ "EHLO us.example\r\n", PIPELINING },
		{ "MAIL FROM:<a@b.c> SIZE=22\r\n", "250 2.1.0 ok\r\n" },
		{ "RCPT TO:<x@y.z>\r\n", "250 2.1.5 ok\r\n" },
		{ "DATA\r\n", "354 go\r\n" },
		{ ".", "250 2.0.0 taken\r\n" },
		{ "QUIT\r\n", "221 bye\r\n" },
		{ NULL, NULL },
	};

	(void)state;
	run(&setup, "220 hop.example ESMTP\r\n", steps, &plain, 1);
	assert_string_equal(client.outcomes, "relayed 250 2.0.0\n");
	assert_string_equal(server.content, "From: a@b.c\r\n\r\nhello\r\n");
	assert_int_equal(client.fault.kind, FAULT_NONE);
}

/* Catalogue A20, A23, A26: what is stored is stuffed, ended and cleaned on its way out. */
static void
A26_content_is_clean_on_the_wire(void **state)
{
	static const struct setup setup = CLEAR;
	static const struct step steps[] = {
		{ "EHLO", PIPELINING },
		{ "MAIL", "250 ok\r\n" },
		{ "RCPT", "250 ok\r\n" },
		{ "DATA", "354 go\r\n" },
		{ ".", "250 taken\r\n" },
		{ "QUIT", "221 bye\r\n" },
		{ NULL, NULL },
	};
	struct order order = plain;

	(void)state;
	order.body = "A\r\n.\r\n.dot\r\nbare\nlf\rcr\r\nend";
	for (int in_file = 0; in_file < 2; in_file++) {
		order.body_in_file = in_file;
		run(&setup, "220 x\r\n", steps, &order, 1);
		assert_string_equal(client.outcomes, "relayed 250 \n");
		assert_string_equal(server.content,
			"From: a@b.c\r\n\r\nA\r\n..\r\n..dot\r\nbare\r\nlf\r\ncr\r\nend\r\n");
	}
}

static void
one_by_one_without_pipelining(void **state)
{
	static const struct setup setup = CLEAR;
	static const struct step steps[] = {
		{ "EHLO", "500 what\r\n" },
		{ "HELO us.example\r\n", "250 hop.example\r\n" },
		{ "MAIL FROM:<>\r\n", "250 ok\r\n" },
		{ "RCPT TO:<x@y.z>\r\n", "450 4.2.0 greylisted\r\n" },
		{ "RCPT TO:<x2@y.z>\r\n", "550 5.1.1 nobody\r\n" },
		{ "RCPT TO:<x3@y.z>\r\n", "250 ok\r\n" },
		{ "DATA\r\n", "354 go\r\n" },
		{ ".", "250 2.6.0 taken\r\n" },
		{ "QUIT\r\n", "221 bye\r\n" },
		{ NULL, NULL },
	};
	struct order order = plain;

	(void)state;
	order.sender = "";
	order.recipients[1] = "x2@y.z";
	order.recipients[2] = "x3@y.z";
	run(&setup, "220 hop\r\n", steps, &order, 1);
	assert_string_equal(client.outcomes,
		"deferred 450 4.2.0 | failed 550 5.1.1 | relayed 250 2.6.0\n");
}

/* All recipients refused: no content, RSET, and the connection serves the next message. */
static void
refused_then_next(void **state)
{
	static const struct setup setup = CLEAR;
	static const struct step steps[] = {
		{ "EHLO", PIPELINING },
		{ "MAIL", "250 ok\r\n" },
		{ "RCPT", "550 5.1.1 nobody\r\n" },
		{ "DATA", "554 5.5.1 no valid recipients\r\n" },
		{ "RSET", "250 ok\r\n" },
		{ "MAIL", "552 5.2.2 no\r\n" },
		{ "RCPT", "503 5.5.1 MAIL first\r\n" },
		{ "DATA", "503 5.5.1 MAIL first\r\n" },
		{ "MAIL", "250 ok\r\n" },
		{ "RCPT", "250 ok\r\n" },
		{ "DATA", "354 go\r\n" },
		{ ".", "451 4.3.0 try later\r\n" },
		{ "QUIT", "221 bye\r\n" },
		{ NULL, NULL },
	};
	const struct order orders[] = { plain, plain, plain };

	(void)state;
	run(&setup, "220 hop\r\n", steps, orders, 3);
	assert_string_equal(client.outcomes,
		"failed 550 5.1.1\nfailed 552 5.2.2\ndeferred 451 4.3.0\n");
}

/* RFC 2033 4.2, catalogue I14: a reply for each accepted recipient. */
static void
lmtp(void **state)
{
	static const struct setup setup = { .scheme = ROUTE_LMTP, .tls = ROUTE_TLS_NONE };
	static const struct step steps[] = {
		{ "LHLO us.example\r\n", PIPELINING },
		{ "MAIL", "250 ok\r\n" },
		{ "RCPT TO:<x1@y.z>", "250 ok\r\n" },
		{ "RCPT TO:<x2@y.z>", "550 5.1.1 nobody\r\n" },
		{ "RCPT TO:<x3@y.z>", "250 ok\r\n" },
		{ "DATA", "354 go\r\n" },
		{ ".", "250 2.0.0 x1 saved\r\n452 4.2.2 x3 over quota\r\n" },
		{ "QUIT", "221 bye\r\n" },
		{ NULL, NULL },
	};
	struct order order = plain;

	(void)state;
	order.recipients[0] = "x1@y.z";
	order.recipients[1] = "x2@y.z";
	order.recipients[2] = "x3@y.z";
	run(&setup, "220 hop\r\n", steps, &order, 1);
	assert_string_equal(client.outcomes,
		"relayed 250 2.0.0 | failed 550 5.1.1 | deferred 452 4.2.2\n");
}

/* RFC 3461 5.2: passed on unchanged, and success is the hop's to tell. */
static void
dsn_passed_on(void **state)
{
	static const struct setup setup = CLEAR;
	static const struct step steps[] = {
		{ "EHLO", "250-hop\r\n250 DSN\r\n" },
		{ "MAIL FROM:<a@b.c> RET=HDRS ENVID=a+2Bb\r\n", "250 ok\r\n" },
		{ "RCPT TO:<x@y.z> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;x+40y.z\r\n", "250 ok\r\n" },
		{ "DATA", "354 go\r\n" },
		{ ".", "250 2.0.0 ok\r\n" },
		{ "QUIT", "221 bye\r\n" },
		{ NULL, NULL },
	};
	struct order order = plain;

	(void)state;
	order.ret = RETURN_HEADERS;
	order.envid = "a+2Bb";
	order.notify = NOTIFY_SUCCESS | NOTIFY_DELAY;
	order.orcpt = "rfc822;x+40y.z";
	run(&setup, "220 hop\r\n", steps, &order, 1);
	assert_string_equal(client.outcomes, "delivered 250 2.0.0\n");
}

/* What a hop cannot take is refused without a word to it. */
static void
L06_what_the_hop_cannot_take(void **state)
{
	static const struct setup setup = CLEAR;
	static const struct step small[] = {
		{ "EHLO", "250-hop\r\n250 SIZE 10\r\n" }, { "QUIT", "221 bye\r\n" }, { NULL, NULL },
	};
	static const struct step ascii[] = {
		{ "EHLO", "250 hop\r\n" }, { "QUIT", "221 bye\r\n" }, { NULL, NULL },
	};
	static const struct step utf8[] = {
		{ "EHLO", "250-hop\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n" },
		{ "MAIL FROM:<\xc3\xa4@b.c> BODY=8BITMIME SMTPUTF8\r\n", "250 ok\r\n" },
		{ "RCPT", "250 ok\r\n" }, { "DATA", "354 go\r\n" }, { ".", "250 ok\r\n" },
		{ "QUIT", "221 bye\r\n" }, { NULL, NULL },
	};
	static const struct step not_needed[] = {
		{ "EHLO", "250 hop\r\n" }, { "MAIL FROM:<a@b.c>\r\n", "250 ok\r\n" },
		{ "RCPT", "250 ok\r\n" }, { "DATA", "354 go\r\n" }, { ".", "250 ok\r\n" },
		{ "QUIT", "221 bye\r\n" }, { NULL, NULL },
	};
	struct order order = plain;

	(void)state;
	run(&setup, "220 hop\r\n", small, &order, 1);
	assert_string_equal(client.outcomes, "failed 0 5.3.4\n");
	/* Asked for, but not needed: most mail with the parameter is plain. */
	order.smtputf8 = order.eightbit = true;
	run(&setup, "220 hop\r\n", not_needed, &order, 1);
	assert_string_equal(client.outcomes, "relayed 250 \n");
	order.body = "\xc3\xa4\r\n";
	run(&setup, "220 hop\r\n", ascii, &order, 1);
	assert_string_equal(client.outcomes, "failed 0 5.6.3\n");
	order.body_in_file = true;
	run(&setup, "220 hop\r\n", ascii, &order, 1);
	assert_string_equal(client.outcomes, "failed 0 5.6.3\n");
	order.sender = "\xc3\xa4@b.c";
	run(&setup, "220 hop\r\n", ascii, &order, 1);
	assert_string_equal(client.outcomes, "failed 0 5.6.7\n");
	run(&setup, "220 hop\r\n", utf8, &order, 1);
	assert_string_equal(client.outcomes, "relayed 250 \n");
}

/* Catalogue B20, L7: nothing in clear where TLS is asked for. */
static void
B20_no_tls_no_mail(void **state)
{
	static const struct setup setup = { .tls = ROUTE_TLS_ENCRYPT };
	static const struct step stripped[] = { { "EHLO", PIPELINING }, { NULL, NULL } };
	static const struct step refused[] = {
		{ "EHLO", "250-hop\r\n250 STARTTLS\r\n" }, { "STARTTLS", "454 4.7.0 no\r\n" },
		{ NULL, NULL },
	};
	static const struct step injected[] = {
		{ "EHLO", "250-hop\r\n250 STARTTLS\r\n" },
		{ "STARTTLS", "220 ready\r\n250-SIZE 1\r\n250 AUTH PLAIN\r\n" }, { NULL, NULL },
	};
	static const struct step *const scripts[] = { stripped, refused, injected };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		run(&setup, "220 hop\r\n", scripts[i], &plain, 1);
		assert_string_equal(client.outcomes, "");
		assert_int_not_equal(client.fault.kind, FAULT_NONE);
		assert_null(strstr(server.said, "MAIL"));
	}
}

static void
tls_if_it_can(void **state)
{
	static const struct setup setup = { .tls = ROUTE_TLS_MAY };
	static const struct step steps[] = {
		{ "EHLO", "250-hop\r\n250 STARTTLS\r\n" }, { "STARTTLS", "454 4.7.0 no\r\n" },
		{ "MAIL", "250 ok\r\n" }, { "RCPT", "250 ok\r\n" }, { "DATA", "354 go\r\n" },
		{ ".", "250 2.0.0 ok\r\n" }, { "QUIT", "221 bye\r\n" }, { NULL, NULL },
	};

	(void)state;
	run(&setup, "220 hop\r\n", steps, &plain, 1);
	assert_string_equal(client.outcomes, "relayed 250 2.0.0\n");
}

static void
login(void **state)
{
	static const char *const both[] = { "PLAIN", "LOGIN" };
	static const char *const old[] = { "LOGIN" };
	static const char *const none[] = { "SCRAM-SHA-256" };
	struct setup setup = { .tls = ROUTE_TLS_NONE, .user = "alice", .mechanisms = { both, 2 } };
	static const struct step plain_steps[] = {
		{ "EHLO", "250-hop\r\n250 AUTH PLAIN LOGIN\r\n" },
		{ "AUTH PLAIN AGFsaWNlAHBlbmNpbA==\r\n", "235 2.7.0 welcome\r\n" },
		{ "MAIL", "250 ok\r\n" }, { "RCPT", "250 ok\r\n" }, { "DATA", "354 go\r\n" },
		{ ".", "250 2.0.0 ok\r\n" }, { "QUIT", "221 bye\r\n" }, { NULL, NULL },
	};
	static const struct step login_steps[] = {
		{ "EHLO", "250-hop\r\n250 AUTH=LOGIN\r\n" },
		{ "AUTH LOGIN\r\n", "334 VXNlcm5hbWU6\r\n" },
		{ "YWxpY2U=\r\n", "334 UGFzc3dvcmQ6\r\n" },
		{ "cGVuY2ls\r\n", "235 2.7.0 welcome\r\n" },
		{ "MAIL", "250 ok\r\n" }, { "RCPT", "250 ok\r\n" }, { "DATA", "354 go\r\n" },
		{ ".", "250 2.0.0 ok\r\n" }, { "QUIT", "221 bye\r\n" }, { NULL, NULL },
	};
	static const struct step refused[] = {
		{ "EHLO", "250-hop\r\n250 AUTH PLAIN\r\n" },
		{ "AUTH PLAIN ", "535 5.7.8 no\r\n" }, { NULL, NULL },
	};
	static const struct step bad_challenge[] = {
		{ "EHLO", "250-hop\r\n250 AUTH LOGIN\r\n" },
		{ "AUTH LOGIN", "334 !!!\r\n" }, { NULL, NULL },
	};

	(void)state;
	run(&setup, "220 hop\r\n", plain_steps, &plain, 1);
	assert_string_equal(client.outcomes, "relayed 250 2.0.0\n");
	run(&setup, "220 hop\r\n", refused, &plain, 1);
	assert_string_equal(client.outcomes, "");
	assert_non_null(strstr(client.fault.text, "535 5.7.8"));
	setup.mechanisms = (struct settings_texts){ old, 1 };
	run(&setup, "220 hop\r\n", login_steps, &plain, 1);
	assert_string_equal(client.outcomes, "relayed 250 2.0.0\n");
	run(&setup, "220 hop\r\n", bad_challenge, &plain, 1);
	assert_string_equal(client.outcomes, "");
	setup.mechanisms = (struct settings_texts){ none, 1 };
	run(&setup, "220 hop\r\n", refused, &plain, 1);
	assert_null(strstr(server.said, "AUTH"));
	assert_int_equal(client.fault.kind, FAULT_DENIED);
}

/* A message larger than any buffer, over a pipe that is read slowly by its nature: line by line. */
static void
large_body_from_a_file(void **state)
{
	static const struct setup setup = CLEAR;
	static const struct step steps[] = {
		{ "EHLO", "250 hop\r\n" }, { "MAIL", "250 ok\r\n" }, { "RCPT", "250 ok\r\n" },
		{ "DATA", "354 go\r\n" }, { ".", "250 ok\r\n" }, { "QUIT", "221 bye\r\n" },
		{ NULL, NULL },
	};
	static char body[250001];
	struct order order = plain;

	(void)state;
	for (size_t i = 0; i + 50 < sizeof body; i += 50)
		memcpy(body + i, "................................................\r\n", 50);
	order.body = body;
	order.body_in_file = true;
	run(&setup, "220 hop\r\n", steps, &order, 1);
	assert_string_equal(client.outcomes, "relayed 250 \n");
	assert_int_equal(strlen(server.content), strlen(order.header) + strlen(body) / 50 * 51);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pipelined),
		cmocka_unit_test(A26_content_is_clean_on_the_wire),
		cmocka_unit_test(one_by_one_without_pipelining),
		cmocka_unit_test(refused_then_next),
		cmocka_unit_test(lmtp),
		cmocka_unit_test(dsn_passed_on),
		cmocka_unit_test(L06_what_the_hop_cannot_take),
		cmocka_unit_test(B20_no_tls_no_mail),
		cmocka_unit_test(tls_if_it_can),
		cmocka_unit_test(login),
		cmocka_unit_test(large_body_from_a_file),
	};

	return cmocka_run_group_tests(tests, hop_set_up, NULL);
}
