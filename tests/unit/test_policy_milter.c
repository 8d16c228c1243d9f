/* SPDX-License-Identifier: BSD-2-Clause */
/* One filter through whole sessions: when it is asked, and on which connection. */
#include "milter_fixture.h"

/* A whole message, and what the filter hears; a second one on the same connection. */
static void
whole(void **state)
{
	struct fixture fixture;

	(void)state;
	for (int dribbles = 0; dribbles < 2; dribbles++) {
		fixture_open(&fixture, NULL);
		fixture.dribbles = dribbles;
		assert_int_equal(fixture_mail(&fixture), VERDICT_CONTINUE);
		assert_string_equal(fixture_heard(&fixture), "OCHMRTLLNBE");
		fixture_end_mail(&fixture);
		assert_int_equal(fixture_mail(&fixture), VERDICT_CONTINUE);
		fixture_close(&fixture);
		assert_string_equal(fixture_heard(&fixture), "OCHMRTLLNBEMRTLLNBEQ.");
		assert_int_equal(fixture.health.messages, 2);
		assert_int_equal(fixture.health.verdicts[VERDICT_CONTINUE], 2);
		assert_true(fixture.health.negotiated);
	}
}

/* Until the filter has heard so much. */
static void
run_until_heard(struct fixture *fixture, const char *heard)
{
	for (int turns = 0; strcmp(fixture_heard(fixture), heard) != 0; turns++) {
		assert_true(turns < 1000);
		fixture_run_for(fixture->loop, 1);
	}
}

static bool
is_crowded(void *context)
{
	(void)context;
	return true;
}

/* Where connections are short none is kept, and each message has its own. */
static void
whole_in_a_crowd(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture, NULL);
	fixture.means.is_crowded = is_crowded;
	assert_int_equal(fixture_mail(&fixture), VERDICT_CONTINUE);
	fixture_end_mail(&fixture);
	run_until_heard(&fixture, "OCHMRTLLNBEQ.");
	assert_int_equal(fixture.health.connections, 0);
	assert_int_equal(fixture_mail(&fixture), VERDICT_CONTINUE);
	fixture_close(&fixture);
	assert_string_equal(fixture_heard(&fixture), "OCHMRTLLNBEQ./OCHMRTLLNBEQ.");
}

/* Without a message a connection is kept for a while; in one that takes its time it stays. */
static void
whole_after_a_pause(void **state)
{
	enum { IDLE_MS = 20 };
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture, NULL);
	fixture.means.idle_ms = IDLE_MS;
	assert_int_equal(fixture_mail(&fixture), VERDICT_CONTINUE);
	fixture_run_for(fixture.loop, 3 * IDLE_MS);
	fixture_end_mail(&fixture);
	assert_int_equal(fixture_from(&fixture), VERDICT_CONTINUE);
	fixture_run_for(fixture.loop, 3 * IDLE_MS);
	assert_string_equal(fixture_heard(&fixture), "OCHMRTLLNBEM");
	fixture_end_mail(&fixture);
	run_until_heard(&fixture, "OCHMRTLLNBEMAQ.");
	assert_int_equal(fixture.health.connections, 0);
	assert_int_equal(fixture_mail(&fixture), VERDICT_CONTINUE);
	fixture_end_mail(&fixture);
	/* What is asked between two messages begins the pause anew. */
	fixture.waits = true;
	chain_unknown(fixture.chain, SPAN_LITERAL("XYZZY"), fixture_on_verdict, &fixture);
	assert_int_equal(fixture_await(&fixture), VERDICT_CONTINUE);
	run_until_heard(&fixture, "OCHMRTLLNBEMAQ./OCHMRTLLNBEUQ.");
	assert_int_equal(fixture.health.connections, 0);
	assert_int_equal(fixture.health.failures, 0);
	fixture_close(&fixture);
}

