/* SPDX-License-Identifier: BSD-2-Clause */
/* Filters that fail, are late, never read, or are not asked any more. */
#include "milter_fixture.h"

enum { LARGE_BODY_BYTES = 1024 * 1024 };

/* ---- on-failure ------------------------------------------------------------------------------ */

struct failure_case {
	const char *name;
	struct filter_rule rules[2];
	bool changed; /* half of what it does to a message is nothing that may be passed on */
};

static const struct failure_case failures[] = {
	{ "at the offer", { SENDS('O', 0, ANSWER("z")) }, false },
	{ "at connect", { SENDS('C', 0, ANSWER("z")) }, false },
	{ "at helo", { SENDS('H', 0, ANSWER("z")) }, false },
	{ "at mail", { SENDS('M', 0, ANSWER("z")) }, false },
	{ "at rcpt", { SENDS('R', 0, ANSWER("z")) }, false },
	{ "at data", { SENDS('T', 0, ANSWER("z")) }, false },
	{ "at the header", { SENDS('L', 0, ANSWER("z")) }, false },
	{ "behind it", { SENDS('N', 0, ANSWER("z")) }, false },
	{ "at the body", { SENDS('B', 0, ANSWER("z")) }, false },
	{ "at the end", { SENDS('E', 0, ANSWER("z")) }, false },
	{ "lost at the end", { CLOSES('E', 0, "") }, false },
	{ "lost in an answer", { CLOSES('E', 0, "\0\0\0\1") }, false },
	{ "lost after a change", { CLOSES('E', 0, ANSWER("q")) }, true },
	{ "lost in a new body", { CLOSES('E', 0, "\0\0\1\0bxxxx") }, true },
	{ "nonsense after a change", { SENDS('E', 0, ANSWER("q") ANSWER("z")) }, true },
};

/* By on-failure, and by whether the filter had begun to change the message. */
static const enum verdict_kind verdicts[][2] = {
	[MILTER_FAILURE_TEMPFAIL] = { VERDICT_TEMPFAIL, VERDICT_TEMPFAIL },
	[MILTER_FAILURE_ACCEPT] = { VERDICT_CONTINUE, VERDICT_TEMPFAIL },
	[MILTER_FAILURE_REJECT] = { VERDICT_REJECT, VERDICT_REJECT },
	[MILTER_FAILURE_HOLD] = { VERDICT_HOLD, VERDICT_TEMPFAIL },
};

static void
fail_once(const struct failure_case *failure, enum milter_failure on_failure)
{
	enum verdict_kind kind = verdicts[on_failure][failure->changed];
	struct fixture fixture;

	fixture_open(&fixture, failure->rules);
	fixture.settings.on_failure = on_failure;
	if (fixture_mail(&fixture) != kind)
		fail_msg("%s, %d: %d", failure->name, on_failure, fixture.verdict.kind);
	assert_int_equal(fixture.health.failures, 1);
	assert_int_equal(fixture.mail->hold, kind == VERDICT_HOLD);
	assert_int_equal(fake_milter_change.applied, 0);
	/* Nothing of the house is told to the client. */
	if (kind == VERDICT_TEMPFAIL)
		assert_string_equal(fixture.verdict.text,
			"A filter is not available; try again later");
	/* The next message is not concerned. */
	fixture_end_mail(&fixture);
	fixture.rules = NULL;
	assert_int_equal(fixture_mail(&fixture), VERDICT_CONTINUE);
	fixture_close(&fixture);
}

static void
on_failure_decides(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof failures / sizeof *failures; i++)
		for (size_t j = 0; j < sizeof verdicts / sizeof *verdicts; j++)
			fail_once(&failures[i], (enum milter_failure)j);
}

/* A recipient's answer fails: so do the other recipients, and DATA. */
static void
fails_the_whole_transaction(void **state)
{
	static const struct filter_rule rules[] = { SENDS('R', 2, ANSWER("z")), { 0 } };
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture, rules);
	fixture_from(&fixture);
	assert_int_equal(fixture_to(&fixture, "a@example.net"), VERDICT_CONTINUE);
	assert_int_equal(fixture_to(&fixture, "b@example.net"), VERDICT_TEMPFAIL);
	assert_int_equal(fixture_to(&fixture, "c@example.net"), VERDICT_TEMPFAIL);
	assert_int_equal(fixture_data(&fixture), VERDICT_TEMPFAIL);
	fixture_close(&fixture);
	assert_string_equal(fixture_heard(&fixture), "OCHMRR.");
}

