/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs the stages in order over the events of one session, and gathers their verdict. */
#ifndef POLICY_CHAIN_H
#define POLICY_CHAIN_H

#include "policy/stage.h"

struct chain;

/* One row of the chain: the type, and what its open() gets as service (may be NULL). */
struct chain_link {
	const struct stage_type *type;
	void *service;
};

/*
 * One event at a time; each is answered by done, perhaps before the call returns. The verdict is
 * the first one that is not CONTINUE or ACCEPT; HOLD lets the later stages go on, marks the mail,
 * and comes back as HOLD. After chain_abort() a waiting done is not called.
 */
struct chain *chain_new(const struct mail_session *session, const struct chain_link *links,
	size_t count);
void chain_free(struct chain **chain);
void chain_connect(struct chain *chain, stage_done_fn done, void *context);
void chain_helo(struct chain *chain, stage_done_fn done, void *context);
void chain_auth(struct chain *chain, stage_done_fn done, void *context);
void chain_envfrom(struct chain *chain, struct mail *mail, stage_done_fn done, void *context);
/* The recipient is not yet in the mail; it is added by the caller after CONTINUE. */
void chain_envrcpt(struct chain *chain, struct mail *mail, const struct mail_recipient *recipient,
	stage_done_fn done, void *context);
/* One that nobody is asked about, for it is refused already. Only between two events. */
void chain_refused(struct chain *chain, struct mail *mail, const struct mail_recipient *recipient,
	const struct verdict *verdict);
/* The line is copied. */
void chain_unknown(struct chain *chain, struct span line, stage_done_fn done, void *context);
void chain_data(struct chain *chain, struct mail *mail, stage_done_fn done, void *context);
/* The mail is whole: header, eoh, body and eom go to one stage after the other. */
void chain_message(struct chain *chain, struct mail *mail, stage_done_fn done, void *context);
void chain_abort(struct chain *chain);

#endif
