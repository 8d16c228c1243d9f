/* SPDX-License-Identifier: BSD-2-Clause */
/* Budgets against a passed clock. */
#include "unit.h"

#include "policy/budget.h"

enum { HOUR = 3600 * 1000, DAY = 24 * HOUR };
static const uint64_t start = 1u << 31;

static const struct budget_cost one = { .messages = 1, .recipients = 1 };

static enum budget_answer
ask(const struct budgets *budgets, const struct settings_limits *limits, uint64_t recipients,
	uint64_t now)
{
	const struct budget_cost cost = { .messages = 1, .recipients = recipients };
	enum budget_kind met;

	return budget_ask(budgets, limits, &cost, now, &met);
}

static void
take(struct budgets *budgets, const struct settings_limits *limits, unsigned times, uint64_t now)
{
	struct budget_taken taken;

	for (unsigned i = 0; i < times; i++)
		budget_take(budgets, limits, &one, now, &taken);
}

static void
fills_and_refills(void **state)
{
	const struct settings_limits limits = { .messages_per_hour = 10, .burst = 100 };
	struct budgets budgets = { 0 };
	uint64_t now = start;

	(void)state;
	for (int i = 0; i < 10; i++) {
		assert_int_equal(ask(&budgets, &limits, 1, now), BUDGET_FITS);
		take(&budgets, &limits, 1, now);
	}
	assert_int_equal(ask(&budgets, &limits, 1, now), BUDGET_OVER);
	/* A tenth of the window gives back a tenth of the amount, and not a bit earlier. */
	assert_int_equal(ask(&budgets, &limits, 1, now + HOUR / 10 - 1), BUDGET_OVER);
	assert_int_equal(ask(&budgets, &limits, 1, now + HOUR / 10), BUDGET_FITS);
	assert_int_equal(budget_spent(&budgets, &limits, BUDGET_MESSAGES_HOUR, now), 10);
	assert_int_equal(
		budget_spent(&budgets, &limits, BUDGET_MESSAGES_HOUR, now + HOUR / 10 - 1), 10);
	assert_int_equal(
		budget_spent(&budgets, &limits, BUDGET_MESSAGES_HOUR, now + HOUR / 10), 9);
	assert_int_equal(budget_whole_in_ms(&budgets, &limits, BUDGET_MESSAGES_HOUR, now), HOUR);
	assert_false(budget_is_whole(&budgets, &limits, now + HOUR - 1));
	assert_true(budget_is_whole(&budgets, &limits, now + HOUR));
	/* Saving up ends at the whole amount. */
	take(&budgets, &limits, 10, now + 50ULL * HOUR);
	assert_int_equal(ask(&budgets, &limits, 1, now + 50ULL * HOUR), BUDGET_OVER);
	/* A clock that stands still, or goes back. */
	assert_int_equal(ask(&budgets, &limits, 1, now), BUDGET_OVER);
}

/* In a day as in an hour, each by itself. */
static void
days_and_hours(void **state)
{
	const struct settings_limits limits = { .messages_per_hour = 4, .messages_per_day = 6 };
	struct budgets budgets = { 0 };
	enum budget_kind met;

	(void)state;
	take(&budgets, &limits, 4, start);
	assert_int_equal(budget_ask(&budgets, &limits, &one, start, &met), BUDGET_OVER);
	assert_int_equal(met, BUDGET_MESSAGES_HOUR);
	/* An hour later the hour's amount is back, and of the day's a quarter of a message. */
	take(&budgets, &limits, 2, start + HOUR);
	assert_int_equal(budget_ask(&budgets, &limits, &one, start + HOUR, &met), BUDGET_OVER);
	assert_int_equal(met, BUDGET_MESSAGES_DAY);
	assert_int_equal(ask(&budgets, &limits, 1, start + 4 * HOUR), BUDGET_FITS);
	assert_int_equal(budget_spent(&budgets, &limits, BUDGET_MESSAGES_DAY, start + DAY - 1), 1);
}

static void
every_kind_counts_its_own(void **state)
{
	static const struct {
		struct settings_limits limits;
		struct budget_cost cost;
		const char *name;
		const char *text;
	} cases[BUDGET_COUNT] = {
		{ { .messages_per_hour = 1 }, { 1, 0, 0 }, "messages-per-hour",
			"More than 1 messages in an hour" },
		{ { .messages_per_day = 1 }, { 1, 0, 0 }, "messages-per-day",
			"More than 1 messages in a day" },
		{ { .recipients_per_hour = 5 }, { 0, 3, 0 }, "recipients-per-hour",
			"More than 5 recipients in an hour" },
		{ { .recipients_per_day = 5 }, { 0, 3, 0 }, "recipients-per-day",
			"More than 5 recipients in a day" },
		{ { .new_recipients_per_day = 5 }, { 0, 0, 3 }, "new-recipients-per-day",
			"More than 5 new recipients in a day" },
	};

	(void)state;
	for (unsigned kind = 0; kind < BUDGET_COUNT; kind++) {
		const struct settings_limits *limits = &cases[kind].limits;
		const struct budget_cost everything = { 100, 100, 100 };
		struct budgets budgets = { 0 };
		struct budgets none = { 0 };
		struct budget_taken taken;
		char text[BUDGET_TEXT_SIZE];
		enum budget_kind met;

		print_message("%s\n", cases[kind].name);
		assert_string_equal(budget_name(kind), cases[kind].name);
		assert_true(budget_is_any(limits));
		assert_int_equal(budget_ask(&budgets, limits, &cases[kind].cost, start, &met),
			BUDGET_FITS);
		budget_take(&budgets, limits, &cases[kind].cost, start, &taken);
		assert_int_equal(budget_ask(&budgets, limits, &cases[kind].cost, start, &met),
			BUDGET_OVER);
		assert_int_equal(met, kind);
		budget_text(limits, met, BUDGET_OVER, text);
		assert_string_equal(text, cases[kind].text);
		budget_give_back(&budgets, limits, &taken, start);
		assert_int_equal(budget_spent(&budgets, limits, kind, start), 0);
		assert_int_equal(
			budget_ask(&none, limits, &everything, start, &met), BUDGET_NEVER);
	}
	assert_false(budget_is_any(&(const struct settings_limits){ .burst = 100 }));
}

