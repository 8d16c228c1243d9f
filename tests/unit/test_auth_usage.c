/* SPDX-License-Identifier: BSD-2-Clause */
/* What logins and addresses have used up: verdicts, when it is told, what is given back, and on disk. */
#include "unit.h"

#include <stdio.h>

#include "auth/limit_report.h"
#include "auth/usage.h"

enum { HOUR = 3600 * 1000, MOST = 50 };
static const uint64_t wall = 1700000000000;
static const uint64_t start = (uint64_t)USAGE_PAST_MS + 5000;

static int
make(void **state)
{
	*state = usage_new(MOST);
	return 0;
}

static int
unmake(void **state)
{
	usage_free((struct usage **)state);
	return 0;
}

static struct usage_charged
charge(struct usage *usage, const char *login, const struct settings_limits *limits,
	uint64_t recipients, uint64_t after_ms)
{
	const struct budget_cost cost = { .messages = 1, .recipients = recipients };
	struct usage_charged charged;

	usage_charge(usage, usage_find_or_add(usage, USAGE_LOGIN, login), limits, &cost,
		start + after_ms, wall + after_ms, &charged);
	return charged;
}

static void
verdicts_of_each_choice(void **state)
{
	static const struct {
		enum limits_over over;
		enum charge_verdict over_verdict;  /* beyond the budget */
		enum charge_verdict never_verdict; /* one that never fits */
		enum charge_verdict stranger_verdict;
	} cases[] = {
		{ LIMITS_OVER_HOLD, CHARGE_HOLD, CHARGE_HOLD, CHARGE_TEMPFAIL },
		{ LIMITS_OVER_TEMPFAIL, CHARGE_TEMPFAIL, CHARGE_REFUSE, CHARGE_TEMPFAIL },
		{ LIMITS_OVER_REFUSE, CHARGE_REFUSE, CHARGE_REFUSE, CHARGE_REFUSE },
	};
	struct usage *usage = *state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct settings_limits limits = { .title = "x", .recipients_per_hour = 10,
			.over = cases[i].over };
		const struct budget_cost cost = { 1, 6, 0 };
		struct usage_charged charged;
		char login[16];

		snprintf(login, sizeof login, "u%zu", i);
		charged = charge(usage, login, &limits, 6, 0);
		assert_int_equal(charged.verdict, CHARGE_PASS);
		assert_string_equal(charged.text, "");
		charged = charge(usage, login, &limits, 6, 0);
		assert_int_equal(charged.verdict, cases[i].over_verdict);
		assert_int_equal(charged.met, BUDGET_RECIPIENTS_HOUR);
		assert_string_equal(charged.text, "More than 10 recipients in an hour");
		charged = charge(usage, login, &limits, 11, 0);
		assert_int_equal(charged.verdict, cases[i].never_verdict);
		assert_string_equal(charged.text,
			"More than 10 recipients in an hour, in this message alone");
		for (int k = 0; k < 2; k++)
			usage_charge(usage, usage_find_or_add(usage, USAGE_ADDRESS, login),
				&limits, &cost, start, wall, &charged);
		assert_int_equal(charged.verdict, cases[i].stranger_verdict);
	}
}

/* Only what is queued is spent: who tries again and again when put off waits no longer for it. */
static void
what_is_put_off_costs_nothing(void **state)
{
	struct settings_limits limits = { .title = "x", .messages_per_hour = 2,
		.over = LIMITS_OVER_TEMPFAIL };

	for (int i = 0; i < 2; i++)
		assert_int_equal(charge(*state, "a", &limits, 1, 0).verdict, CHARGE_PASS);
	for (int i = 0; i < 50; i++)
		assert_int_equal(charge(*state, "a", &limits, 1, 0).verdict, CHARGE_TEMPFAIL);
	assert_int_equal(charge(*state, "a", &limits, 1, HOUR / 2).verdict, CHARGE_PASS);
}