/* What needs no answer in between is one write: so the command with its macros, and the header. */
static void
one_write_a_step(void **state)
{
	static const uint32_t all_mute = MILTER_MUTE_CONNECT | MILTER_MUTE_HELO | MILTER_MUTE_MAIL |
		MILTER_MUTE_RCPT | MILTER_MUTE_DATA | MILTER_MUTE_HEADER | MILTER_MUTE_HEADER_END |
		MILTER_MUTE_BODY;
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture, NULL);
	fixture_mail(&fixture);
	assert_int_equal(fixture.reads, sizeof "OCHMRT(LLN)BE" - 1 - 4);
	fixture_close(&fixture);
	fixture_open(&fixture, NULL);
	fixture.steps |= all_mute;
	assert_int_equal(fixture_mail(&fixture), VERDICT_CONTINUE);
	assert_int_equal(fixture.reads, 2);
	fixture_close(&fixture);
	assert_string_equal(fixture_heard(&fixture), "OCHMRTLLNBEQ.");
}

enum {
	WARM_MESSAGES = 40,   /* until TCP believes that it is a dialogue, and delays what it may */
	TIMED_MESSAGES = 10,
	DELAYED_ACK_US = 40 * 1000,
};

/* The best of some, in microseconds: a busy machine is not slow each time, Nagle is. */
static uint64_t
best_time(const struct filter_rule *rules)
{
	uint64_t best_us = UINT64_MAX;
	struct fixture fixture;

	fixture_open(&fixture, rules);
	fixture.with_tcp = true;
	fixture.stutters = true;
	fixture.settings.address.kind = ENDPOINT_INET;
	for (int i = 0; i < WARM_MESSAGES + TIMED_MESSAGES; i++) {
		uint64_t before_us = fixture.health.took_us;

		assert_int_equal(fixture_mail(&fixture), VERDICT_CONTINUE);
		fixture_end_mail(&fixture);
		if (i >= WARM_MESSAGES && fixture.health.took_us - before_us < best_us)
			best_us = fixture.health.took_us - before_us;
	}
	fixture_close(&fixture);
	return best_us;
}

/* A filter that writes its change and then its verdict, as libmilter does, waits for no delayed ack. */
static void
nobody_waits_for_an_ack(void **state)
{
	static const struct filter_rule rules[] = { SENDS('E', 0, ANSWER("q") ANSWER("c")), { 0 } };

	(void)state;
	assert_true(best_time(rules) < DELAYED_ACK_US);
}

/* ---- the end of a message -------------------------------------------------------------------- */

struct abort_case {
	const char *name;
	struct filter_rule rules[2];
	int events;          /* that are waited for: MAIL, RCPT, DATA, END … */
	bool one_more;       /* … and one that is not */
	const char *heard;   /* at the end of the message */
	const char *closed;  /* and of the session */
};

static void
fixture_start_event(struct fixture *fixture, int event)
{
	fixture->waits = true;
	if (event == 0) {
		fixture->mail = mail_new(&fixture->session, "id", 0);
		fixture->mail->sender = "alice@example.org";
		chain_envfrom(fixture->chain, fixture->mail, fixture_on_verdict, fixture);
	} else if (event == 1) {
		fixture->asked = (struct mail_recipient){ .path = "bob@example.net", .orcpt = "",
			.parameters = "" };
		chain_envrcpt(fixture->chain, fixture->mail, &fixture->asked, fixture_on_verdict,
			fixture);
	} else if (event == 2) {
		chain_data(fixture->chain, fixture->mail, fixture_on_verdict, fixture);
	} else {
		fixture_content(fixture, FIXTURE_HEADER, SPAN_LITERAL("hello\r\n"));
		chain_message(fixture->chain, fixture->mail, fixture_on_verdict, fixture);
	}
}

