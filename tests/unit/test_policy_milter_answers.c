/* SPDX-License-Identifier: BSD-2-Clause */
/* Every answer of a filter to every command. */
#include "milter_fixture.h"

/* Every answer to every command: what becomes of the message, and of the connection. */
struct answer_case {
	char command;
	const char *answer; /* one packet without payload, by its letter, perhaps more than one */
	char at;            /* f(rom) r(cpt) d(ata) m(essage): where the verdict comes */
	enum verdict_kind kind;
	unsigned code;
	const char *heard;  /* of the message and the next one, which passes */
	unsigned failures;
};

#define PASS_ON(command, answer)                                                                    \
	{ command, answer, 'm', VERDICT_CONTINUE, 0, "OCHMRTLLNBEMRTLLNBEQ.", 0 }
/* The next message has a connection of its own. */
#define ENDS(command, answer, at, kind, code, heard)                                                \
	{ command, answer, at, kind, code, heard "Q./OCHMRTLLNBEQ.", 0 }
#define FAILS(command, answer, at, heard)                                                           \
	{ command, answer, at, VERDICT_TEMPFAIL, 451, heard "Q./OCHMRTLLNBEQ.", 1 }
/* Nobody says goodbye to what speaks another language. */
#define BREAKS(command, answer, at, heard)                                                          \
	{ command, answer, at, VERDICT_TEMPFAIL, 451, heard "./OCHMRTLLNBEQ.", 1 }
#define KEEPS(command, answer, at, kind, code, heard)                                               \
	{ command, answer, at, kind, code, heard "MRTLLNBEQ.", 0 }

