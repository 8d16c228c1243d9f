/* SPDX-License-Identifier: BSD-2-Clause */
/* Connections to a filter that are lost, and what the next one is told. */
#include "milter_fixture.h"

struct lost_case {
	const char *name;
	struct filter_rule rules[3];
	enum verdict_kind kind;
	const char *heard;
};

#define WHOLE "OCHMRTLLNBE"

/* A connection that is lost before the end was told is replaced, once, by one that hears it all. */
static const struct lost_case cases[] = {
	{ "at connect", { CLOSES('C', 1, "") }, VERDICT_CONTINUE, "OC/" WHOLE "Q." },
	{ "at helo", { CLOSES('H', 1, "") }, VERDICT_CONTINUE, "OCH/" WHOLE "Q." },
	{ "at mail", { CLOSES('M', 1, "") }, VERDICT_CONTINUE, "OCHM/" WHOLE "Q." },
	{ "at rcpt", { CLOSES('R', 1, "") }, VERDICT_CONTINUE, "OCHMR/" WHOLE "Q." },
	{ "at data", { CLOSES('T', 1, "") }, VERDICT_CONTINUE, "OCHMRT/" WHOLE "Q." },
	{ "at the first field", { CLOSES('L', 1, "") }, VERDICT_CONTINUE, "OCHMRTL/" WHOLE "Q." },
	{ "at the second", { CLOSES('L', 2, "") }, VERDICT_CONTINUE, "OCHMRTLL/" WHOLE "Q." },
	{ "at the end of the header", { CLOSES('N', 1, "") }, VERDICT_CONTINUE,
		"OCHMRTLLN/" WHOLE "Q." },
	{ "in the body", { CLOSES('B', 1, "") }, VERDICT_CONTINUE, "OCHMRTLLNB/" WHOLE "Q." },
	{ "in the middle of an answer", { CLOSES('B', 1, "\0\0\0") }, VERDICT_CONTINUE,
		"OCHMRTLLNB/" WHOLE "Q." },
	{ "at the end", { CLOSES('E', 1, "") }, VERDICT_TEMPFAIL, WHOLE },
	{ "twice", { CLOSES('M', 1, ""), CLOSES('R', 1, "") }, VERDICT_TEMPFAIL, "OCHM/OCHMR" },
	{ "twice in the body", { CLOSES('B', 0, "") }, VERDICT_TEMPFAIL,
		"OCHMRTLLNB/OCHMRTLLNB" },
	{ "then at the negotiation", { CLOSES('M', 1, ""), CLOSES('O', 2, "") },
		VERDICT_TEMPFAIL, "OCHM/O" },
	{ "at the negotiation", { CLOSES('O', 1, "") }, VERDICT_TEMPFAIL, "O" },
	/* Between two commands of the client. */
	{ "after mail", { CLOSES('M', 1, ANSWER("c")) }, VERDICT_CONTINUE, "OCHM/" WHOLE "Q." },
	{ "after rcpt", { CLOSES('R', 1, ANSWER("c")) }, VERDICT_CONTINUE, "OCHMR/" WHOLE "Q." },
	{ "after data", { CLOSES('T', 1, ANSWER("c")) }, VERDICT_CONTINUE,
		"OCHMRT/" WHOLE "Q." },
	/* Or of ours: that it has gone is seen before the end is told, which may be told but once. */
	{ "after the header", { CLOSES('N', 1, ANSWER("c")) }, VERDICT_CONTINUE,
		"OCHMRTLLN/" WHOLE "Q." },
	{ "after the body", { CLOSES('B', 1, ANSWER("c")) }, VERDICT_CONTINUE,
		"OCHMRTLLNB/" WHOLE "Q." },
};

static void
lost_at_each_step(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct fixture fixture;

		fixture_open(&fixture, cases[i].rules);
		if (fixture_mail(&fixture) != cases[i].kind)
			fail_msg("%s: %d", cases[i].name, fixture.verdict.kind);
		assert_int_equal(fixture.health.failures, cases[i].kind == VERDICT_TEMPFAIL);
		fixture_close(&fixture);
		if (strcmp(fixture_heard(&fixture), cases[i].heard) != 0)
			fail_msg("%s: %s", cases[i].name, fixture_heard(&fixture));
	}
}

