/* SPDX-License-Identifier: BSD-2-Clause */
/* Budgets of a login or an address: messages and recipients per hour and day; pure, clock passed in. */
#include "policy/budget.h"

#include <stdio.h>

#include "base/memory.h"

enum {
	HOUR_MS = 3600 * 1000,
	DAY_MS = 24 * HOUR_MS,
	PERCENT = 100,
	OVERDRAFT_LEAST = 100, /* percent of the amount that what is held may overdraw a budget */
	OTHER_WINDOWS = 2,     /* in which a budget is whole, burst being 100 percent */
	IDLE_WINDOWS = 22,     /* burst and cut-off are 1000 percent at most */
};

static const struct {
	const char *name;
	const char *words;
	uint64_t window_ms;
	size_t amount; /* where it stands in a limits section */
	size_t cost;
} kinds[BUDGET_COUNT] = {
	[BUDGET_MESSAGES_HOUR] = { "messages-per-hour", "messages in an hour", HOUR_MS,
		offsetof(struct settings_limits, messages_per_hour),
		offsetof(struct budget_cost, messages) },
	[BUDGET_MESSAGES_DAY] = { "messages-per-day", "messages in a day", DAY_MS,
		offsetof(struct settings_limits, messages_per_day),
		offsetof(struct budget_cost, messages) },
	[BUDGET_RECIPIENTS_HOUR] = { "recipients-per-hour", "recipients in an hour", HOUR_MS,
		offsetof(struct settings_limits, recipients_per_hour),
		offsetof(struct budget_cost, recipients) },
	[BUDGET_RECIPIENTS_DAY] = { "recipients-per-day", "recipients in a day", DAY_MS,
		offsetof(struct settings_limits, recipients_per_day),
		offsetof(struct budget_cost, recipients) },
	[BUDGET_NEW_RECIPIENTS_DAY] = { "new-recipients-per-day", "new recipients in a day", DAY_MS,
		offsetof(struct settings_limits, new_recipients_per_day),
		offsetof(struct budget_cost, new_recipients) },
};

static uint64_t
number_at(const void *start, size_t offset)
{
	return *(const uint64_t *)(const void *)((const char *)start + offset);
}

const char *
budget_name(enum budget_kind kind)
{
	return kinds[kind].name;
}

uint64_t
budget_amount(const struct settings_limits *limits, enum budget_kind kind)
{
	return number_at(limits, kinds[kind].amount);
}

bool
budget_is_any(const struct settings_limits *limits)
{
	for (unsigned kind = 0; kind < BUDGET_COUNT; kind++) {
		if (budget_amount(limits, kind))
			return true;
	}
	return false;
}

/* ---- one budget ------------------------------------------------------------------------------ */

static uint64_t
cost_of(const struct budget_cost *cost, enum budget_kind kind)
{
	return number_at(cost, kinds[kind].cost) * kinds[kind].window_ms;
}

/* Percent of the amount, as "spent" counts; never less than one. */
static uint64_t
share(const struct settings_limits *limits, enum budget_kind kind, uint64_t percent)
{
	uint64_t window_ms = kinds[kind].window_ms;
	uint64_t all = budget_amount(limits, kind) * (window_ms / PERCENT) * percent;

	return all > window_ms ? all : window_ms;
}

static uint64_t
room_of(const struct settings_limits *limits, enum budget_kind kind)
{
	/* A section that no file was read into has no burst. */
	return share(limits, kind, limits->burst ? limits->burst : PERCENT);
}

/* What would stand in the budget now, with the refill since the last time taken off. */
static uint64_t
spent_now(const struct budget *budget, uint64_t amount, uint64_t now_ms)
{
	uint64_t elapsed = now_ms > budget->stamp_ms ? now_ms - budget->stamp_ms : 0;
	uint64_t refill;

	if (__builtin_mul_overflow(elapsed, amount, &refill) || refill >= budget->spent)
		return 0;
	return budget->spent - refill;
}

static enum budget_answer
ask_one(const struct budget *budget, const struct settings_limits *limits, enum budget_kind kind,
	uint64_t cost, uint64_t now_ms)
{
	uint64_t amount = budget_amount(limits, kind);
	uint64_t room = room_of(limits, kind);

	if (amount == 0 || cost == 0)
		return BUDGET_FITS;
	if (budget->cut && spent_now(budget, amount, now_ms) >= room)
		return BUDGET_CUT;
	if (cost > room)
		return BUDGET_NEVER;
	return spent_now(budget, amount, now_ms) <= room - cost ? BUDGET_FITS : BUDGET_OVER;
}