static const struct answer_case cases[] = {
	/* 's' is not asked for, and harmless; 'd' cannot be; 'p' asks for time. */
	PASS_ON('C', "s"), PASS_ON('C', "d"), PASS_ON('C', "pppc"),
	FAILS('C', "h", 'f', "OC"), FAILS('C', "q", 'f', "OC"), FAILS('C', "4", 'f', "OC"),
	BREAKS('C', "z", 'f', "OC"), FAILS('C', "O", 'f', "OC"), FAILS('C', "cc", 'f', "OC"),
	PASS_ON('H', "s"), PASS_ON('H', "d"), PASS_ON('H', "pc"),
	FAILS('H', "m", 'f', "OCH"), FAILS('H', "b", 'f', "OCH"), FAILS('H', "4", 'f', "OCH"),

	PASS_ON('M', "s"), PASS_ON('M', "pc"),
	KEEPS('M', "r", 'f', VERDICT_REJECT, 550, "OCHM"),
	KEEPS('M', "t", 'f', VERDICT_TEMPFAIL, 451, "OCHM"),
	KEEPS('M', "a", 'm', VERDICT_CONTINUE, 0, "OCHM"),
	KEEPS('M', "d", 'f', VERDICT_DISCARD, 0, "OCHM"),
	FAILS('M', "i", 'f', "OCHM"), FAILS('M', "q", 'f', "OCHM"), FAILS('M', "4", 'f', "OCHM"),
	BREAKS('M', "f", 'f', "OCHM"), BREAKS('M', "l", 'f', "OCHM"), FAILS('M', "O", 'f', "OCHM"),
	BREAKS('M', "M", 'f', "OCHM"), BREAKS('M', "\1", 'f', "OCHM"),

	PASS_ON('R', "s"), PASS_ON('R', "pc"),
	KEEPS('R', "r", 'r', VERDICT_REJECT, 550, "OCHMRA"),
	KEEPS('R', "t", 'r', VERDICT_TEMPFAIL, 451, "OCHMRA"),
	KEEPS('R', "a", 'm', VERDICT_CONTINUE, 0, "OCHMR"),
	KEEPS('R', "d", 'r', VERDICT_DISCARD, 0, "OCHMR"),
	FAILS('R', "+", 'r', "OCHMR"), BREAKS('R', "z", 'r', "OCHMR"),

	PASS_ON('T', "s"), PASS_ON('T', "pc"),
	KEEPS('T', "r", 'd', VERDICT_REJECT, 550, "OCHMRT"),
	KEEPS('T', "t", 'd', VERDICT_TEMPFAIL, 451, "OCHMRT"),
	KEEPS('T', "a", 'm', VERDICT_CONTINUE, 0, "OCHMRT"),
	KEEPS('T', "d", 'd', VERDICT_DISCARD, 0, "OCHMRT"),
	FAILS('T', "-", 'd', "OCHMRT"), FAILS('T', "q", 'd', "OCHMRT"),

	/* The header goes out at once: who decides in the middle of it may or may not answer the rest. */
	PASS_ON('L', "pc"), PASS_ON('L', "s"),
	ENDS('L', "r", 'm', VERDICT_REJECT, 550, "OCHMRTLLN"),
	ENDS('L', "t", 'm', VERDICT_TEMPFAIL, 451, "OCHMRTLLN"),
	ENDS('L', "a", 'm', VERDICT_CONTINUE, 0, "OCHMRTLLN"),
	ENDS('L', "d", 'm', VERDICT_DISCARD, 0, "OCHMRTLLN"),
	FAILS('L', "h", 'm', "OCHMRTLLN"),
	PASS_ON('N', "s"), PASS_ON('N', "pc"),
	KEEPS('N', "r", 'm', VERDICT_REJECT, 550, "OCHMRTLLN"),
	KEEPS('N', "t", 'm', VERDICT_TEMPFAIL, 451, "OCHMRTLLN"),
	KEEPS('N', "a", 'm', VERDICT_CONTINUE, 0, "OCHMRTLLN"),
	KEEPS('N', "d", 'm', VERDICT_DISCARD, 0, "OCHMRTLLN"),
	FAILS('N', "e", 'm', "OCHMRTLLN"),
	PASS_ON('B', "s"), PASS_ON('B', "pc"),
	KEEPS('B', "r", 'm', VERDICT_REJECT, 550, "OCHMRTLLNB"),
	KEEPS('B', "t", 'm', VERDICT_TEMPFAIL, 451, "OCHMRTLLNB"),
	KEEPS('B', "a", 'm', VERDICT_CONTINUE, 0, "OCHMRTLLNB"),
	KEEPS('B', "d", 'm', VERDICT_DISCARD, 0, "OCHMRTLLNB"),
	FAILS('B', "m", 'm', "OCHMRTLLNB"),

	PASS_ON('E', "pppc"), PASS_ON('E', "a"), PASS_ON('E', "bpbpa"), PASS_ON('E', "qa"),
	KEEPS('E', "r", 'm', VERDICT_REJECT, 550, "OCHMRTLLNBE"),
	KEEPS('E', "t", 'm', VERDICT_TEMPFAIL, 451, "OCHMRTLLNBE"),
	KEEPS('E', "br", 'm', VERDICT_REJECT, 550, "OCHMRTLLNBE"),
	KEEPS('E', "d", 'm', VERDICT_DISCARD, 0, "OCHMRTLLNBE"),
	FAILS('E', "s", 'm', "OCHMRTLLNBE"), FAILS('E', "4", 'm', "OCHMRTLLNBE"),
	BREAKS('E', "z", 'm', "OCHMRTLLNBE"), BREAKS('E', "bz", 'm', "OCHMRTLLNBE"),
	/* The first verdict counts, and what else comes is not the answer to the next message. */
	ENDS('E', "cr", 'm', VERDICT_CONTINUE, 0, "OCHMRTLLNBE"),
	ENDS('E', "rc", 'm', VERDICT_REJECT, 550, "OCHMRTLLNBE"),
	ENDS('E', "ah", 'm', VERDICT_CONTINUE, 0, "OCHMRTLLNBE"),
};

static char
event_of(struct fixture *fixture)
{
	if (fixture_from(fixture) > VERDICT_ACCEPT)
		return 'f';
	if (fixture_to(fixture, "bob@example.net") > VERDICT_ACCEPT)
		return 'r';
	if (fixture_data(fixture) > VERDICT_ACCEPT)
		return 'd';
	fixture_content(fixture, FIXTURE_HEADER, SPAN_LITERAL("hello\r\n"));
	fixture_message(fixture);
	return 'm';
}

