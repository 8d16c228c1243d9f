/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of a link to a front end share. */
#ifndef AUTH_FRONT_LINK_PRIVATE_H
#define AUTH_FRONT_LINK_PRIVATE_H

#include "auth/front_link.h"

struct front_link {
	struct auth *auth;
	struct front_link *next;
	enum role role;
	unsigned instance;
	struct channel *channel;
	struct arena *arena;      /* of one message */
	bool announced;
	struct table logins;      /* pending_login by request */
	struct renewal *renewals;
	struct recipient_check *checks;
	struct table charges;     /* that may be given back, by request */
	struct asking *askings;   /* charges that wait for what is known of a login */
};

void front_link_answer_failed(struct front_link *link, uint32_t request,
	const struct exchange_failure *failure);
void front_link_kick_id(struct front_link *link, const char *id, const char *text);

/* front_renewal.c: false if the content is bad. */
bool front_link_on_announce(struct front_link *link, struct span bytes);
bool front_link_on_identity_get(struct front_link *link, const struct channel_message *message);
void front_link_cancel_renewals(struct front_link *link);

/* front_recipient.c: false if the content is bad. */
bool front_link_on_recipient_ask(struct front_link *link, const struct channel_message *message);
void front_link_cancel_checks(struct front_link *link);

/* front_charge.c: false if the content is bad. */
bool front_link_on_charge(struct front_link *link, const struct channel_message *message);
bool front_link_on_refund(struct front_link *link, struct span bytes);
void front_link_forget_charges(struct front_link *link);

#endif