/* A stolen account: what is held counts, so nothing goes while it goes on; and it is told once. */
static void
held_once_told_once(void **state)
{
	struct settings_limits limits = { .title = "x", .messages_per_hour = 10 };
	struct usage *usage = *state;
	const struct usage_row *row = usage_find_or_add(usage, USAGE_LOGIN, "a");
	unsigned told = 0;
	unsigned passed = 0;

	for (unsigned minute = 0; minute < 120; minute++) {
		struct usage_charged charged = charge(usage, "a", &limits, 1, minute * 60000);

		passed += charged.verdict == CHARGE_PASS;
		told += charged.began;
	}
	assert_int_equal(told, 1);
	/* As many as the first burst, and what came back until it was overdrawn for good. */
	assert_in_range(passed, 10, 12);
	assert_true(row->over_since_ms > wall);
	/* Room again is not the end of it; only a whole budget is. */
	assert_int_equal(charge(usage, "a", &limits, 1, 19 * HOUR / 6).verdict, CHARGE_PASS);
	assert_int_not_equal(row->over_since_ms, 0);
	assert_int_equal(charge(usage, "a", &limits, 1, 6 * HOUR).verdict, CHARGE_PASS);
	assert_int_equal(row->over_since_ms, 0);
}

/* A message by a section that has not the budget that was met does not make it whole. */
static void
told_once_by_whatever_section(void **state)
{
	struct settings_limits outside = { .title = "x", .messages_per_hour = 1 };
	struct settings_limits inside = { .title = "y", .recipients_per_day = 1000 };
	struct usage *usage = *state;

	charge(usage, "a", &outside, 1, 0);
	assert_true(charge(usage, "a", &outside, 1, 1).began);
	for (unsigned i = 2; i < 20; i++) {
		assert_int_equal(charge(usage, "a", &inside, 1, i).verdict, CHARGE_PASS);
		assert_false(charge(usage, "a", &outside, 1, i).began);
	}
	/* One whose section is another now is not over its budget for ever. */
	usage_forgive(usage_find(usage, USAGE_LOGIN, "a"));
	charge(usage, "a", &outside, 1, 20);
	assert_true(charge(usage, "a", &outside, 1, 20).began);
	charge(usage, "a", &inside, 1, 20 + 2 * HOUR);
	charge(usage, "a", &outside, 1, 20 + 2 * HOUR);
	assert_true(charge(usage, "a", &outside, 1, 20 + 2 * HOUR).began);
}

static void
told_anew_after_somebody_looked(void **state)
{
	struct settings_limits limits = { .title = "x", .messages_per_hour = 1 };
	struct usage *usage = *state;
	struct usage_row *row = usage_find_or_add(usage, USAGE_LOGIN, "a");

	charge(usage, "a", &limits, 1, 0);
	assert_true(charge(usage, "a", &limits, 1, 0).began);
	assert_false(charge(usage, "a", &limits, 1, 0).began);
	usage_seen(row);
	/* The budget is as it was. */
	assert_true(charge(usage, "a", &limits, 1, 1).began);
	assert_int_equal(row->over_since_ms, wall + 1);
	usage_forgive(row);
	assert_int_equal(row->over_since_ms, 0);
	assert_int_equal(charge(usage, "a", &limits, 1, 1).verdict, CHARGE_PASS);
}

static void
what_came_to_nothing_is_given_back(void **state)
{
	struct settings_limits limits = { .title = "x", .messages_per_hour = 2,
		.recipients_per_hour = 4 };
	struct usage *usage = *state;

	for (int i = 0; i < 20; i++) {
		struct usage_charged charged = charge(usage, "a", &limits, 2, 0);

		assert_int_equal(charged.verdict, CHARGE_PASS);
		usage_refund(usage_find(usage, USAGE_LOGIN, "a"), &limits, &charged.taken, start);
	}
	for (int i = 0; i < 2; i++)
		assert_int_equal(charge(usage, "a", &limits, 2, 0).verdict, CHARGE_PASS);
	assert_int_equal(charge(usage, "a", &limits, 2, 0).verdict, CHARGE_HOLD);
}

