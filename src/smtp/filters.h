/* SPDX-License-Identifier: BSD-2-Clause */
/* The remote filters of this process: what is known of each, and what their stages need. */
#ifndef SMTP_FILTERS_H
#define SMTP_FILTERS_H

#include "client/gate.h"
#include "policy/chain.h"
#include "policy/milter.h"
#include "smtp/dial_link.h"
#include "smtp/queue_link.h"

struct filters;

enum { FILTERS_MAX = 64 }; /* of one policy: the schema's */

/* Borrows the links, which outlive it, and the gate, which outlives all sessions; so does it itself. */
struct filters *filters_new(struct loop *loop, struct dial_link *dial, struct queue_link *queue,
	struct gate *gate);
void filters_free(struct filters **filters);
/*
 * These settings hold from now on. What is known of a filter is known by its name and stays, but for
 * its failures if it is elsewhere now: the breaker is closed. All smtp processes share it, but for a
 * filter that these settings, or those of a session from before, let mail pass without, or refuse it:
 * who has taken over one process must not have all others let it pass, nor send it back.
 */
void filters_use(struct filters *filters, const struct settings *settings);
/* NULL: no settings that were in use had it. */
struct milter_health *filters_health(struct filters *filters, const char *name);
const struct milter_means *filters_means(const struct filters *filters);
/*
 * The filters of the session's policy, in its order, as rows for its chain; how many. rows has room
 * for FILTERS_MAX, and is needed until the chain is made.
 */
size_t filters_of(struct filters *filters, const struct mail_session *session, struct milter *rows);

#endif