/* ---- time ------------------------------------------------------------------------------------ */

struct late_case {
	char command;
	char hurry_after;   /* so that only this one has little time */
	const char *answer; /* what comes all the same */
	size_t length;
	const char *heard;
};

#define LATE(command, after, answer, heard) { command, after, answer, sizeof(answer) - 1, heard }

static void
every_wait_ends(void **state)
{
	static const struct late_case lates[] = {
		LATE('O', '\0', "", "O."),
		LATE('O', '\0', "\0\0\0\x0dO\0", "O."),
		LATE('C', 'O', "", "OC."),
		LATE('H', 'C', "", "OCH."),
		LATE('M', 'H', "", "OCHM."),
		LATE('M', 'H', "\0\0\0", "OCHM."),
		LATE('R', 'M', "", "OCHMR."),
		LATE('T', 'R', "", "OCHMRT."),
		LATE('L', 'T', "", "OCHMRTLLN."),
		LATE('N', 'L', "", "OCHMRTLLN."),
		LATE('B', 'N', "", "OCHMRTLLNB."),
		LATE('B', 'N', "\0\0", "OCHMRTLLNB."),
		LATE('E', 'B', "", "OCHMRTLLNBE."),
		LATE('E', 'B', "\0\0\1\0bhalf a body", "OCHMRTLLNBE."),
		LATE('E', 'B', ANSWER("p"), "OCHMRTLLNBE."),
	};

	(void)state;
	for (size_t i = 0; i < sizeof lates / sizeof *lates; i++) {
		struct filter_rule rules[2] = { { lates[i].command, 0, FILTER_SENDS,
			lates[i].answer, lates[i].length } };
		struct fixture fixture;

		fixture_open(&fixture, rules);
		fixture.hurry_after = lates[i].hurry_after;
		if (!lates[i].hurry_after)
			fixture_hurry(&fixture);
		assert_int_equal(fixture_mail(&fixture), VERDICT_TEMPFAIL);
		assert_int_equal(fixture.health.failures, 1);
		fixture_close(&fixture);
		if (strcmp(fixture_heard(&fixture), lates[i].heard) != 0)
			fail_msg("%c: %s", lates[i].command, fixture_heard(&fixture));
	}
}

/* Who reports progress is waited for, as long as its budget lasts. */
static void
the_budget_ends_all(void **state)
{
	static const struct filter_rule rules[] = { SENDS('M', 0, ANSWER("p")), { 0 } };
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture, rules);
	fixture.settings.budget = 50;
	assert_int_equal(fixture_from(&fixture), VERDICT_TEMPFAIL);
	fixture_close(&fixture);
}

static const struct settings_policy short_policy = { .title = "default", .budget = 50 };

static void
open_short(struct fixture *fixture, const struct filter_rule *rules)
{
	fixture_open(fixture, rules);
	fixture->all.policy = (struct settings_policies){ &short_policy, 1 };
	fixture->listener.policy = "default";
}

/* All filters of a policy have one, too; who used it up has failed. */
static void
the_budget_of_all_ends_all(void **state)
{
	static const struct filter_rule rules[] = { SENDS('M', 0, ANSWER("p")), { 0 } };
	struct fixture fixture;

	(void)state;
	open_short(&fixture, rules);
	fixture.settings.on_failure = MILTER_FAILURE_ACCEPT;
	assert_int_equal(fixture_from(&fixture), VERDICT_CONTINUE);
	assert_int_equal(fixture.health.failures, 1);
	assert_int_equal(fixture.mail->filters_ms >= 50, true);
	fixture_close(&fixture);
}

/* Failures enough, and the rest after them is over. */
static void
end_rest(struct milter_health *health, unsigned rests)
{
	atomic_store(&health->breaker.own,
		milter_breaker_pack(&(struct milter_rest){
			.failures = MILTER_BREAK_AFTER, .rests = rests, .until_ms = 1 }));
}

