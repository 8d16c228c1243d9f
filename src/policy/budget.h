/* SPDX-License-Identifier: BSD-2-Clause */
/* Budgets of a login or an address: messages and recipients per hour and day; pure, clock passed in. */
#ifndef POLICY_BUDGET_H
#define POLICY_BUDGET_H

#include "config/settings.h"

/* One row of a limits section each: doc/limits.md. */
enum budget_kind {
	BUDGET_MESSAGES_HOUR,
	BUDGET_MESSAGES_DAY,
	BUDGET_RECIPIENTS_HOUR,
	BUDGET_RECIPIENTS_DAY,
	BUDGET_NEW_RECIPIENTS_DAY, /* those that the login never wrote to before */
	BUDGET_COUNT,
};

/*
 * Something of a window's amount that refills steadily. Zeroed storage is a whole budget. A budget
 * has room for burst percent of its amount; what is held beyond that overdraws it, so that nothing
 * goes while more comes than the amount allows.
 */
struct budget {
	uint64_t spent;      /* cost times window, less what has come back */
	uint64_t stamp_ms;   /* then */
	bool cut;            /* cut off: until there is room again */
};

struct budgets {
	struct budget of[BUDGET_COUNT];
};

/* What one message costs. */
struct budget_cost {
	uint64_t messages;
	uint64_t recipients;
	uint64_t new_recipients;
};

/* What one message took of each budget, as "spent" counts. */
struct budget_taken {
	uint64_t of[BUDGET_COUNT];
};

enum budget_answer {
	BUDGET_FITS,
	BUDGET_OVER,  /* not now */
	BUDGET_NEVER, /* one message wants more than there is room for at any time */
	BUDGET_CUT,   /* so far over it that nothing more is taken until there is room again */
};

/* The setting: "messages-per-hour". */
const char *budget_name(enum budget_kind kind);
/* Of the section; 0: no limit. */
uint64_t budget_amount(const struct settings_limits *limits, enum budget_kind kind);
/* Does the section set any budget at all? */
bool budget_is_any(const struct settings_limits *limits);

/* Would all of the cost still fit? If not: the worst answer, *met_out the first budget that gave it. */
enum budget_answer budget_ask(const struct budgets *budgets, const struct settings_limits *limits,
	const struct budget_cost *cost, uint64_t now_ms, enum budget_kind *met_out);
/*
 * Takes the cost, whether it fits or not; overdrawn by more than cut-off, a budget is cut. What was
 * taken is less than the cost where a budget is overdrawn as far as it may be.
 */
void budget_take(struct budgets *budgets, const struct settings_limits *limits,
	const struct budget_cost *cost, uint64_t now_ms, struct budget_taken *taken_out);
/* Gives back what was taken, once: never more, or what is held would make room for what is not. */
void budget_give_back(struct budgets *budgets, const struct settings_limits *limits,
	const struct budget_taken *taken, uint64_t now_ms);

/* How much of the amount is spent now, rounded up; for people. */
uint64_t budget_spent(const struct budgets *budgets, const struct settings_limits *limits,
	enum budget_kind kind, uint64_t now_ms);
/* In how many ms nothing of it will be spent any more. */
uint64_t budget_whole_in_ms(const struct budgets *budgets, const struct settings_limits *limits,
	enum budget_kind kind, uint64_t now_ms);
/* One that another section set is whole two windows after the last of it was taken. */
bool budget_is_whole(const struct budgets *budgets, const struct settings_limits *limits,
	uint64_t now_ms);
/* Whatever the section says: nothing was taken for as long as a budget can take to be whole. */
bool budget_is_idle(const struct budgets *budgets, uint64_t now_ms);

/* Which limit was met, for the client and the log: "More than 10 messages in an hour". */
enum { BUDGET_TEXT_SIZE = 160 };
void budget_text(const struct settings_limits *limits, enum budget_kind kind,
	enum budget_answer answer, char text_out[BUDGET_TEXT_SIZE]);

#endif
