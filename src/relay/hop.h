/* SPDX-License-Identifier: BSD-2-Clause */
/* One connection to a next hop: made ready once, then one job after the other. */
#ifndef RELAY_HOP_H
#define RELAY_HOP_H

#include "relay/hop_route.h"
#include "relay/job.h"

struct hop;

/* Never from inside a hop_* call. */
struct hop_hooks {
	/* The hop is ready and idle; hop_send() may be called. */
	void (*on_ready)(struct hop *hop, void *context);
	/* Every recipient has its result; the job is the hook's again. on_ready or on_gone follows. */
	void (*on_done)(struct hop *hop, struct job *job, void *context);
	/*
	 * A kept connection turned out to be lost before it heard anything of the job (its end, or
	 * 421 to MAIL): nothing was tried. The job is the hook's again; on_gone follows.
	 */
	void (*on_untried)(struct hop *hop, struct job *job, void *context);
	/*
	 * The connection ended, or was never made; the hop must be freed. Its job, if any, was given
	 * back by on_done before. The fault says why; kind FAULT_NONE if it ended in order.
	 */
	void (*on_gone)(struct hop *hop, const struct fault *fault, void *context);
};

struct hop *hop_new(struct hop_route *route, const struct hop_hooks *hooks, void *context);
/* Silent; a job under way is lost, so only for the end of the process. */
void hop_free(struct hop **hop);
/* Takes the job. Only when ready. */
void hop_send(struct hop *hop, struct job *job);
bool hop_is_ready(const struct hop *hop);
bool hop_is_rising(const struct hop *hop); /* on its way to be ready for the first time */
/* Ready, and it is no kept connection: nothing was sent over it yet, and it never waited for a job. */
bool hop_is_fresh(const struct hop *hop);
bool hop_was_ready(const struct hop *hop);
bool hop_has_served(const struct hop *hop); /* it was asked about a whole message, and answered */
/* Says QUIT when idle; on_gone follows. */
void hop_quit(struct hop *hop);
/* Ends the connection now; the job comes back deferred by on_done, then on_gone. */
void hop_abort(struct hop *hop);

#endif
