/* SPDX-License-Identifier: BSD-2-Clause */
/* Budgets: how many messages and recipients per hour, and what happens beyond; pure, clock passed in. */
#ifndef POLICY_LIMITS_H
#define POLICY_LIMITS_H

#include "policy/stage.h"

/* Which limits section holds for a session: the identity's, the principal's, the listener's, "default". */
const struct settings_limits *limits_of(const struct mail_session *session);

/*
 * A budget of some amount per window that refills steadily; at most a whole window's amount is
 * saved up. Zeroed storage is a full budget. amount 0 means no limit.
 */
struct budget {
	uint64_t spent;      /* cost times window_ms, less what has come back */
	uint64_t stamp_ms;
};

/* Would this cost still fit? Nothing is taken. */
bool budget_has(const struct budget *budget, uint64_t amount, uint64_t window_ms, uint64_t cost,
	uint64_t now_ms);
void budget_take(struct budget *budget, uint64_t amount, uint64_t window_ms, uint64_t cost,
	uint64_t now_ms);

/* How much of the amount is spent now, rounded up; for people. */
uint64_t budget_spent(const struct budget *budget, uint64_t amount, uint64_t window_ms,
	uint64_t now_ms);

/*
 * Recipients per message and size. What a login spends is charged by auth, which keeps the counters
 * of all front ends, once after the last verdict of the whole chain (MSG_CHARGE), not by this stage.
 */
extern const struct stage_type limits_stage_type;

#endif
