/* SPDX-License-Identifier: BSD-2-Clause */
/* A hop that is slow, out of step, or gone: what counts, what is tried again. */
#include "hop_fixture.h"

#include <time.h>

/* Catalogue L3: 354 although nobody was accepted. */
static void
L03_go_ahead_without_recipients(void **state)
{
	static const struct setup setup = CLEAR;
	static const struct step steps[] = {
		{ "EHLO", PIPELINING },
		{ "MAIL", "250 ok\r\n" },
		{ "RCPT", "550 5.1.1 nobody\r\n" },
		{ "DATA", "354 go\r\n" },
		{ ".", "554 5.5.1 nothing to do\r\n" },
		{ "QUIT", "221 bye\r\n" },
		{ NULL, NULL },
	};

	(void)state;
	run(&setup, "220 hop\r\n", steps, &plain, 1);
	assert_string_equal(client.outcomes, "failed 550 5.1.1\n");
	assert_string_equal(server.content, "");
}

/* Catalogue L3, L4, L5, H5: never delivered without a whole 2xx to the dot, in step. */
static void
L04_out_of_step(void **state)
{
	static const struct setup setup = CLEAR;
	static const struct step praise_for_data[] = {
		{ "EHLO", PIPELINING }, { "MAIL", "250 ok\r\n" }, { "RCPT", "250 ok\r\n" },
		{ "DATA", "250 ok\r\n" }, { NULL, NULL },
	};
	static const struct step one_too_many[] = {
		{ "EHLO", PIPELINING }, { "MAIL", "250 ok\r\n250 ok\r\n250 ok\r\n" },
		{ "RCPT", "250 ok\r\n" }, { NULL, NULL },
	};
	static const struct step cut_short[] = {
		{ "EHLO", PIPELINING }, { "MAIL", "250 ok\r\n" }, { "RCPT", "250 ok\r\n" },
		{ "DATA", "354 go\r\n" }, { ".", NULL }, { NULL, NULL },
	};
	static const struct step half_a_reply[] = {
		{ "EHLO", PIPELINING }, { "MAIL", "250 ok\r\n" }, { "RCPT", "250 ok\r\n" },
		{ "DATA", "354 go\r\n" }, { ".", "250-2.0.0 taken\r\n250" }, { NULL, NULL },
	};
	static const struct step odd_code[] = {
		{ "EHLO", PIPELINING }, { "MAIL", "2x0 ok\r\n" }, { NULL, NULL },
	};
	static const struct step early_go_ahead[] = {
		{ "EHLO", PIPELINING }, { "MAIL", "354 go\r\n" }, { NULL, NULL },
	};
	static const struct step go_ahead_for_a_recipient[] = {
		{ "EHLO", PIPELINING }, { "MAIL", "250 ok\r\n" }, { "RCPT", "354 go\r\n" },
		{ NULL, NULL },
	};
	static const struct step early_praise[] = {
		{ "EHLO", PIPELINING }, { "MAIL", "250 ok\r\n" }, { "RCPT", "250 ok\r\n" },
		{ "DATA", "354 go\r\n250 2.0.0 taken\r\n" }, { NULL, NULL },
	};
	static const struct step praise_and_refusal[] = {
		{ "EHLO", PIPELINING }, { "MAIL", "250 ok\r\n" }, { "RCPT", "250 ok\r\n" },
		{ "DATA", "354 go\r\n" }, { ".", "250 2.0.0 taken\r\n554 5.7.1 not this\r\n" },
		{ NULL, NULL },
	};
	static const struct step refusal_third[] = {
		{ "EHLO", PIPELINING }, { "MAIL", "250 ok\r\n" }, { "RCPT", "250 ok\r\n" },
		{ "DATA", "354 go\r\n" },
		{ ".", "250 2.0.0 taken\r\n250 2.0.0 taken\r\n554 5.7.1 not this\r\n" },
		{ NULL, NULL },
	};
	static const struct step refusal_and_praise[] = {
		{ "EHLO", PIPELINING }, { "MAIL", "250 ok\r\n" }, { "RCPT", "250 ok\r\n" },
		{ "DATA", "354 go\r\n" }, { ".", "554 5.7.1 not this\r\n250 2.0.0 taken\r\n" },
		{ NULL, NULL },
	};
	static const struct step odd_last_word[] = {
		{ "EHLO", PIPELINING }, { "MAIL", "250 ok\r\n" }, { "RCPT", "250 ok\r\n" },
		{ "DATA", "354 go\r\n" }, { ".", "354 more\r\n" }, { NULL, NULL },
	};
	static const struct step *const scripts[] = {
		praise_for_data, one_too_many, cut_short, half_a_reply, odd_code, early_go_ahead,
		go_ahead_for_a_recipient, early_praise, praise_and_refusal,
		refusal_third, refusal_and_praise, odd_last_word,
	};

	(void)state;
	for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
		run(&setup, "220 hop\r\n", scripts[i], &plain, 1);
		assert_string_equal(client.outcomes, "deferred 0 4.4.2\n");
		assert_int_not_equal(client.fault.kind, FAULT_NONE);
	}
}

