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

/* What of a session's own needs no section to be named. */
#define CLAIM_OWN_ADDRESS "own address"

/* A plain value; the texts live as long as the settings do. */
struct claim {
	bool allowed;
	const char *where;  /* what decided: FILE:LINE of a section, or a few words */
	const char *reason; /* which kind of rule refused, fit for a reply; "" if none did */
};

/*
 * In this order: a deny that names the address; an own address; a grant of the directory; a permit
 * that names it; any-sender or, in a domain of ours, own-domain-sender. Whoever is meant by an
 * address is meant by its plus-addresses, where the domain has them. Pure.
 */
struct claim claim_check(const struct mail_session *session, const struct address *address,
	enum claim_kind kind);

#endif