enum budget_answer
budget_ask(const struct budgets *budgets, const struct settings_limits *limits,
	const struct budget_cost *cost, uint64_t now_ms, enum budget_kind *met_out)
{
	enum budget_answer worst = BUDGET_FITS;

	for (unsigned kind = 0; kind < BUDGET_COUNT; kind++) {
		enum budget_answer answer =
			ask_one(&budgets->of[kind], limits, kind, cost_of(cost, kind), now_ms);

		if (answer > worst) {
			worst = answer;
			*met_out = kind;
		}
	}
	return worst;
}

/* What it took. */
static uint64_t
take_one(struct budget *budget, const struct settings_limits *limits, enum budget_kind kind,
	uint64_t cost, uint64_t now_ms)
{
	uint64_t room = room_of(limits, kind);
	uint64_t overdraft = share(limits, kind,
		limits->cut_off > OVERDRAFT_LEAST ? limits->cut_off : OVERDRAFT_LEAST);
	uint64_t before = spent_now(budget, budget_amount(limits, kind), now_ms);
	uint64_t spent = before + cost;

	/* So that it is whole again in good time after the last message. */
	budget->spent = spent < room + overdraft ? spent : room + overdraft;
	budget->stamp_ms = now_ms;
	budget->cut = (budget->cut && before >= room) ||
		(limits->cut_off && spent > room &&
			spent - room >= share(limits, kind, limits->cut_off));
	return budget->spent > before ? budget->spent - before : 0;
}

void
budget_take(struct budgets *budgets, const struct settings_limits *limits,
	const struct budget_cost *cost, uint64_t now_ms, struct budget_taken *taken_out)
{
	*taken_out = (struct budget_taken){ .of = { 0 } };
	for (unsigned kind = 0; kind < BUDGET_COUNT; kind++) {
		if (budget_amount(limits, kind) && cost_of(cost, kind))
			taken_out->of[kind] = take_one(&budgets->of[kind], limits, kind,
				cost_of(cost, kind), now_ms);
	}
}

void
budget_give_back(struct budgets *budgets, const struct settings_limits *limits,
	const struct budget_taken *taken, uint64_t now_ms)
{
	for (unsigned kind = 0; kind < BUDGET_COUNT; kind++) {
		struct budget *budget = &budgets->of[kind];
		uint64_t spent = spent_now(budget, budget_amount(limits, kind), now_ms);
		uint64_t back = taken->of[kind];

		if (back == 0)
			continue;
		budget->spent = spent > back ? spent - back : 0;
		budget->stamp_ms = now_ms;
	}
}

/* ---- for people ------------------------------------------------------------------------------ */

uint64_t
budget_spent(const struct budgets *budgets, const struct settings_limits *limits,
	enum budget_kind kind, uint64_t now_ms)
{
	uint64_t window_ms = kinds[kind].window_ms;

	return (spent_now(&budgets->of[kind], budget_amount(limits, kind), now_ms) + window_ms - 1) /
		window_ms;
}

uint64_t
budget_whole_in_ms(const struct budgets *budgets, const struct settings_limits *limits,
	enum budget_kind kind, uint64_t now_ms)
{
	uint64_t amount = budget_amount(limits, kind);

	if (amount == 0)
		return 0;
	return (spent_now(&budgets->of[kind], amount, now_ms) + amount - 1) / amount;
}

/* Nothing was taken of it for so many windows. */
static bool
has_rested(const struct budgets *budgets, enum budget_kind kind, uint64_t windows, uint64_t now_ms)
{
	const struct budget *budget = &budgets->of[kind];

	return !budget->spent || now_ms >= budget->stamp_ms + windows * kinds[kind].window_ms;
}

bool
budget_is_whole(const struct budgets *budgets, const struct settings_limits *limits, uint64_t now_ms)
{
	for (unsigned kind = 0; kind < BUDGET_COUNT; kind++) {
		if (budget_amount(limits, kind)
				? budget_whole_in_ms(budgets, limits, kind, now_ms) > 0
				: !has_rested(budgets, kind, OTHER_WINDOWS, now_ms))
			return false;
	}
	return true;
}

bool
budget_is_idle(const struct budgets *budgets, uint64_t now_ms)
{
	for (unsigned kind = 0; kind < BUDGET_COUNT; kind++) {
		if (!has_rested(budgets, kind, IDLE_WINDOWS, now_ms))
			return false;
	}
	return true;
}

void
budget_text(const struct settings_limits *limits, enum budget_kind kind, enum budget_answer answer,
	char text_out[BUDGET_TEXT_SIZE])
{
	static const char *const ends[] = {
		[BUDGET_FITS] = "",
		[BUDGET_OVER] = "",
		[BUDGET_NEVER] = ", in this message alone",
		[BUDGET_CUT] = ", and far more: nothing is taken until there is room again",
	};

	snprintf(text_out, BUDGET_TEXT_SIZE, "More than %llu %s%s",
		(unsigned long long)budget_amount(limits, kind), kinds[kind].words, ends[answer]);
}