/* Many held messages at once that come to nothing (the same one again) do not make the budget whole. */
static void
what_was_overdrawn_already_is_not_given_back(void **state)
{
	struct settings_limits limits = { .title = "x", .recipients_per_hour = 5000 };
	struct usage_charged charged[16];
	struct usage *usage = *state;
	const struct usage_row *row = usage_find_or_add(usage, USAGE_LOGIN, "a");

	for (int i = 0; i < 10; i++)
		charge(usage, "a", &limits, 1000, 0);
	for (int i = 0; i < 16; i++) {
		charged[i] = charge(usage, "a", &limits, 1000, 0);
		assert_int_equal(charged[i].verdict, CHARGE_HOLD);
	}
	for (int i = 0; i < 16; i++)
		usage_refund(usage_find(usage, USAGE_LOGIN, "a"), &limits, &charged[i].taken,
			start);
	assert_int_equal(budget_spent(&row->budgets, &limits, BUDGET_RECIPIENTS_HOUR, start), 10000);
	assert_int_equal(charge(usage, "a", &limits, 1, 0).verdict, CHARGE_HOLD);
	assert_false(charge(usage, "a", &limits, 1, 0).began);
}

static void
memory_is_bounded_and_swept(void **state)
{
	struct settings_limits limits = { .title = "x", .messages_per_hour = 2 };
	struct usage *usage = *state;
	char login[16];
	size_t count = 0;

	for (int i = 0; i < 3 * MOST; i++) {
		snprintf(login, sizeof login, "u%d", i);
		charge(usage, login, &limits, 1, 0);
		/* Who goes on is not forgotten. */
		charge(usage, "busy", &limits, 1, 0);
	}
	assert_non_null(usage_find(usage, USAGE_LOGIN, "busy"));
	assert_null(usage_find(usage, USAGE_LOGIN, "u0"));
	for (struct usage_row *row = usage_next(usage, NULL); row; row = usage_next(usage, row)) {
		row->changed = false; /* as if stored */
		count++;
	}
	assert_int_equal(count, MOST);
	usage_sweep(usage, start + 2ULL * HOUR);
	assert_non_null(usage_find(usage, USAGE_LOGIN, "busy"));
	usage_sweep(usage, start + 24ULL * 24 * HOUR);
	assert_null(usage_next(usage, NULL));
}

