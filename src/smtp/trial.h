/* SPDX-License-Identifier: BSD-2-Clause */
/* A filter tried for the administrator: negotiated with, and told of a message that goes nowhere. */
#ifndef SMTP_TRIAL_H
#define SMTP_TRIAL_H

#include <jansson.h>

#include "base/fault.h"
#include "policy/milter.h"

struct trial;

enum {
	TRIAL_WAIT_MS = 50 * 1000, /* for all of it, or the filter's budget: who asks waits a minute */
	TRIAL_ANSWERS_MAX = 256,   /* that are told; a filter that says more is at fault */
};

/* NULL and "": what is usual. */
struct trial_wish {
	const char *filter;
	const char *listener;
	const char *ip;
	const char *login;
	const char *sender;
	const char *recipient;
	bool no_message;    /* only negotiate */
};

/*
 * Once, from the loop, never from inside trial_start(); the trial is gone by then, and the result is
 * the callback's: {"name", "address", "connect_us", "negotiate_us", "version", "actions": [text],
 * "steps": [text], "macros": [{"at", "names": [text]}], "answers": [{"at", "answer", "text",
 * "took_us"}], "outcome", "fault"}; what it did not come to is left out. outcome: "negotiated",
 * "pass", "refused", "put-off", "discarded", "held", "failed".
 */
typedef void trial_done_fn(void *context, json_t *result);

/* NULL with the reason if there is no such filter or listener, or an address is none. */
struct trial *trial_start(const struct settings *settings, const struct milter_means *means,
	const struct trial_wish *wish, trial_done_fn *done, void *context, struct fault *fault_out);
void trial_free(struct trial **trial); /* done will not come */

#endif