/*
 * L4: one 2xx too many behind the one to the dot: whichever was meant, the hop has the message, and a
 * retry would be a copy. The connection is not used again.
 */
static void
L04_praise_twice(void **state)
{
	static const struct setup setup = CLEAR;
	static const char *const answers[] = {
		"250 2.0.0 taken\r\n250 2.0.0 taken\r\n",
		"250 2.0.0 taken\r\n250-2.0.0 taken\r\n250 2.0.0 all of it\r\n",
		"250 2.0.0 taken\r\n25",
	};

	(void)state;
	for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
		const struct step steps[] = {
			{ "EHLO", PIPELINING }, { "MAIL", "250 ok\r\n" }, { "RCPT", "250 ok\r\n" },
			{ "DATA", "354 go\r\n" }, { ".", answers[i] }, { NULL, NULL },
		};

		run(&setup, "220 hop\r\n", steps, &plain, 1);
		assert_string_equal(client.outcomes, "relayed 250 2.0.0\n");
		assert_int_equal(client.fault.kind, FAULT_PEER);
		assert_non_null(strstr(client.fault.text, "unasked"));
	}
}

/* The same by LMTP, where each recipient has an answer: with one refusal among them, whose is it? */
static void
L04_praise_twice_by_lmtp(void **state)
{
	static const struct setup setup = { .scheme = ROUTE_LMTP, .tls = ROUTE_TLS_NONE };
	static const struct {
		const char *answers;
		const char *outcomes;
	} cases[] = {
		{ "250 2.0.0 a\r\n250 2.0.0 b\r\n250 2.0.0 c\r\n",
			"relayed 250 2.0.0 | relayed 250 2.0.0\n" },
		{ "552 5.2.2 full\r\n250 2.0.0 b\r\n250 2.0.0 c\r\n",
			"deferred 0 4.4.2 | deferred 0 4.4.2\n" },
		{ "250 2.0.0 a\r\n250 2.0.0 b\r\n552 5.2.2 full\r\n",
			"deferred 0 4.4.2 | deferred 0 4.4.2\n" },
	};
	struct order order = plain;

	(void)state;
	order.recipients[1] = "x2@y.z";
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct step steps[] = {
			{ "LHLO", PIPELINING }, { "MAIL", "250 ok\r\n" }, { "RCPT", "250 ok\r\n" },
			{ "RCPT", "250 ok\r\n" }, { "DATA", "354 go\r\n" },
			{ ".", cases[i].answers }, { NULL, NULL },
		};

		run(&setup, "220 hop\r\n", steps, &order, 1);
		assert_string_equal(client.outcomes, cases[i].outcomes);
		assert_int_equal(client.fault.kind, FAULT_PEER);
	}
}

/* L4: a refusal in a dialogue that is out of step may be another recipient's: nobody is bounced for it. */
static void
L04_no_refusal_counts_out_of_step(void **state)
{
	static const struct setup setup = CLEAR;
	static const struct step one_too_few[] = {
		{ "EHLO", PIPELINING }, { "MAIL", "250 ok\r\n" }, { "RCPT", "" },
		{ "RCPT", "550 5.1.1 nobody\r\n" }, { "DATA", "354 go\r\n" }, { NULL, NULL },
	};
	struct order order = plain;

	(void)state;
	order.recipients[1] = "x2@y.z";
	run(&setup, "220 hop\r\n", one_too_few, &order, 1);
	assert_string_equal(client.outcomes, "deferred 0 4.4.2 | deferred 0 4.4.2\n");
}

/* L3: a refusal before the content is sent counts; a goodbye behind the verdict takes nothing from it. */
static void
L03_last_words(void **state)
{
	static const struct setup setup = CLEAR;
	static const struct step early_refusal[] = {
		{ "EHLO", PIPELINING }, { "MAIL", "250 ok\r\n" }, { "RCPT", "250 ok\r\n" },
		{ "DATA", "354 go\r\n554 5.7.1 not this\r\n" }, { NULL, NULL },
	};
	static const struct step half_a_goodbye[] = {
		{ "EHLO", PIPELINING }, { "MAIL", "250 ok\r\n" }, { "RCPT", "250 ok\r\n" },
		{ "DATA", "354 go\r\n" }, { ".", "250 2.0.0 taken\r\n42" }, { NULL, NULL },
	};
	static const struct step goodbye[] = {
		{ "EHLO", PIPELINING }, { "MAIL", "250 ok\r\n" }, { "RCPT", "250 ok\r\n" },
		{ "DATA", "354 go\r\n" }, { ".", "250 2.0.0 taken\r\n421 4.3.2 enough\r\n" },
		{ NULL, NULL },
	};

	(void)state;
	run(&setup, "220 hop\r\n", early_refusal, &plain, 1);
	assert_string_equal(client.outcomes, "failed 554 5.7.1\n");
	run(&setup, "220 hop\r\n", half_a_goodbye, &plain, 1);
	assert_string_equal(client.outcomes, "relayed 250 2.0.0\n");
	run(&setup, "220 hop\r\n", goodbye, &plain, 1);
	assert_string_equal(client.outcomes, "relayed 250 2.0.0\n");
	assert_int_equal(client.fault.kind, FAULT_NONE);
}

