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
	uint64_t spent;      /* in thousandths, above the refill */
	uint64_t stamp_ms;
};

/* Would this cost still fit? Nothing is taken. */
bool budget_has(const struct budget *budget, uint64_t amount, uint64_t window_ms, uint64_t cost,
	uint64_t now_ms);
void budget_take(struct budget *budget, uint64_t amount, uint64_t window_ms, uint64_t cost,
	uint64_t now_ms);

/*
 * The stage asks whoever keeps the counters (auth) after the last other verdict of a message, by
 * this service: charge() answers by done with CONTINUE, HOLD, TEMPFAIL or REJECT.
 */
struct limits_service {
	void (*charge)(struct limits_service *service, struct mail *mail, stage_done_fn done,
		void *context);
	void (*forget)(struct limits_service *service, struct mail *mail); /* done is no longer wanted */
};

/* Its service is a struct limits_service. Recipients per message and size are judged here too. */
extern const struct stage_type limits_stage_type;

#endif
