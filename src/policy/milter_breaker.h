/* SPDX-License-Identifier: BSD-2-Clause */
/* The breaker of a filter, in one word that processes may share: a broken filter is not hammered. */
#ifndef POLICY_MILTER_BREAKER_H
#define POLICY_MILTER_BREAKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	MILTER_BREAK_AFTER = 5,             /* failures in a row */
	MILTER_REST_MS = 10 * 1000,         /* then it is let alone, and one message tries again */
	MILTER_REST_GROWS = 6,              /* it doubles while they fail, up to so many times */
	MILTER_TRIAL_MS = 2 * 60 * 1000,    /* for so long how a try went is waited for */
	MILTER_CLOCKS_APART_MS = 10 * 1000, /* each process takes the time once a turn */
};

/* Zeroed storage is a filter nobody has asked yet. */
struct milter_breaker {
	_Atomic uint64_t own;     /* what this process knows by itself … */
	_Atomic uint64_t *shared; /* … unless it is kept here, where others write too; NULL: own */
	uint64_t first_rest_ms;   /* by the settings; 0: MILTER_REST_MS */
};

/* What stands in the word. */
struct milter_rest {
	unsigned failures; /* in a row */
	unsigned rests;    /* in a row, this one with them; 0: closed, mail flows */
	bool trying;       /* somebody is finding out whether it is back */
	uint64_t until_ms; /* steady; of a trial: until another may try. Past: the next one tries */
};

/*
 * All calls are atomic and none waits. Who writes nonsense to a shared word can make the filter rest
 * or not rest, but each reader ends a rest that is longer than its settings and the step allow.
 * now_ms: steady, loop_now_ms().
 */

/*
 * May it be asked? If *trial_out is not 0 then, the caller tries for all, and has to say how it went.
 */
bool milter_breaker_admits(struct milter_breaker *breaker, uint64_t now_ms, uint64_t *trial_out);
/* True if the breaker closed by it. */
bool milter_breaker_worked(struct milter_breaker *breaker);
/* tried: the caller was let in to try. True if the breaker opened by it. */
bool milter_breaker_failed(struct milter_breaker *breaker, uint64_t now_ms, bool tried);
/* Who was to try neither met it nor failed (the client went away): the next one tries. */
void milter_breaker_gave_up(struct milter_breaker *breaker, uint64_t trial);
/* What failed is forgotten. */
void milter_breaker_reset(struct milter_breaker *breaker);
struct milter_rest milter_breaker_read(const struct milter_breaker *breaker, uint64_t now_ms);
/* How long the rest of this number is, from 1. */
uint64_t milter_breaker_rest_ms(const struct milter_breaker *breaker, unsigned rests);
/* The word of a state, its numbers cut to what has room. */
uint64_t milter_breaker_pack(const struct milter_rest *rest);

#endif