#define ONE_JOB                                                                                    \
	{ "MAIL", "250 ok\r\n" }, { "RCPT", "250 ok\r\n" }, { "DATA", "354 go\r\n" },             \
	{                                                                                          \
		".", "250 2.0.0 taken\r\n"                                                         \
	}

/* A kept connection that was lost meanwhile has tried nothing; a new one that is lost has. */
static void
lost_before_the_first_reply(void **state)
{
	static const struct setup setup = CLEAR;
	static const struct step kept_ends[] = {
		{ "EHLO", PIPELINING }, ONE_JOB, { "MAIL", NULL }, { NULL, NULL },
	};
	static const struct step kept_says_goodbye[] = {
		{ "EHLO", PIPELINING }, ONE_JOB, { "MAIL", "421 4.4.2 you were idle\r\n" },
		{ NULL, NULL },
	};
	static const struct step kept_ends_later[] = {
		{ "EHLO", PIPELINING }, ONE_JOB, { "MAIL", "250 ok\r\n" }, { "RCPT", NULL },
		{ NULL, NULL },
	};
	static const struct step kept_refuses[] = {
		{ "EHLO", PIPELINING }, ONE_JOB, { "MAIL", "250 ok\r\n" },
		{ "RCPT", "421 4.3.2 going down\r\n" }, { NULL, NULL },
	};
	static const struct step new_ends[] = {
		{ "EHLO", PIPELINING }, { "MAIL", NULL }, { NULL, NULL },
	};
	static const struct step new_says_goodbye[] = {
		{ "EHLO", PIPELINING }, { "MAIL", "421 4.3.2 full\r\n" }, { NULL, NULL },
	};
	static const struct {
		const struct step *steps;
		size_t jobs;
		const char *outcomes;
	} cases[] = {
		{ kept_ends, 2, "relayed 250 2.0.0\nuntried\n" },
		{ kept_says_goodbye, 2, "relayed 250 2.0.0\nuntried\n" },
		{ kept_ends_later, 2, "relayed 250 2.0.0\ndeferred 0 4.4.2\n" },
		{ kept_refuses, 2, "relayed 250 2.0.0\ndeferred 421 4.3.2\n" },
		{ new_ends, 1, "deferred 0 4.4.2\n" },
		{ new_says_goodbye, 1, "deferred 421 4.3.2\n" },
	};
	const struct order orders[] = { plain, plain };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		run(&setup, "220 hop\r\n", cases[i].steps, orders, cases[i].jobs);
		assert_string_equal(client.outcomes, cases[i].outcomes);
		assert_int_equal(client.fault.kind == FAULT_NONE, i < 2);
	}
}

/* A time limit is for the whole reply: bytes that trickle in do not move it. */
static void
L01_slow_replies(void **state)
{
	static const struct setup setup = CLEAR;
	static const struct step mail[] = {
		{ "EHLO", PIPELINING },
		{ "MAIL", "~250-2.1.0 one\r\n250-2.1.0 two\r\n250-2.1.0 three\r\n250 2.1.0 four\r\n" },
		{ NULL, NULL },
	};
	static const struct step verdict[] = {
		{ "EHLO", PIPELINING }, { "MAIL", "250 ok\r\n" }, { "RCPT", "250 ok\r\n" },
		{ "DATA", "354 go\r\n" }, { ".", "~250-2.0.0 taken\r\n250 2.0.0 really\r\n" },
		{ NULL, NULL },
	};
	static const struct step patience[] = {
		{ "EHLO", PIPELINING }, { "MAIL", "~250 ok\r\n" },
		{ "RCPT", "~250 ok\r\n" }, { "RCPT", "~250 ok\r\n" }, { "RCPT", "~250 ok\r\n" },
		{ "RCPT", "~250 ok\r\n" }, { "DATA", "~354 go\r\n" }, { ".", "~250 ok\r\n" },
		{ "QUIT", "221 bye\r\n" }, { NULL, NULL },
	};
	static const struct step none[] = { { NULL, NULL } };
	struct order four = plain;

	(void)state;
	relay.command_wait = relay.end_wait = relay.greet_wait = 600;
	run(&setup, "220 hop\r\n", mail, &plain, 1);
	assert_string_equal(client.outcomes, "deferred 0 4.4.2\n");
	assert_int_equal(client.fault.kind, FAULT_LIMIT);
	run(&setup, "220 hop\r\n", verdict, &plain, 1);
	assert_string_equal(client.outcomes, "deferred 0 4.4.2\n");
	assert_int_equal(client.fault.kind, FAULT_LIMIT);
	run(&setup, "~220-hop.example.org\r\n220 ready\r\n", none, &plain, 1);
	assert_int_equal(client.fault.kind, FAULT_LIMIT);
	/* Each reply has the limit to itself: a quarter of it is used by one, twice as much by all. */
	for (size_t i = 1; i < sizeof four.recipients / sizeof *four.recipients; i++)
		four.recipients[i] = "x2@y.z";
	run(&setup, "220 hop\r\n", patience, &four, 1);
	assert_string_equal(client.outcomes,
		"relayed 250  | relayed 250  | relayed 250  | relayed 250 \n");
	relay = patient;
}