static void
addresses_by_their_network(void **state)
{
	static const struct {
		unsigned char address[USAGE_ADDRESS_BYTES];
		const char *name;
	} cases[] = {
		{ { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1 }, "192.0.2.1" },
		{ { 0x20, 1, 0xd, 0xb8, 0, 1, 0, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, "2001:db8:1:2::/64" },
		{ { 0x20, 1, 0xd, 0xb8, 0, 1, 0, 2, 9, 9, 9, 9, 9, 9, 9, 9 }, "2001:db8:1:2::/64" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char name[USAGE_NAME_SIZE];

		usage_address_name(cases[i].address, name);
		assert_string_equal(name, cases[i].name);
	}
}

/* ---- on disk --------------------------------------------------------------------------------- */

static struct buf
stored(struct usage *usage, const struct settings_limits *limits)
{
	struct buf content = BUF_INIT(USAGE_CONTENT_MAX_BYTES);

	for (int i = 0; i < 4; i++)
		charge(usage, "a", limits, 1, 0);
	assert_true(usage_find(usage, USAGE_LOGIN, "a")->changed);
	usage_pack(usage_find(usage, USAGE_LOGIN, "a"), start, wall, &content);
	assert_false(usage_find(usage, USAGE_LOGIN, "a")->changed);
	return content;
}

static void
comes_back_as_it_was(void **state)
{
	static const struct {
		int64_t wall_step; /* between the two, by the wall clock */
		uint64_t spent;
	} cases[] = {
		{ 0, 4 },
		{ HOUR / 2, 3 },      /* two an hour come back */
		{ 2LL * HOUR, 0 },
		{ -5LL * HOUR, 4 },   /* a clock that was set back gives nothing */
		{ 10000LL * HOUR, 0 },
	};
	struct settings_limits limits = { .title = "x", .messages_per_hour = 2 };
	struct buf content = stored(*state, &limits);

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct usage *later = usage_new(MOST);
		/* The machine has started anew: its steady clock is near its beginning. */
		uint64_t now = usage_now_ms(100);
		const struct usage_row *row;

		assert_true(usage_unpack(later, span_text("la"), buf_span(&content), now,
			(uint64_t)((int64_t)wall + cases[i].wall_step)));
		row = usage_find(later, USAGE_LOGIN, "a");
		assert_int_equal(budget_spent(&row->budgets, &limits, BUDGET_MESSAGES_HOUR, now),
			cases[i].spent);
		assert_int_equal(row->over_since_ms, wall);
		assert_string_equal(row->limits, "x");
		usage_free(&later);
	}
	buf_fini(&content);
}

static void
damage_is_refused(void **state)
{
	struct settings_limits limits = { .title = "x", .messages_per_hour = 2 };
	struct buf content = stored(*state, &limits);
	struct usage *later = usage_new(MOST);

	for (size_t length = 0; length < buf_length(&content); length++)
		assert_false(usage_unpack(later, span_text("la"),
			span_first(buf_span(&content), length), start, wall));
	assert_false(usage_unpack(later, span_text("l"), buf_span(&content), start, wall));
	assert_false(usage_unpack(later, SPAN_EMPTY, buf_span(&content), start, wall));
	assert_false(usage_unpack(later, span_text("xa"), buf_span(&content), start, wall));
	content.bytes[content.begin]++;
	assert_false(usage_unpack(later, span_text("la"), buf_span(&content), start, wall));
	assert_null(usage_next(later, NULL));
	usage_free(&later);
	buf_fini(&content);
}

/* ---- the report ------------------------------------------------------------------------------ */

static void
report_gathers_by_who_and_limit(void **state)
{
	struct limit_report *report = limit_report_new(3);
	struct limit_met met = { "alice", "messages-per-hour", "held", "More", "192.0.2.1" };
	const struct limit_report_row *row;

	(void)state;
	assert_null(limit_report_next(report, NULL));
	limit_report_add(report, &met, 10);
	met.limit = "recipients-per-hour";
	limit_report_add(report, &met, 20);
	met.limit = "messages-per-hour";
	met.outcome = "refused";
	met.text = "Far more";
	limit_report_add(report, &met, 30);
	row = limit_report_next(report, NULL);
	assert_string_equal(row->limit, "messages-per-hour");
	assert_string_equal(row->outcome, "refused");
	assert_string_equal(row->text, "Far more");
	assert_int_equal(row->count, 2);
	assert_int_equal(row->first_ms, 10);
	assert_int_equal(row->last_ms, 30);
	row = limit_report_next(report, row);
	assert_string_equal(row->limit, "recipients-per-hour");
	assert_null(limit_report_next(report, row));
	/* The one that was longest ago gives way. */
	met.who = "bob";
	limit_report_add(report, &met, 40);
	met.who = "carol";
	limit_report_add(report, &met, 50);
	row = limit_report_next(report, NULL);
	assert_string_equal(row->who, "carol");
	row = limit_report_next(report, limit_report_next(report, row));
	assert_string_equal(row->who, "alice");
	assert_string_equal(row->limit, "messages-per-hour");
	assert_null(limit_report_next(report, row));
	limit_report_free(&report);
}

#define USAGE_TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		USAGE_TEST(verdicts_of_each_choice),
		USAGE_TEST(what_is_put_off_costs_nothing),
		USAGE_TEST(held_once_told_once),
		USAGE_TEST(told_once_by_whatever_section),
		USAGE_TEST(told_anew_after_somebody_looked),
		USAGE_TEST(what_came_to_nothing_is_given_back),
		USAGE_TEST(what_was_overdrawn_already_is_not_given_back),
		USAGE_TEST(memory_is_bounded_and_swept),
		USAGE_TEST(addresses_by_their_network),
		USAGE_TEST(comes_back_as_it_was),
		USAGE_TEST(damage_is_refused),
		cmocka_unit_test(report_gathers_by_who_and_limit),
	};

	return cmocka_run_group_tests_name("auth/usage", tests, NULL, NULL);
}