static struct milter_rest
rest_of(const struct fixture *fixture)
{
	return milter_breaker_read(&fixture->health.breaker, loop_now_ms(fixture->loop));
}

/* Whose turn comes behind it is not asked, nor blamed; it may try again if it was to. */
static void
others_had_all_the_time(void **state)
{
	static const enum verdict_kind without[] = { [MILTER_FAILURE_TEMPFAIL] = VERDICT_TEMPFAIL,
		[MILTER_FAILURE_ACCEPT] = VERDICT_CONTINUE };
	struct fixture fixture;

	(void)state;
	for (int i = MILTER_FAILURE_TEMPFAIL; i <= MILTER_FAILURE_ACCEPT; i++) {
		open_short(&fixture, NULL);
		fixture.settings.on_failure = (enum milter_failure)i;
		end_rest(&fixture.health, 1);
		assert_int_equal(fixture_from(&fixture), VERDICT_CONTINUE);
		fixture.mail->filters_ms = 50;
		assert_int_equal(fixture_to(&fixture, "bob@example.net"), without[i]);
		assert_null(strchr(fixture_heard(&fixture), 'R'));
		assert_int_equal(fixture.health.failures, 0);
		assert_false(rest_of(&fixture).trying);
		fixture_end_mail(&fixture);
		assert_int_equal(fixture_mail(&fixture), VERDICT_CONTINUE);
		fixture_close(&fixture);
	}
}

static void *
dial_nobody(void *context, const char *filter, uint64_t wait_ms, milter_dialed_fn *done, void *asker)
{
	(void)context;
	(void)filter;
	(void)wait_ms;
	(void)done;
	(void)asker;
	return NULL;
}

/* That we have no room for one more connection is no fault of the filter, and lets nobody past it. */
static void
no_room_for_a_connection(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture, NULL);
	fixture.settings.on_failure = MILTER_FAILURE_ACCEPT;
	fixture.means.dial = dial_nobody;
	for (int i = 0; i < MILTER_BREAK_AFTER; i++) {
		assert_int_equal(fixture_mail(&fixture), VERDICT_TEMPFAIL);
		fixture_end_mail(&fixture);
	}
	assert_int_equal(fixture.health.failures, 0);
	assert_int_equal(fixture.health.breaker.own, 0);
	fixture_close(&fixture);
}

/* It may say so a thousand times, but not for ever. */
static void
progress_ends(void **state)
{
	static char bytes[5 * 1002];
	struct filter_rule rules[2] = { { 'E', 1, FILTER_SENDS, bytes, 5 * 1000 } };
	struct fixture fixture;

	(void)state;
	for (size_t i = 0; i < sizeof bytes; i += 5)
		memcpy(bytes + i, ANSWER("p"), 5);
	memcpy(bytes + 5 * 999, ANSWER("c"), 5);
	fixture_open(&fixture, rules);
	assert_int_equal(fixture_mail(&fixture), VERDICT_CONTINUE);
	fixture_close(&fixture);
	memcpy(bytes + 5 * 999, ANSWER("p"), 5);
	rules[0].length = sizeof bytes;
	fixture_open(&fixture, rules);
	assert_int_equal(fixture_mail(&fixture), VERDICT_TEMPFAIL);
	assert_string_equal(fixture.health.fault, "it reports progress without end");
	fixture_close(&fixture);
}

/* ---- what does not read ---------------------------------------------------------------------- */

static void
large_message(struct fixture *fixture)
{
	char *body = mem_alloc(LARGE_BODY_BYTES);

	memset(body, 'x', LARGE_BODY_BYTES);
	fixture_from(fixture);
	fixture_to(fixture, "bob@example.net");
	fixture_data(fixture);
	fixture_content(fixture, FIXTURE_HEADER, span_of(body, LARGE_BODY_BYTES));
	fixture_message(fixture);
	mem_free(&body);
}

/* Its socket is full, and it never reads again: whether or not it would have to answer. */
static void
a_filter_that_never_reads(void **state)
{
	static const struct filter_rule rules[] = { STOPS('B', 0, ""), { 0 } };
	struct fixture fixture;

	(void)state;
	for (int mute = 0; mute < 2; mute++) {
		fixture_open(&fixture, rules);
		fixture.steps |= mute ? MILTER_MUTE_BODY : 0;
		fixture.hurry_after = 'N';
		large_message(&fixture);
		assert_int_equal(fixture.verdict.kind, VERDICT_TEMPFAIL);
		assert_int_equal(fixture.health.failures, 1);
		fixture_close(&fixture);
	}
}