static const char *
where_of(char command)
{
	static const char *const where[] = { ['C'] = "milter test at connect",
		['H'] = "milter test at helo", ['M'] = "milter test at mail",
		['R'] = "milter test at rcpt", ['T'] = "milter test at data",
		['L'] = "milter test at header", ['N'] = "milter test at end of header",
		['B'] = "milter test at body", ['E'] = "milter test at end of message" };

	return where[(unsigned char)command];
}

static void
run(const struct answer_case *answer, bool dribbles)
{
	char bytes[64];
	size_t length = 0;
	struct filter_rule rules[2] = { { .command = answer->command, .nth = 1 } };
	struct fixture fixture;
	char at;

	for (const char *letter = answer->answer; *letter; letter++) {
		memcpy(bytes + length, "\0\0\0\1", 4);
		bytes[length + 4] = *letter;
		length += 5;
	}
	rules[0].bytes = bytes;
	rules[0].length = length;
	fixture_open(&fixture, rules);
	fixture.dribbles = dribbles;
	at = event_of(&fixture);
	if (answer->kind == VERDICT_REJECT || answer->kind == VERDICT_TEMPFAIL)
		assert_string_equal(fixture.verdict.where, where_of(answer->command));
	if (at != answer->at || fixture.verdict.kind != answer->kind ||
		fixture.verdict.code != answer->code)
		fail_msg("%c %s: %u %u at %c", answer->command, answer->answer,
			fixture.verdict.kind, fixture.verdict.code, at);
	fixture_end_mail(&fixture);
	assert_int_equal(fixture.health.failures, answer->failures);
	assert_int_equal(fixture_mail(&fixture), VERDICT_CONTINUE);
	fixture_close(&fixture);
	if (strcmp(fixture_heard(&fixture), answer->heard) != 0)
		fail_msg("%c %s: %s", answer->command, answer->answer, fixture_heard(&fixture));
	assert_int_equal(fake_milter_change.applied + fake_milter_change.freed,
		fake_milter_change.taken > 0);
}

/* What comes a moment behind an answer cannot always be told from the next one. */
static bool
has_spare(const struct answer_case *answer)
{
	return strchr("acr", answer->answer[0]) && answer->answer[1];
}

static void
every_answer(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		run(&cases[i], false);
		if (!has_spare(&cases[i]))
			run(&cases[i], true);
	}
}

/* ---- refusals in words ----------------------------------------------------------------------- */

struct refusal_case {
	const char *payload;
	enum verdict_kind kind;
	unsigned code;
	const char *enhanced;
	const char *text;
	const char *lines;
};

/* It answers MAIL in these words. */
static void
open_refusing(struct fixture *fixture, const char *words)
{
	static char bytes[256];
	static struct filter_rule rules[2];
	size_t length = strlen(words) + 1;

	bytes[3] = (char)(length + 1);
	bytes[4] = 'y';
	memcpy(bytes + 5, words, length);
	rules[0] = (struct filter_rule){ 'M', 1, FILTER_SENDS, bytes, 5 + length };
	fixture_open(fixture, rules);
}