/* More than the kernel takes for a hop that does not read. */
static void
L03_content_that_is_not_taken(void **state)
{
	static const struct setup setup = CLEAR;
	static const struct step steps[] = {
		{ "EHLO", "250-hop\r\n250 PIPELINING\r\n" }, { "MAIL", "250 ok\r\n" }, { "RCPT", "250 ok\r\n" },
		{ "DATA", "354 go\r\n" },
		{ "", "~................................................................" },
		{ NULL, NULL },
	};
	static char body[24 * 1024 * 1024 + 1];
	struct order order = plain;

	(void)state;
	memset(body, 'x', sizeof body - 1);
	for (size_t i = 60; i + 2 < sizeof body; i += 62)
		memcpy(body + i, "\r\n", 2);
	order.body = body;
	order.body_in_file = true;
	relay.data_wait = 200;
	run(&setup, "220 hop\r\n", steps, &order, 1);
	assert_string_equal(client.outcomes, "deferred 0 4.4.2\n");
	assert_non_null(strstr(client.fault.text, "too slowly"));
	relay.data_wait = 5000;
	relay.content_wait = 200;
	run(&setup, "220 hop\r\n", steps, &order, 1);
	assert_string_equal(client.outcomes, "deferred 0 4.4.2\n");
	assert_non_null(strstr(client.fault.text, "not taken in time"));
	relay = patient;
}

static void
L05_unasked_word_while_idle(void **state)
{
	static const struct setup setup = CLEAR;
	static const struct step steps[] = {
		{ "EHLO", PIPELINING "250 2.0.0 and your next message too\r\n" }, { NULL, NULL },
	};

	(void)state;
	run(&setup, "220 hop\r\n", steps, &plain, 0);
	assert_int_equal(client.fault.kind, FAULT_PEER);
	assert_non_null(strstr(client.fault.text, "unasked"));
}

/* A goodbye is what anybody may say who was kept waiting; no fault, and no rest for the route. */
static void
L05_goodbye_while_idle(void **state)
{
	static const struct setup setup = CLEAR;
	static const struct step steps[] = {
		{ "EHLO", PIPELINING "421 4.4.2 idle\r\n" }, { NULL, NULL },
	};

	(void)state;
	run(&setup, "220 hop\r\n", steps, &plain, 0);
	assert_int_equal(client.fault.kind, FAULT_NONE);
}

static void
L01_no_welcome(void **state)
{
	static const struct setup setup = CLEAR;
	static const struct step steps[] = { { NULL, NULL } };

	(void)state;
	run(&setup, "421 4.3.2 full\r\n", steps, &plain, 1);
	assert_string_equal(client.outcomes, "");
	assert_non_null(strstr(client.fault.text, "421 4.3.2 full"));
	run(&setup, "554 5.7.1 go away\r\n", steps, &plain, 1);
	assert_non_null(strstr(client.fault.text, "554"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(L03_go_ahead_without_recipients),
		cmocka_unit_test(L03_last_words),
		cmocka_unit_test(L03_content_that_is_not_taken),
		cmocka_unit_test(L04_out_of_step),
		cmocka_unit_test(L04_praise_twice),
		cmocka_unit_test(L04_praise_twice_by_lmtp),
		cmocka_unit_test(L04_no_refusal_counts_out_of_step),
		cmocka_unit_test(L05_unasked_word_while_idle),
		cmocka_unit_test(L05_goodbye_while_idle),
		cmocka_unit_test(lost_before_the_first_reply),
		cmocka_unit_test(L01_slow_replies),
		cmocka_unit_test(L01_no_welcome),
	};

	return cmocka_run_group_tests(tests, hop_set_up, NULL);
}
