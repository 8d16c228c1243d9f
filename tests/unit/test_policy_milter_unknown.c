/* SPDX-License-Identifier: BSD-2-Clause */
/* Commands that nobody knows: what a filter hears of them, and what becomes of its answer. */
#include "milter_fixture.h"

enum { NO_DATA_VERSION = 3 };

static void
fixture_start_unknown(struct fixture *fixture)
{
	char line[] = "XYZZY now";

	fixture->waits = true;
	chain_unknown(fixture->chain, span_text(line), fixture_on_verdict, fixture);
	/* It is the chain's own by now. */
	memset(line, '!', sizeof line);
}

static enum verdict_kind
fixture_unknown(struct fixture *fixture)
{
	fixture_start_unknown(fixture);
	return fixture_await(fixture);
}

/* MAIL and RCPT, the unknown command, and the rest of the message; between: then a whole one. */
static enum verdict_kind
around(struct fixture *fixture, bool between, enum verdict_kind kind, unsigned code)
{
	if (between) {
		assert_int_equal(fixture_mail(fixture), VERDICT_CONTINUE);
		fixture_end_mail(fixture);
	} else {
		assert_int_equal(fixture_from(fixture), VERDICT_CONTINUE);
		assert_int_equal(fixture_to(fixture, "bob@example.net"), VERDICT_CONTINUE);
	}
	if (fixture_unknown(fixture) != kind || fixture->verdict.code != code)
		fail_msg("%d %u", fixture->verdict.kind, fixture->verdict.code);
	if (between)
		return fixture_mail(fixture);
	if (fixture_data(fixture) > VERDICT_ACCEPT)
		return fixture->verdict.kind;
	fixture_content(fixture, FIXTURE_HEADER, SPAN_LITERAL("hello\r\n"));
	return fixture_message(fixture);
}

#define WHOLE "OCHMRTLLNBE"

/* ---- answers --------------------------------------------------------------------------------- */

struct unknown_case {
	struct filter_rule rules[3];
	enum verdict_kind kind;
	unsigned code;
	const char *in_message;
	const char *between;
	enum verdict_kind then; /* what becomes of the message it came in */
};

#define KEPT_IN "OCHMRUTLLNBEQ."
#define KEPT_BETWEEN WHOLE "UMRTLLNBEQ."
#define TOLD_AGAIN "OCHMRUQ./" WHOLE "Q."
#define ANEW WHOLE "UQ./" WHOLE "Q."
#define GIVES_UP(mark) "OCHMRU" mark, WHOLE "U" mark "/" WHOLE "Q."

static const struct unknown_case cases[] = {
	{ { SENDS('U', 1, ANSWER("c")) }, VERDICT_CONTINUE, 0, KEPT_IN, KEPT_BETWEEN,
		VERDICT_CONTINUE },
	{ { SENDS('U', 1, ANSWER("s")) }, VERDICT_CONTINUE, 0, KEPT_IN, KEPT_BETWEEN,
		VERDICT_CONTINUE },
	{ { SENDS('U', 1, ANSWER("p") ANSWER("p") ANSWER("c")) }, VERDICT_CONTINUE, 0, KEPT_IN,
		KEPT_BETWEEN, VERDICT_CONTINUE },
	{ { SENDS('U', 1, ANSWER("r")) }, VERDICT_REJECT, 550, KEPT_IN, KEPT_BETWEEN,
		VERDICT_CONTINUE },
	{ { SENDS('U', 1, ANSWER("t")) }, VERDICT_TEMPFAIL, 451, KEPT_IN, KEPT_BETWEEN,
		VERDICT_CONTINUE },
	{ { SENDS('U', 1, "\0\0\0\x14" "y502 5.5.1 not here\0") }, VERDICT_REJECT, 502,
		KEPT_IN, KEPT_BETWEEN, VERDICT_CONTINUE },
	/* Who says that has forgotten the message: it hears all of it again. */
	{ { SENDS('U', 1, ANSWER("a")) }, VERDICT_CONTINUE, 0, TOLD_AGAIN, ANEW,
		VERDICT_CONTINUE },
	{ { SENDS('U', 1, ANSWER("d")) }, VERDICT_CONTINUE, 0, TOLD_AGAIN, ANEW,
		VERDICT_CONTINUE },
	/* Lost: the command is refused as always, and the message told to another connection … */
	{ { CLOSES('U', 1, "") }, VERDICT_CONTINUE, 0, "OCHMRU/" WHOLE "Q.",
		WHOLE "U/" WHOLE "Q.", VERDICT_CONTINUE },
	{ { CLOSES('U', 1, "\0\0\0") }, VERDICT_CONTINUE, 0, "OCHMRU/" WHOLE "Q.",
		WHOLE "U/" WHOLE "Q.", VERDICT_CONTINUE },
	/* … once. */
	{ { CLOSES('R', 1, ""), CLOSES('U', 1, "") }, VERDICT_CONTINUE, 0, "OCHMR/OCHMRU",
		"OCHMR/" WHOLE "U/" WHOLE "Q.", VERDICT_TEMPFAIL },
	/* What is no protocol. */
	{ { SENDS('U', 1, ANSWER("h")) }, VERDICT_CONTINUE, 0, GIVES_UP("Q."), VERDICT_TEMPFAIL },
	{ { SENDS('U', 1, ANSWER("q")) }, VERDICT_CONTINUE, 0, GIVES_UP("Q."), VERDICT_TEMPFAIL },
	{ { SENDS('U', 1, ANSWER("4")) }, VERDICT_CONTINUE, 0, GIVES_UP("Q."), VERDICT_TEMPFAIL },
	{ { SENDS('U', 1, ANSWER("z")) }, VERDICT_CONTINUE, 0, GIVES_UP("."), VERDICT_TEMPFAIL },
	{ { SENDS('U', 1, "\0\0\0\x0a" "y250 fine\0") }, VERDICT_CONTINUE, 0, GIVES_UP("Q."),
		VERDICT_TEMPFAIL },
};