/* Nobody is there any more: the message fails, and is not tried for ever. */
static void
nobody_there(void **state)
{
	static const struct filter_rule rules[] = { CLOSES('R', 1, ""), { 0 } };
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture, NULL);
	fixture.refuse_from = 1;
	assert_int_equal(fixture_mail(&fixture), VERDICT_TEMPFAIL);
	assert_string_equal(fixture.health.fault, "connect to the filter: refused");
	fixture_close(&fixture);
	fixture_open(&fixture, rules);
	fixture.refuse_from = 2;
	assert_int_equal(fixture_mail(&fixture), VERDICT_TEMPFAIL);
	assert_int_equal(fixture.dialed, 2);
	fixture_end_mail(&fixture);
	fixture.refuse_from = 0;
	assert_int_equal(fixture_mail(&fixture), VERDICT_CONTINUE);
	fixture_close(&fixture);
}

/* It never says how it went. */
static void *
swallow_dial(void *context, const char *filter, uint64_t wait_ms, milter_dialed_fn *done,
	void *asker)
{
	(void)filter;
	(void)wait_ms;
	(void)done;
	(void)asker;
	return context;
}

static void
swallow_forget(void *context, void **call)
{
	struct fixture *fixture = context;

	fixture->dialed++;
	*call = NULL;
}

static void
a_dialler_that_says_nothing(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture, NULL);
	fixture.settings.connect_wait = 1;
	fixture.means.dial = swallow_dial;
	fixture.means.dial_forget = swallow_forget;
	assert_int_equal(fixture_mail(&fixture), VERDICT_TEMPFAIL);
	assert_string_equal(fixture.health.fault, "no connection in time");
	/* It is told that nobody waits any more. */
	assert_int_equal(fixture.dialed, 1);
	fixture_close(&fixture);
}

/* ---- kept connections ------------------------------------------------------------------------ */

/* Between two messages it goes, or says something: the next message has another, and its own replay. */
static void
kept_connections_are_looked_at(void **state)
{
	static const struct lost_case kept[] = {
		{ "it closed", { CLOSES('E', 1, ANSWER("c")) }, VERDICT_CONTINUE,
			WHOLE "/" WHOLE "Q." },
		{ "it closed, and the next as well", { CLOSES('E', 1, ANSWER("c")),
			CLOSES('R', 2, "") }, VERDICT_CONTINUE, WHOLE "/OCHMR/" WHOLE "Q." },
		{ "it had more to say", { SENDS('E', 1, ANSWER("c") ANSWER("r")) },
			VERDICT_CONTINUE, WHOLE "Q./" WHOLE "Q." },
		{ "it began to say more", { SENDS('E', 1, ANSWER("c") "\0") }, VERDICT_CONTINUE,
			WHOLE "Q./" WHOLE "Q." },
	};

	(void)state;
	for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
		struct fixture fixture;

		fixture_open(&fixture, kept[i].rules);
		assert_int_equal(fixture_mail(&fixture), VERDICT_CONTINUE);
		fixture_end_mail(&fixture);
		if (fixture_mail(&fixture) != kept[i].kind)
			fail_msg("%s: %d", kept[i].name, fixture.verdict.kind);
		assert_int_equal(fixture.health.failures, 0);
		fixture_close(&fixture);
		if (strcmp(fixture_heard(&fixture), kept[i].heard) != 0)
			fail_msg("%s: %s", kept[i].name, fixture_heard(&fixture));
	}
}

/* ---- what is told again ---------------------------------------------------------------------- */

/* Those that all have accepted, and the one in question; of the others nothing. */
static void
tells_who_was_accepted(void **state)
{
	static const struct filter_rule rules[] = { SENDS('R', 2, ANSWER("r")), CLOSES('R', 4, ""),
		{ 0 } };
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture, rules);
	fixture_from(&fixture);
	assert_int_equal(fixture_to(&fixture, "a@example.net"), VERDICT_CONTINUE);
	assert_int_equal(fixture_to(&fixture, "b@example.net"), VERDICT_REJECT);
	assert_int_equal(fixture_to(&fixture, "behind@example.net"), VERDICT_REJECT);
	assert_int_equal(fixture_to(&fixture, "d@example.net"), VERDICT_CONTINUE);
	assert_int_equal(fixture_data(&fixture), VERDICT_CONTINUE);
	assert_string_equal(fixture_heard(&fixture), "OCHMRRRR/OCHMRRT");
	assert_true(fixture_was_told(&fixture, "<a@example.net>"));
	assert_true(fixture_was_told(&fixture, "<d@example.net>"));
	assert_false(fixture_was_told(&fixture, "<b@example.net>"));
	assert_false(fixture_was_told(&fixture, "<behind@example.net>"));
	fixture_close(&fixture);
}

