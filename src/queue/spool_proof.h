/* SPDX-License-Identifier: BSD-2-Clause */
/* Body files that come from disk are read and hashed before they are given out. For spool.c alone. */
#ifndef QUEUE_SPOOL_PROOF_H
#define QUEUE_SPOOL_PROOF_H

#include "queue/spool.h"

struct spool_proof;

/* On the loop, once for each: DONE, WRONG if it is not what was written, FAILED if it cannot be read. */
typedef void spool_proved_fn(
	void *context, struct spool_fetch *fetch, enum folder_result result);

/* Starts the threads. */
struct spool_proof *spool_proof_new(
	struct loop *loop, spool_proved_fn *on_proved, void *context, struct fault *fault);
/* Those that are under way are FAILED. */
void spool_proof_free(struct spool_proof **proof);
/* The fetch was done, and has a file; it stays the proof's until the call. */
void spool_proof_ask(struct spool_proof *proof, struct spool_fetch *fetch);

#endif