static void
burst_is_what_may_be_used_at_once(void **state)
{
	static const struct {
		uint64_t burst;
		unsigned at_once;
	} cases[] = { { 1, 1 }, { 10, 1 }, { 50, 5 }, { 100, 10 }, { 250, 25 } };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct settings_limits limits = { .messages_per_hour = 10,
			.burst = cases[i].burst };
		struct budgets budgets = { 0 };
		unsigned sent = 0;

		for (; ask(&budgets, &limits, 1, start) == BUDGET_FITS; sent++)
			take(&budgets, &limits, 1, start);
		assert_int_equal(sent, cases[i].at_once);
		/* The rate is the same for all: one message each six minutes. */
		assert_int_equal(ask(&budgets, &limits, 1, start + HOUR / 10), BUDGET_FITS);
		take(&budgets, &limits, 1, start + HOUR / 10);
		assert_int_equal(ask(&budgets, &limits, 1, start + HOUR / 10), BUDGET_OVER);
	}
}

/* What is held is spent too: while more comes than may, nothing goes. */
static void
overdrawn_it_takes_longer(void **state)
{
	const struct settings_limits limits = { .messages_per_hour = 10, .burst = 100 };
	struct budgets budgets = { 0 };

	(void)state;
	take(&budgets, &limits, 15, start);
	assert_int_equal(ask(&budgets, &limits, 1, start + HOUR / 2), BUDGET_OVER);
	assert_int_equal(ask(&budgets, &limits, 1, start + 6 * HOUR / 10), BUDGET_FITS);
	/* But not for ever: at most its whole amount beyond. */
	take(&budgets, &limits, 1000, start);
	assert_int_equal(budget_spent(&budgets, &limits, BUDGET_MESSAGES_HOUR, start), 20);
	assert_true(budget_is_whole(&budgets, &limits, start + 2 * HOUR));
}

static void
cut_off_until_there_is_room(void **state)
{
	const struct settings_limits limits = { .messages_per_hour = 10, .burst = 100,
		.cut_off = 50 };
	struct budgets budgets = { 0 };
	char text[BUDGET_TEXT_SIZE];
	enum budget_kind met;

	(void)state;
	take(&budgets, &limits, 14, start);
	assert_int_equal(ask(&budgets, &limits, 1, start), BUDGET_OVER);
	take(&budgets, &limits, 1, start);
	assert_int_equal(budget_ask(&budgets, &limits, &one, start, &met), BUDGET_CUT);
	budget_text(&limits, met, BUDGET_CUT, text);
	assert_string_equal(text,
		"More than 10 messages in an hour, and far more: nothing is taken until there is "
		"room again");
	/* Below the cut-off again is not enough. */
	assert_int_equal(ask(&budgets, &limits, 1, start + 3 * HOUR / 10), BUDGET_CUT);
	assert_int_equal(ask(&budgets, &limits, 1, start + 6 * HOUR / 10), BUDGET_FITS);
	take(&budgets, &limits, 2, start + 6 * HOUR / 10);
	assert_int_equal(ask(&budgets, &limits, 1, start + 6 * HOUR / 10), BUDGET_OVER);
}

/* A message that wants more than there ever is, also of a huge amount: nothing overflows. */
static void
the_largest_numbers(void **state)
{
	const struct settings_limits limits = { .messages_per_day = 10000000,
		.recipients_per_day = 100000000, .burst = 1000, .cut_off = 1000 };
	struct budgets budgets = { 0 };
	const struct budget_cost cost = { .messages = 1, .recipients = 1000 };
	struct budget_taken taken;

	(void)state;
	for (int i = 0; i < 1000; i++)
		budget_take(&budgets, &limits, &cost, start, &taken);
	assert_int_equal(
		budget_spent(&budgets, &limits, BUDGET_RECIPIENTS_DAY, start), 1000000);
	assert_int_equal(ask(&budgets, &limits, 1000, UINT64_MAX / 2), BUDGET_FITS);
	assert_true(budget_is_whole(&budgets, &limits, UINT64_MAX / 2));
}

static void
idle_whatever_the_section_says(void **state)
{
	const struct settings_limits limits = { .messages_per_day = 1, .burst = 1000,
		.cut_off = 1000 };
	struct budgets budgets = { 0 };

	(void)state;
	assert_true(budget_is_idle(&budgets, start));
	take(&budgets, &limits, 100, start);
	assert_false(budget_is_whole(&budgets, &limits, start + 19ULL * DAY));
	assert_false(budget_is_idle(&budgets, start + 20ULL * DAY));
	assert_true(budget_is_idle(&budgets, start + 23ULL * DAY));
	assert_true(budget_is_whole(&budgets, &limits, start + 23ULL * DAY));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fills_and_refills),
		cmocka_unit_test(days_and_hours),
		cmocka_unit_test(every_kind_counts_its_own),
		cmocka_unit_test(burst_is_what_may_be_used_at_once),
		cmocka_unit_test(overdrawn_it_takes_longer),
		cmocka_unit_test(cut_off_until_there_is_room),
		cmocka_unit_test(the_largest_numbers),
		cmocka_unit_test(idle_whatever_the_section_says),
	};

	return cmocka_run_group_tests_name("policy/budget", tests, NULL, NULL);
}
