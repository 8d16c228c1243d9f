/* SPDX-License-Identifier: BSD-2-Clause */
/* Who may stand in From, Sender, Resent-From and Resent-Sender: a pure decision over the header. */
#ifndef POLICY_ORIGINATORS_H
#define POLICY_ORIGINATORS_H

#include "policy/mail.h"
#include "policy/verdict.h"

/*
 * Every mailbox of From, Sender, Resent-From and Resent-Sender of what is submitted; of a stranger's
 * mail From alone, where the listener's stranger-from says so. What cannot be parsed with certainty
 * is refused, and the text says what.
 */
struct verdict originators_check(const struct mail_session *session, const struct header *header,
	bool smtputf8);

#endif
