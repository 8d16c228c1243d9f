/* SPDX-License-Identifier: BSD-2-Clause */
/* One route's jobs and connections: who waits, who works, how many at once. */
#ifndef RELAY_DESTINATION_H
#define RELAY_DESTINATION_H

#include "relay/hop.h"
#include "relay/prober.h"

struct destination;

/* The job has all its results and is the callback's. Never from inside a destination_* call. */
typedef void destination_done_fn(struct job *job, void *context);

struct destination_means {
	struct loop *loop;
	struct resolver *resolver;
	const struct settings *settings;
	struct tls_client *tls; /* NULL if the route is never spoken to by TLS */
	struct journal *const *journal; /* the relay's protocol log; NULL: none, ever */
};

/* The means and the settings of the route outlive it. password (taken) may be NULL. */
struct destination *destination_new(const struct destination_means *means,
	const struct settings_route *route, struct secret *password, destination_done_fn *on_done,
	void *context);
void destination_free(struct destination **destination); /* jobs are dropped */
const char *destination_name(const struct destination *destination);
const char *destination_hop(const struct destination *destination); /* where, as written */
struct prober *destination_prober(struct destination *destination); /* of its own */
size_t destination_asking(const struct destination *destination);   /* questions to the prober */
void destination_add(struct destination *destination, struct job *job); /* takes the job */
size_t destination_working(const struct destination *destination); /* jobs at a hop */
size_t destination_waiting(const struct destination *destination);
/* Jobs that no hop has taken yet are dropped: their queue is gone and will send them again. */
void destination_forget_waiting(struct destination *destination);
/* Gives jobs at a hop back as deferred, at once. */
void destination_abort(struct destination *destination);
void destination_quit(struct destination *destination); /* idle connections say QUIT */

#endif