/* It refuses after the first piece, and reads no more: that is heard although writing is stuck. */
static void
a_filter_that_refuses_without_reading(void **state)
{
	static const struct filter_rule rules[] = { STOPS('B', 1, ANSWER("r")), { 0 } };
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture, rules);
	large_message(&fixture);
	assert_int_equal(fixture.verdict.kind, VERDICT_REJECT);
	assert_int_equal(fixture.health.failures, 0);
	fixture_close(&fixture);
}

/* ---- the breaker ----------------------------------------------------------------------------- */

/* Nobody comes to a filter that fails again and again; then one does, and all do if it is well. */
static void
the_breaker(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture, NULL);
	fixture.refuse_from = 1;
	for (int i = 0; i < MILTER_BREAK_AFTER; i++) {
		assert_int_equal(fixture_mail(&fixture), VERDICT_TEMPFAIL);
		fixture_end_mail(&fixture);
	}
	assert_int_equal(fixture.dialed, MILTER_BREAK_AFTER);
	assert_int_equal(fixture_mail(&fixture), VERDICT_TEMPFAIL);
	assert_string_equal(fixture.verdict.text, "A filter is not available; try again later");
	fixture_end_mail(&fixture);
	assert_int_equal(fixture.dialed, MILTER_BREAK_AFTER);
	assert_int_equal(fixture.health.skipped, 1);
	assert_int_equal(rest_of(&fixture).rests, 1);
	end_rest(&fixture.health, 1);
	assert_int_equal(fixture_mail(&fixture), VERDICT_TEMPFAIL);
	fixture_end_mail(&fixture);
	assert_int_equal(rest_of(&fixture).rests, 2);
	end_rest(&fixture.health, 2);
	fixture.refuse_from = 0;
	fixture.dialed = 0;
	/* A client that goes away in the middle leaves the try to the next. */
	assert_int_equal(fixture_from(&fixture), VERDICT_CONTINUE);
	assert_true(rest_of(&fixture).trying);
	fixture_end_mail(&fixture);
	assert_false(rest_of(&fixture).trying);
	assert_int_equal(fixture_mail(&fixture), VERDICT_CONTINUE);
	assert_int_equal(fixture.health.breaker.own, 0);
	fixture_close(&fixture);
}

/* No more than its buffers take while it answers nothing: or both would wait for each other. */
static void
fields_that_wait_for_answers(void **state)
{
	static const struct filter_rule rules[] = { SILENT('L', 0), { 0 } };
	struct fixture fixture;
	struct buf header = BUF_INIT(0);

	(void)state;
	for (int i = 0; i < 200; i++)
		buf_printf(&header, "X-Field-%03d: %0986d\r\n", i, i);
	fixture_open(&fixture, rules);
	fixture.settings.content_wait = 10 * FIXTURE_HURRY_MS;
	fixture_from(&fixture);
	fixture_to(&fixture, "bob@example.net");
	fixture_data(&fixture);
	fixture_content(&fixture, buf_text(&header), SPAN_LITERAL("x\r\n"));
	assert_int_equal(fixture_message(&fixture), VERDICT_TEMPFAIL);
	/* 48 KiB */
	assert_in_range(strspn(strchr(fixture_heard(&fixture), 'L'), "L"), 40, 50);
	fixture_close(&fixture);
	buf_fini(&header);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(on_failure_decides),
		cmocka_unit_test(fails_the_whole_transaction),
		cmocka_unit_test(every_wait_ends),
		cmocka_unit_test(the_budget_ends_all),
		cmocka_unit_test(the_budget_of_all_ends_all),
		cmocka_unit_test(others_had_all_the_time),
		cmocka_unit_test(no_room_for_a_connection),
		cmocka_unit_test(progress_ends),
		cmocka_unit_test(a_filter_that_never_reads),
		cmocka_unit_test(a_filter_that_refuses_without_reading),
		cmocka_unit_test(the_breaker),
		cmocka_unit_test(fields_that_wait_for_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
