/* SPDX-License-Identifier: BSD-2-Clause */
/* Body files made, sealed and removed on threads of their own: a slow disk stops no loop. */
#ifndef QUEUE_BODIES_H
#define QUEUE_BODIES_H

#include "io/loop.h"
#include "queue/folder.h"

struct bodies;

/* Starts the threads. The folder outlives it. sync as for the spool. */
struct bodies *bodies_new(
	struct loop *loop, const struct folder *folder, bool sync, struct fault *fault);
/* What is not done is forgotten, without a call. */
void bodies_free(struct bodies **bodies);

/* Callbacks come from the loop, once each. False, and no call: there is too much to do already. */
typedef void bodies_made_fn(void *context, uint64_t number, int fd); /* takes fd; -1: failed */
bool bodies_make(struct bodies *bodies, uint64_t number, bodies_made_fn *on_made, void *context);
/* As folder_seal_body(); FAILED if it takes too long, and then it is not to be believed later. */
typedef void bodies_sealed_fn(void *context, enum folder_result result);
bool bodies_seal(struct bodies *bodies, uint64_t number, uint64_t length,
	const unsigned char hash[DIGEST_BYTES], bodies_sealed_fn *on_sealed, void *context);
/* If it does not come about, the next start sweeps: so it is with NULL, at the end. */
void bodies_remove(struct bodies *bodies, uint64_t number);

#endif
