/* SPDX-License-Identifier: BSD-2-Clause */
/* May a session use this address as its own, or write on its behalf? One rule for every place. */
#ifndef POLICY_CLAIM_H
#define POLICY_CLAIM_H

#include "policy/mail.h"
#include "wire/address.h"

enum claim_kind {
	CLAIM_SEND_AS,   /* in MAIL FROM, and wherever it stands alone */
	CLAIM_ON_BEHALF, /* in From, beside a Sender of the client's own */
};

/* *where_out is what decided: FILE:LINE of a section, or a few words; it lives as the settings do. */
bool claim_check(const struct mail_session *session, const struct address *address,
	enum claim_kind kind, const char **where_out);

#endif