static void
refusals_in_words(void **state)
{
	static const struct refusal_case refusals[] = {
		{ "550 5.7.1 You shall not pass", VERDICT_REJECT, 550, "5.7.1",
			"You shall not pass", NULL },
		{ "451 4.7.1 Greylisted", VERDICT_TEMPFAIL, 451, "4.7.1", "Greylisted", NULL },
		{ "421 4.7.0 Go away", VERDICT_TEMPFAIL, 421, "4.7.0", "Go away", NULL },
		{ "554-5.7.1 one\r\n554 5.7.1 two", VERDICT_REJECT, 554, "5.7.1", "one",
			"one\ntwo" },
		{ "550 5.7.1 100%% of %s", VERDICT_REJECT, 550, "5.7.1", "100% of s", NULL },
		{ "550 4.7.1 mixed", VERDICT_REJECT, 550, "5.7.1", "4.7.1 mixed", NULL },
		{ "550 5.7.1 x\r\n250 2.0.0 ok", VERDICT_REJECT, 550, "5.7.1", "Command rejected",
			NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
		struct fixture fixture;

		open_refusing(&fixture, refusals[i].payload);
		assert_int_equal(fixture_from(&fixture), refusals[i].kind);
		assert_int_equal(fixture.verdict.code, refusals[i].code);
		assert_string_equal(fixture.verdict.enhanced, refusals[i].enhanced);
		assert_string_equal(fixture.verdict.text, refusals[i].text);
		if (refusals[i].lines) {
			/* They stay when the message is over: the client is told then. */
			chain_abort(fixture.chain);
			assert_string_equal(fixture.verdict.lines, refusals[i].lines);
		} else {
			assert_null(fixture.verdict.lines);
		}
		fixture_close(&fixture);
	}
}

/* What has no sense at all is no refusal: the filter is broken. */
static void
refusals_without_sense(void **state)
{
	static const char *const payloads[] = { "250 2.0.0 fooled you", "354 go ahead", "", "x" };

	(void)state;
	for (size_t i = 0; i < sizeof payloads / sizeof *payloads; i++) {
		struct fixture fixture;

		open_refusing(&fixture, payloads[i]);
		assert_int_equal(fixture_from(&fixture), VERDICT_TEMPFAIL);
		assert_string_equal(fixture.verdict.text,
			"A filter is not available; try again later");
		assert_int_equal(fixture.health.failures, 1);
		fixture_close(&fixture);
	}
}

/* ---- the end --------------------------------------------------------------------------------- */

struct end_case {
	const char *name;
	struct filter_rule rules[2];
	enum verdict_kind of_changes;
	enum fault_kind fails;
	enum verdict_kind kind;
	unsigned applied;
};

static void
changes_are_done_or_not(void **state)
{
	static const struct end_case ends[] = {
		{ "kept", { SENDS('E', 1, ANSWER("q") ANSWER("a")) }, VERDICT_CONTINUE, FAULT_NONE,
			VERDICT_CONTINUE, 1 },
		{ "quarantined", { SENDS('E', 1, ANSWER("q") ANSWER("c")) }, VERDICT_HOLD, FAULT_NONE,
			VERDICT_HOLD, 1 },
		{ "nobody left", { SENDS('E', 1, ANSWER("q") ANSWER("c")) }, VERDICT_DISCARD, FAULT_NONE,
			VERDICT_DISCARD, 1 },
		{ "too much", { SENDS('E', 1, ANSWER("q") ANSWER("c")) }, VERDICT_CONTINUE, FAULT_LIMIT,
			VERDICT_TEMPFAIL, 0 },
		{ "refused", { SENDS('E', 1, ANSWER("q") ANSWER("r")) }, VERDICT_CONTINUE, FAULT_NONE,
			VERDICT_REJECT, 0 },
		{ "bad", { SENDS('E', 1, "\0\0\0\4qbad" ANSWER("c")) }, VERDICT_CONTINUE, FAULT_NONE,
			VERDICT_TEMPFAIL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		struct fixture fixture;

		fixture_open(&fixture, ends[i].rules);
		fixture.settings.on_failure = MILTER_FAILURE_ACCEPT;
		fake_milter_change.kind = ends[i].of_changes;
		fake_milter_change.fails = ends[i].fails;
		if (fixture_mail(&fixture) != ends[i].kind)
			fail_msg("%s: %d", ends[i].name, fixture.verdict.kind);
		assert_int_equal(fake_milter_change.applied, ends[i].applied);
		assert_int_equal(fake_milter_change.freed, !ends[i].applied);
		/* One message that asks for too much says nothing of the next. */
		assert_int_equal(fixture.health.failures, 0);
		assert_int_equal(fixture.health.changed, ends[i].applied);
		if (ends[i].kind == VERDICT_HOLD)
			assert_string_equal(fixture.verdict.text, "look at it");
		fixture_end_mail(&fixture);
		assert_int_equal(fixture_mail(&fixture), VERDICT_CONTINUE);
		fixture_close(&fixture);
	}
}

/* "reject" is what a filter that fails makes of mail, not what a full disk of ours does. */
static void
want_of_room_refuses_nothing(void **state)
{
	static const struct end_case ends[] = {
		{ "too much", { SENDS('E', 1, ANSWER("q") ANSWER("c")) }, VERDICT_CONTINUE,
			FAULT_LIMIT, VERDICT_REJECT, 0 },
		{ "torn", { SENDS('E', 1, "\0\0\0\4qbad" ANSWER("c")) }, VERDICT_CONTINUE, FAULT_NONE,
			VERDICT_REJECT, 0 },
		{ "no file", { SENDS('E', 1, "\0\0\0\5bfull" ANSWER("c")) }, VERDICT_CONTINUE,
			FAULT_NONE, VERDICT_TEMPFAIL, 0 },
		{ "no file at the end", { SENDS('E', 1, ANSWER("b") ANSWER("c")) }, VERDICT_CONTINUE,
			FAULT_BUSY, VERDICT_TEMPFAIL, 0 },
		{ "disk full", { SENDS('E', 1, ANSWER("b") ANSWER("a")) }, VERDICT_CONTINUE,
			FAULT_SYSTEM, VERDICT_TEMPFAIL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		struct fixture fixture;

		fixture_open(&fixture, ends[i].rules);
		fixture.settings.on_failure = MILTER_FAILURE_REJECT;
		fake_milter_change.fails = ends[i].fails;
		if (fixture_mail(&fixture) != ends[i].kind)
			fail_msg("%s: %d", ends[i].name, fixture.verdict.kind);
		assert_int_equal(fake_milter_change.applied, 0);
		fixture_close(&fixture);
	}
}

static void
give_room(void *context)
{
	struct fixture *fixture = context;

	if (!fake_milter_change.on_room) {
		loop_timer_start(&fixture->later, 50);
		return;
	}
	assert_int_equal(fake_milter_change.taken, 1);
	fake_milter_change.on_room(fake_milter_change.context);
}

/* While a new body waits for its file, the filter's further answers wait as well. */
static void
a_body_waits_for_its_file(void **state)
{
	static const struct filter_rule rules[] = {
		SENDS('E', 1, "\0\0\0\5blate" ANSWER("b") ANSWER("c")), { 0 } };
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture, rules);
	loop_timer_init(&fixture.later, fixture.loop, give_room, &fixture);
	assert_int_equal(fixture_from(&fixture), VERDICT_CONTINUE);
	assert_int_equal(fixture_to(&fixture, "bob@example.net"), VERDICT_CONTINUE);
	assert_int_equal(fixture_data(&fixture), VERDICT_CONTINUE);
	fixture_content(&fixture, FIXTURE_HEADER, SPAN_LITERAL("hello\r\n"));
	loop_timer_start(&fixture.later, 50);
	assert_int_equal(fixture_message(&fixture), VERDICT_CONTINUE);
	assert_int_equal(fake_milter_change.taken, 2);
	assert_int_equal(fake_milter_change.applied, 1);
	fixture_close(&fixture);
}

static void
leave(void *context)
{
	struct fixture *fixture = context;

	if (!fake_milter_change.on_room) {
		loop_timer_start(&fixture->later, 50);
		return;
	}
	fixture->waits = false;
	loop_stop(fixture->loop);
}

/* The client goes away meanwhile: the connection of the next message is listened to. */
static void
nobody_waits_for_the_file(void **state)
{
	static const struct filter_rule rules[] = { SENDS('E', 1, "\0\0\0\5blate"), { 0 } };
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture, rules);
	loop_timer_init(&fixture.later, fixture.loop, leave, &fixture);
	loop_timer_start(&fixture.later, 50);
	fixture_mail(&fixture);
	fixture_end_mail(&fixture);
	assert_int_equal(fixture_mail(&fixture), VERDICT_CONTINUE);
	fixture_close(&fixture);
	assert_string_equal(fixture_heard(&fixture), "OCHMRTLLNBEQ./OCHMRTLLNBEQ.");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_answer),
		cmocka_unit_test(refusals_in_words),
		cmocka_unit_test(refusals_without_sense),
		cmocka_unit_test(changes_are_done_or_not),
		cmocka_unit_test(want_of_room_refuses_nothing),
		cmocka_unit_test(a_body_waits_for_its_file),
		cmocka_unit_test(nobody_waits_for_the_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