/* Filters before it have changed the envelope by then: it is told the one it was asked about. */
static void
tells_the_envelope_of_data(void **state)
{
	static const struct filter_rule rules[] = { CLOSES('B', 1, ""), { 0 } };
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture, rules);
	fixture_from(&fixture);
	fixture_to(&fixture, "bob@example.net");
	fixture_data(&fixture);
	fixture_content(&fixture, FIXTURE_HEADER, SPAN_LITERAL("hello\r\n"));
	fixture.mail->declared_size = NEIGHBOUR_CHANGES;
	assert_int_equal(fixture_message(&fixture), VERDICT_CONTINUE);
	assert_string_equal(fixture.mail->sender, "changed@example.org");
	assert_int_equal(fixture.mail->recipient_count, 2);
	assert_string_equal(fixture_heard(&fixture), "OCHMRTLLNB/" WHOLE);
	assert_true(fixture_was_told(&fixture, "<alice@example.org>"));
	assert_false(fixture_was_told(&fixture, "changed"));
	assert_false(fixture_was_told(&fixture, "added"));
	fixture_close(&fixture);
}

/* Those that others refused are told again to who asks for them. */
static void
tells_who_was_refused(void **state)
{
	static const struct filter_rule rules[] = { CLOSES('T', 1, ""), { 0 } };
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture, rules);
	fixture.steps |= MILTER_WANTS_REFUSED_RCPT;
	fixture_from(&fixture);
	fixture_to(&fixture, "before@example.net");
	fixture_to(&fixture, "bob@example.net");
	assert_int_equal(fixture_data(&fixture), VERDICT_CONTINUE);
	assert_string_equal(fixture_heard(&fixture), "OCHMRRT/OCHMRRT");
	fixture_close(&fixture);
}

/* What it says when it hears it again counts for what is asked now. */
static void
says_something_else(void **state)
{
	static const struct filter_rule at_connect[] = { CLOSES('R', 1, ""),
		SENDS('C', 2, ANSWER("r")), { 0 } };
	static const struct filter_rule at_mail[] = { CLOSES('T', 1, ""), SENDS('M', 2, ANSWER("t")),
		{ 0 } };
	static const struct filter_rule at_rcpt[] = { CLOSES('B', 1, ""), SENDS('R', 2, ANSWER("r")),
		{ 0 } };
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture, at_connect);
	fixture_from(&fixture);
	assert_int_equal(fixture_to(&fixture, "bob@example.net"), VERDICT_REJECT);
	/* It is said of the session, so of the next recipient too. */
	assert_int_equal(fixture_to(&fixture, "eve@example.net"), VERDICT_REJECT);
	fixture_close(&fixture);
	fixture_open(&fixture, at_mail);
	assert_int_equal(fixture_mail(&fixture), VERDICT_TEMPFAIL);
	assert_string_equal(fixture.verdict.where, "milter test at mail");
	fixture_close(&fixture);
	/* A recipient that was accepted already cannot be refused: the client tries all of it again. */
	fixture_open(&fixture, at_rcpt);
	assert_int_equal(fixture_mail(&fixture), VERDICT_TEMPFAIL);
	assert_int_equal(fixture.health.failures, 0);
	fixture_close(&fixture);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lost_at_each_step),
		cmocka_unit_test(nobody_there),
		cmocka_unit_test(a_dialler_that_says_nothing),
		cmocka_unit_test(kept_connections_are_looked_at),
		cmocka_unit_test(tells_who_was_accepted),
		cmocka_unit_test(tells_the_envelope_of_data),
		cmocka_unit_test(tells_who_was_refused),
		cmocka_unit_test(says_something_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