static void
run(const struct unknown_case *answer, bool between, bool dribbles)
{
	const char *heard = between ? answer->between : answer->in_message;
	enum verdict_kind then = between ? VERDICT_CONTINUE : answer->then;
	struct fixture fixture;

	fixture_open(&fixture, answer->rules);
	fixture.dribbles = dribbles;
	if (around(&fixture, between, answer->kind, answer->code) != then)
		fail_msg("%s: %d", heard, fixture.verdict.kind);
	assert_int_equal(fixture.health.failures, then == VERDICT_TEMPFAIL);
	fixture_close(&fixture);
	if (strcmp(fixture_heard(&fixture), heard) != 0)
		fail_msg("%s, not %s", fixture_heard(&fixture), heard);
}

static void
every_answer(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		for (int way = 0; way < 4; way++)
			run(&cases[i], way & 1, way & 2);
}

static void
words_of_its_own(void **state)
{
	static const struct filter_rule rules[] = {
		SENDS('U', 0, "\0\0\0\x24" "y502-5.5.1 one\r\n502 5.5.1 two 100%%\0"), { 0 } };
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture, rules);
	assert_int_equal(fixture_from(&fixture), VERDICT_CONTINUE);
	assert_int_equal(fixture_unknown(&fixture), VERDICT_REJECT);
	assert_string_equal(fixture.verdict.lines, "one\ntwo 100%");
	assert_string_equal(fixture.verdict.where, "milter test at unknown command");
	assert_string_equal(fixture_heard(&fixture), "OCHMU");
	fixture_end_mail(&fixture);
	assert_int_equal(fixture_unknown(&fixture), VERDICT_REJECT);
	assert_int_equal(fixture_unknown(&fixture), VERDICT_REJECT);
	assert_string_equal(fixture.verdict.lines, "one\ntwo 100%");
	fixture_close(&fixture);
	assert_string_equal(fixture_heard(&fixture), "OCHMUAUUQ.");
}

/* The packet, byte for byte; nothing goes with it. */
static void
the_packet(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture, NULL);
	fixture_from(&fixture);
	buf_clear(&fixture.raw);
	assert_int_equal(fixture_unknown(&fixture), VERDICT_CONTINUE);
	assert_int_equal(buf_length(&fixture.raw), 15);
	assert_memory_equal(buf_span(&fixture.raw).start, "\0\0\0\x0bUXYZZY now", 15);
	fixture_close(&fixture);
}

/* ---- who does not hear of it ----------------------------------------------------------------- */

struct deaf_case {
	const char *name;
	uint32_t version;
	uint32_t steps;
	bool between;
	const char *heard;
};

static void
what_was_agreed(void **state)
{
	static const struct deaf_case agreed[] = {
		{ "not wanted", 6, MILTER_NO_UNKNOWN, false, WHOLE "Q." },
		{ "not wanted", 6, MILTER_NO_UNKNOWN, true, WHOLE "MRTLLNBEQ." },
		{ "mute", 6, MILTER_MUTE_UNKNOWN, false, KEPT_IN },
		{ "mute", 6, MILTER_MUTE_UNKNOWN, true, KEPT_BETWEEN },
		{ "no such command", 2, 0, false, "OCHMRLLNBEQ." },
		{ "no such command", 2, 0, true, "OCHMRLLNBEMRLLNBEQ." },
		/* libmilter would wait for DATA in vain, and take no content without. */
		{ "no DATA in a message", 6, MILTER_NO_DATA, false, "OCHMRLLNBEQ." },
		{ "no DATA, between two", 6, MILTER_NO_DATA, true, "OCHMRLLNBEUMRLLNBEQ." },
		{ "an old one", NO_DATA_VERSION, 0, false, "OCHMRLLNBEQ." },
		{ "an old one", NO_DATA_VERSION, 0, true, "OCHMRLLNBEUMRLLNBEQ." },
		{ "4", 4, 0, false, KEPT_IN },
	};

	(void)state;
	for (size_t i = 0; i < sizeof agreed / sizeof *agreed; i++) {
		struct fixture fixture;

		fixture_open(&fixture, NULL);
		fixture.settings.version = fixture.version = agreed[i].version;
		fixture.steps = agreed[i].steps;
		assert_int_equal(around(&fixture, agreed[i].between, VERDICT_CONTINUE, 0),
			VERDICT_CONTINUE);
		fixture_close(&fixture);
		if (strcmp(fixture_heard(&fixture), agreed[i].heard) != 0)
			fail_msg("%s: %s", agreed[i].name, fixture_heard(&fixture));
	}
}