static void
aborts(void **state)
{
	static const struct abort_case cases[] = {
		{ "between two commands", { { 0 } }, 2, false, "OCHMRA", "OCHMRAQ." },
		{ "before its MAIL is answered", { SILENT('M', 0) }, 0, true, "OCHMQ.", "OCHMQ." },
		{ "while RCPT waits", { SILENT('R', 0) }, 1, true, "OCHMRAQ.", "OCHMRAQ." },
		{ "while the header waits", { SILENT('L', 0) }, 3, true, "OCHMRTLLNAQ.",
			"OCHMRTLLNAQ." },
		{ "at the end nothing is left to abort", { SILENT('E', 0) }, 3, true,
			"OCHMRTLLNBEQ.", "OCHMRTLLNBEQ." },
		{ "after MAIL was refused", { SENDS('M', 0, ANSWER("r")) }, 1, false, "OCHM",
			"OCHMQ." },
		{ "after RCPT was refused", { SENDS('R', 0, ANSWER("r")) }, 2, false, "OCHMRA",
			"OCHMRAQ." },
		{ "after all of it", { { 0 } }, 4, false, "OCHMRTLLNBE", "OCHMRTLLNBEQ." },
		{ "while it negotiates", { SILENT('O', 0) }, 0, true, "O.", "O." },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct fixture fixture;
		char told[64];

		fixture_open(&fixture, cases[i].rules);
		for (int event = 0; event < cases[i].events; event++) {
			fixture_start_event(&fixture, event);
			fixture_await(&fixture);
			if (event == 1 && fixture.verdict.kind == VERDICT_CONTINUE)
				mail_add_recipient(fixture.mail, "bob@example.net", "", 0);
		}
		if (cases[i].one_more) {
			fixture_start_event(&fixture, cases[i].events);
			snprintf(told, sizeof told, "%.*s", (int)strcspn(cases[i].heard, "AQ."),
				cases[i].heard);
			run_until_heard(&fixture, told);
		}
		fixture_end_mail(&fixture);
		run_until_heard(&fixture, cases[i].heard);
		fixture_close(&fixture);
		if (strcmp(fixture_heard(&fixture), cases[i].closed) != 0)
			fail_msg("%s: %s", cases[i].name, fixture_heard(&fixture));
	}
}

/* The client goes while the filter is being connected. */
static void
aborts_while_dialing(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture, NULL);
	fixture_start_event(&fixture, 0);
	assert_true(fixture.dialing);
	fixture_end_mail(&fixture);
	assert_false(fixture.dialing);
	assert_int_equal(fixture_mail(&fixture), VERDICT_CONTINUE);
	fixture_close(&fixture);
}

/* ---- the session ----------------------------------------------------------------------------- */

struct session_case {
	struct filter_rule rules[2];
	enum verdict_kind kind;
	unsigned code;
	const char *heard;
	const char *lines;
};

/* What it says of the session it says of each message, without being asked again. */
static void
stands_for_the_session(void **state)
{
	static const struct session_case cases[] = {
		{ { SENDS('C', 0, ANSWER("r")) }, VERDICT_REJECT, 550, "OCQ.", NULL },
		{ { SENDS('C', 0, ANSWER("t")) }, VERDICT_TEMPFAIL, 451, "OCQ.", NULL },
		{ { SENDS('C', 0, ANSWER("a")) }, VERDICT_CONTINUE, 0, "OCQ.", NULL },
		{ { SENDS('H', 0, "\0\0\0\x0ey554 5.7.0 go\0") }, VERDICT_REJECT, 554, "OCHQ.",
			NULL },
		{ { SENDS('H', 0, "\0\0\0\x1ay554-5.7.0 a\r\n554 5.7.0 b\0") }, VERDICT_REJECT,
			554, "OCHQ.", "a\nb" },
		{ { SENDS('H', 0, ANSWER("a")) }, VERDICT_CONTINUE, 0, "OCHQ.", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct fixture fixture;

		fixture_open(&fixture, cases[i].rules);
		for (int message = 0; message < 3; message++) {
			assert_int_equal(fixture_mail(&fixture), cases[i].kind);
			if (cases[i].code)
				assert_int_equal(fixture.verdict.code, cases[i].code);
			fixture_end_mail(&fixture);
			if (cases[i].lines)
				assert_string_equal(fixture.verdict.lines, cases[i].lines);
		}
		assert_int_equal(fixture.dialed, 1);
		run_until_heard(&fixture, cases[i].heard);
		fixture_close(&fixture);
		assert_string_equal(fixture_heard(&fixture), cases[i].heard);
	}
}

/* Another name, or a login: that is another session. */
static void
is_asked_anew_after_a_login(void **state)
{
	static const struct filter_rule rules[] = { SENDS('C', 1, ANSWER("r")), { 0 } };
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture, rules);
	assert_int_equal(fixture_mail(&fixture), VERDICT_REJECT);
	fixture_end_mail(&fixture);
	fixture.waits = true;
	chain_auth(fixture.chain, fixture_on_verdict, &fixture);
	assert_int_equal(fixture_await(&fixture), VERDICT_CONTINUE);
	assert_int_equal(fixture_mail(&fixture), VERDICT_CONTINUE);
	fixture_end_mail(&fixture);
	fixture.waits = true;
	chain_helo(fixture.chain, fixture_on_verdict, &fixture);
	assert_int_equal(fixture_await(&fixture), VERDICT_CONTINUE);
	assert_int_equal(fixture_mail(&fixture), VERDICT_CONTINUE);
	fixture_close(&fixture);
	assert_int_equal(fixture.dialed, 3);
}

