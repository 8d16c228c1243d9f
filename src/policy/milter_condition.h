/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether a filter is asked about a session, and about a message of this size. */
#ifndef POLICY_MILTER_CONDITION_H
#define POLICY_MILTER_CONDITION_H

#include "policy/mail.h"

/* At MAIL: listener, login, group, network, and the right to bypass-milters. Pure. */
bool milter_condition_session(const struct settings_milter *settings,
	const struct mail_session *session);
/* A declared size at MAIL (0: none was), the real one at the end. */
bool milter_condition_size(const struct settings_milter *settings, uint64_t bytes);

#endif
