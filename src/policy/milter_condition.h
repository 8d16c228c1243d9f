/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether a filter is asked about a session, and about a message of this size. */
#ifndef POLICY_MILTER_CONDITION_H
#define POLICY_MILTER_CONDITION_H

#include "policy/mail.h"

/* At MAIL: listener, login, group, network, and the right to bypass-milters. Pure. */
bool milter_condition_session(const struct settings_milter *settings,
	const struct mail_session *session);
/*
 * Which of these keeps it from being asked: the name of the setting or the right, and in *where_out
 * the section that has it. NULL, and nothing written, if none does.
 */
const char *milter_condition_missed(const struct settings_milter *settings,
	const struct mail_session *session, const char **where_out);
/*
 * The bytes of the whole message, at its end. What a client declares at MAIL decides nothing: it
 * would choose its filters with it.
 */
bool milter_condition_size(const struct settings_milter *settings, uint64_t bytes);

#endif