/* ---- who is asked ---------------------------------------------------------------------------- */

static void
is_asked_by_size(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture, NULL);
	fixture.settings.largest = 40;
	assert_int_equal(fixture_mail(&fixture), VERDICT_CONTINUE);
	fixture_end_mail(&fixture);
	fixture_close(&fixture);
	assert_string_equal(fixture_heard(&fixture), "OCHMRTAQ.");
}

static void
is_asked_by_condition(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture, NULL);
	fixture.settings.logins = MILTER_LOGINS_ONLY;
	assert_int_equal(fixture_mail(&fixture), VERDICT_CONTINUE);
	fixture_close(&fixture);
	assert_string_equal(fixture_heard(&fixture), "");
}

/* ---- recipients ------------------------------------------------------------------------------ */

/* Those that others refuse are for who asks for them, and come with the next command. */
static void
hears_of_refused_recipients(void **state)
{
	struct fixture fixture;

	(void)state;
	for (int wants = 0; wants < 2; wants++) {
		fixture_open(&fixture, NULL);
		if (wants)
			fixture.steps |= MILTER_WANTS_REFUSED_RCPT;
		fixture_from(&fixture);
		assert_int_equal(fixture_to(&fixture, "before@example.net"), VERDICT_REJECT);
		assert_int_equal(fixture_to(&fixture, "bob@example.net"), VERDICT_CONTINUE);
		assert_int_equal(fixture_to(&fixture, "before.too@example.net"), VERDICT_REJECT);
		assert_int_equal(fixture_data(&fixture), VERDICT_CONTINUE);
		assert_string_equal(fixture_heard(&fixture), wants ? "OCHMRRRT" : "OCHMRT");
		assert_int_equal(fixture_was_told(&fixture, "<before.too@example.net>"), wants);
		fixture_close(&fixture);
	}
}

/* What it says of those does not matter, unless it is of the message. */
static void
answers_to_refused_recipients(void **state)
{
	static const struct filter_rule refuses[] = { SENDS('R', 1, ANSWER("r")), { 0 } };
	static const struct filter_rule accepts[] = { SENDS('R', 1, ANSWER("a")), { 0 } };
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture, refuses);
	fixture.steps |= MILTER_WANTS_REFUSED_RCPT;
	fixture_from(&fixture);
	fixture_to(&fixture, "before@example.net");
	assert_int_equal(fixture_to(&fixture, "bob@example.net"), VERDICT_CONTINUE);
	fixture_close(&fixture);
	fixture_open(&fixture, accepts);
	fixture.steps |= MILTER_WANTS_REFUSED_RCPT;
	fixture_from(&fixture);
	fixture_to(&fixture, "before@example.net");
	assert_int_equal(fixture_to(&fixture, "bob@example.net"), VERDICT_CONTINUE);
	assert_int_equal(fixture_data(&fixture), VERDICT_CONTINUE);
	fixture_close(&fixture);
	assert_string_equal(fixture_heard(&fixture), "OCHMRRQ.");
	assert_int_equal(fixture.health.verdicts[VERDICT_ACCEPT], 1);
}

