/* SPDX-License-Identifier: BSD-2-Clause */
/* What a hop offers in its answer to EHLO or LHLO. */
#ifndef RELAY_OFFER_H
#define RELAY_OFFER_H

#include "wire/smtp_reply.h"

enum { OFFER_MECHANISMS_MAX_BYTES = 512 };

struct offer {
	bool pipelining;
	bool eightbit;
	bool smtputf8;
	bool dsn;
	bool starttls;
	bool size;           /* takes SIZE= */
	uint64_t size_max;   /* 0: none said */
	/* Of AUTH, upper case, parted by blanks; "" if none. Both "AUTH X" and old "AUTH=X". */
	char mechanisms[OFFER_MECHANISMS_MAX_BYTES];
};

/* From a 250 reply; unknown or damaged lines are passed over: a hop that overstates harms itself. */
void offer_parse(const struct smtp_reply_reader *reply, struct offer *offer_out);
/* Is this mechanism among those offered? */
bool offer_has_mechanism(const struct offer *offer, struct span mechanism);

#endif
