/* SPDX-License-Identifier: BSD-2-Clause */
/* Header fix-ups of RFC 6409 8: Date, Message-ID, Bcc out, and the Received field on top. */
#ifndef POLICY_TIDY_H
#define POLICY_TIDY_H

#include "policy/stage.h"

/*
 * In a submission (rights_is_submission()) Date and Message-ID are added or, where invalid,
 * replaced; Bcc, Resent-Bcc and Return-Path go; several Date or Message-ID fields are refused.
 * Received names client and EHLO unless the listener's hide-client is on, with the protocol of RFC
 * 3848 and RFC 6531 and a tls clause (RFC 8314 4.3). More Received fields than the listener's
 * hops: 554 5.4.6.
 */
extern const struct stage_type tidy_stage_type;

/* Has the client given it one that stays? */
bool tidy_has_message_id(const struct mail *mail);

/* "ESMTPSA", "UTF8SMTPSA", "SMTP", …: RFC 3848 and RFC 6531 4.3. */
const char *tidy_protocol(const struct mail_session *session, bool smtputf8);

#endif