/* Those that nobody is asked about too; but no client makes us keep, or the filter hear, any number. */
static void
hears_of_so_many_refused_recipients(void **state)
{
	static const struct {
		unsigned refused;
		size_t parameters; /* how many bytes of them each has */
		unsigned told;
	} rows[] = { { 1, 10, 1 }, { 100, 10, 100 }, { 250, 10, 100 }, { 100, 10000, 7 } };
	const struct verdict verdict = verdict_refuse(554, "5.1.2", "", "Not fully qualified");
	char parameters[10001];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct mail_recipient recipient = { .path = "carol@nowhere", .orcpt = "",
			.parameters = parameters };
		struct fixture fixture;
		unsigned told = 0;

		memset(parameters, 'x', rows[i].parameters);
		parameters[rows[i].parameters] = '\0';
		fixture_open(&fixture, NULL);
		fixture.steps |= MILTER_WANTS_REFUSED_RCPT;
		for (int message = 0; message < 2; message++) {
			fixture_from(&fixture);
			for (unsigned n = 0; n < rows[i].refused; n++)
				chain_refused(fixture.chain, fixture.mail, &recipient, &verdict);
			assert_int_equal(fixture_to(&fixture, "bob@example.net"), VERDICT_CONTINUE);
			fixture_end_mail(&fixture);
		}
		for (const char *at = fixture_heard(&fixture); *at; at++)
			told += *at == 'R';
		assert_int_equal(told, 2 * (rows[i].told + 1));
		fixture_close(&fixture);
	}
}

/* One recipient is refused, the others and the message are not. */
static void
refuses_one_recipient(void **state)
{
	static const struct filter_rule rules[] = { SENDS('R', 2, ANSWER("r")),
		SENDS('R', 3, ANSWER("t")), { 0 } };
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture, rules);
	fixture_from(&fixture);
	assert_int_equal(fixture_to(&fixture, "a@example.net"), VERDICT_CONTINUE);
	assert_int_equal(fixture_to(&fixture, "b@example.net"), VERDICT_REJECT);
	assert_string_equal(fixture.verdict.where, "milter test at rcpt");
	assert_int_equal(fixture_to(&fixture, "c@example.net"), VERDICT_TEMPFAIL);
	assert_int_equal(fixture_to(&fixture, "d@example.net"), VERDICT_CONTINUE);
	assert_int_equal(fixture_data(&fixture), VERDICT_CONTINUE);
	fixture_content(&fixture, FIXTURE_HEADER, SPAN_LITERAL(""));
	assert_int_equal(fixture_message(&fixture), VERDICT_CONTINUE);
	fixture_close(&fixture);
	assert_string_equal(fixture_heard(&fixture), "OCHMRRRRTLLNEQ.");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole),
		cmocka_unit_test(whole_in_a_crowd),
		cmocka_unit_test(whole_after_a_pause),
		cmocka_unit_test(one_write_a_step),
		cmocka_unit_test(nobody_waits_for_an_ack),
		cmocka_unit_test(aborts),
		cmocka_unit_test(aborts_while_dialing),
		cmocka_unit_test(stands_for_the_session),
		cmocka_unit_test(is_asked_anew_after_a_login),
		cmocka_unit_test(is_asked_by_size),
		cmocka_unit_test(is_asked_by_condition),
		cmocka_unit_test(hears_of_refused_recipients),
		cmocka_unit_test(answers_to_refused_recipients),
		cmocka_unit_test(hears_of_so_many_refused_recipients),
		cmocka_unit_test(refuses_one_recipient),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
