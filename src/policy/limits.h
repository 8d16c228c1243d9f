/* SPDX-License-Identifier: BSD-2-Clause */
/* Which limits hold for a session, and the stage that keeps to those of one message. */
#ifndef POLICY_LIMITS_H
#define POLICY_LIMITS_H

#include "policy/stage.h"

/* Which limits section holds for a session: the identity's, the principal's, the listener's, "default". */
const struct settings_limits *limits_of(const struct mail_session *session);

/* The same for a session without a login, but only where a permit or the listener names a section. */
const struct settings_limits *limits_of_stranger(const struct mail_session *session);

/*
 * Recipients per message and size. What a login spends is charged by auth, which keeps the counters
 * of all front ends, once after the last verdict of the whole chain (MSG_CHARGE), not by this stage.
 */
extern const struct stage_type limits_stage_type;

#endif