/* It is not connected for that; nor does it hear of it once it has judged, or DATA was told. */
static void
when_it_is_not_told(void **state)
{
	static const struct filter_rule accepts[] = { SENDS('M', 1, ANSWER("a")), { 0 } };
	static const struct filter_rule discards[] = { SENDS('R', 1, ANSWER("d")), { 0 } };
	static const struct filter_rule goes[] = { CLOSES('R', 1, ANSWER("c")), { 0 } };
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture, NULL);
	assert_int_equal(fixture_unknown(&fixture), VERDICT_CONTINUE);
	assert_int_equal(fixture.dialed, 0);
	fixture_from(&fixture);
	fixture_to(&fixture, "bob@example.net");
	fixture_data(&fixture);
	assert_int_equal(fixture_unknown(&fixture), VERDICT_CONTINUE);
	fixture_close(&fixture);
	assert_string_equal(fixture_heard(&fixture), "OCHMRTAQ.");

	fixture_open(&fixture, accepts);
	fixture_from(&fixture);
	assert_int_equal(fixture_unknown(&fixture), VERDICT_CONTINUE);
	fixture_close(&fixture);
	assert_string_equal(fixture_heard(&fixture), "OCHMQ.");

	fixture_open(&fixture, discards);
	fixture_from(&fixture);
	assert_int_equal(fixture_to(&fixture, "bob@example.net"), VERDICT_DISCARD);
	assert_int_equal(fixture_unknown(&fixture), VERDICT_CONTINUE);
	fixture_close(&fixture);
	assert_string_equal(fixture_heard(&fixture), "OCHMRQ.");

	fixture_open(&fixture, goes);
	fixture_from(&fixture);
	fixture_to(&fixture, "bob@example.net");
	assert_int_equal(fixture_unknown(&fixture), VERDICT_CONTINUE);
	assert_int_equal(fixture_data(&fixture), VERDICT_CONTINUE);
	fixture_close(&fixture);
	assert_string_equal(fixture_heard(&fixture), "OCHMR/OCHMRTAQ.");
}

/* ---- time ------------------------------------------------------------------------------------ */

static void
late(void **state)
{
	static const struct filter_rule silent[] = { SILENT('U', 1), { 0 } };
	static const struct { enum milter_failure setting; enum verdict_kind then; } failures[] = {
		{ MILTER_FAILURE_TEMPFAIL, VERDICT_TEMPFAIL },
		{ MILTER_FAILURE_REJECT, VERDICT_REJECT },
		{ MILTER_FAILURE_ACCEPT, VERDICT_CONTINUE },
		{ MILTER_FAILURE_HOLD, VERDICT_HOLD },
	};
	struct fixture fixture;

	(void)state;
	for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
		fixture_open(&fixture, silent);
		fixture.settings.on_failure = failures[i].setting;
		fixture.hurry_after = 'R';
		fixture_from(&fixture);
		fixture_to(&fixture, "bob@example.net");
		assert_int_equal(fixture_unknown(&fixture), VERDICT_CONTINUE);
		assert_int_equal(fixture_data(&fixture), failures[i].then);
		assert_int_equal(fixture.health.failures, 1);
		fixture_close(&fixture);
		assert_string_equal(fixture_heard(&fixture), "OCHMRU.");
	}
	fixture_open(&fixture, silent);
	fixture.hurry_after = 'E';
	assert_int_equal(fixture_mail(&fixture), VERDICT_CONTINUE);
	fixture_end_mail(&fixture);
	assert_int_equal(fixture_unknown(&fixture), VERDICT_CONTINUE);
	assert_int_equal(fixture.health.failures, 0);
	assert_int_equal(fixture.health.connections, 0);
	fixture_close(&fixture);
	assert_string_equal(fixture_heard(&fixture), WHOLE "U.");
}

/* The client goes while the filter thinks. */
static void
nobody_waits(void **state)
{
	static const struct filter_rule silent[] = { SILENT('U', 0), { 0 } };
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture, silent);
	fixture_from(&fixture);
	fixture_start_unknown(&fixture);
	fixture_close(&fixture);
	assert_string_equal(fixture_heard(&fixture), "OCHMUAQ.");
	fixture_open(&fixture, silent);
	fixture_mail(&fixture);
	fixture_end_mail(&fixture);
	fixture_start_unknown(&fixture);
	fixture_close(&fixture);
	assert_string_equal(fixture_heard(&fixture), WHOLE "UQ.");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_answer),
		cmocka_unit_test(words_of_its_own),
		cmocka_unit_test(the_packet),
		cmocka_unit_test(what_was_agreed),
		cmocka_unit_test(when_it_is_not_told),
		cmocka_unit_test(late),
		cmocka_unit_test(nobody_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
