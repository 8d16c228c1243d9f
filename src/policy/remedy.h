/* SPDX-License-Identifier: BSD-2-Clause */
/* What becomes of mail with a sender that is not the client's own, as its permits say. */
#ifndef POLICY_REMEDY_H
#define POLICY_REMEDY_H

#include "policy/claim.h"
#include "policy/verdict.h"

/*
 * Of the first permit that fits the session and says wrong-sender. REWRITE and ON_BEHALF need an
 * address to put in the place, or beside it: the login's primary one or, for a client without a
 * login, the first plain address in the send-as of that permit; without one they are REFUSE.
 */
struct remedy {
	enum wrong_sender kind; /* never NEXT */
	const char *where;      /* of that permit; "" if there is none */
	const char *instead;    /* REWRITE, ON_BEHALF: the address, as address_format() writes it */
};

struct remedy remedy_of(const struct mail_session *session);
/*
 * The refusal, or the hold, of an address in this place ("MAIL FROM", "From"): 550 5.7.1 with the
 * one text for all of them, and the kind of rule behind it.
 */
struct verdict remedy_refuse(const struct remedy *remedy, const char *place,
	const struct claim *claim);

#endif
