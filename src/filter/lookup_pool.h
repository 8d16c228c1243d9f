/* SPDX-License-Identifier: BSD-2-Clause */
/* Connections to the look-up socket of sallyportd, for threads that may block a while. */
#ifndef FILTER_LOOKUP_POOL_H
#define FILTER_LOOKUP_POOL_H

#include "base/fault.h"
#include "ipc/lookup.h"

/*
 * A few connections for any number of threads: who finds none free waits, within its time. They are
 * made when they are needed and kept; one that has gone stale, after a restart of the daemon, is
 * replaced within the same call.
 */
struct lookup_pool;

enum { LOOKUP_POOL_CONNECTIONS_MAX = 8 };

struct lookup_pool *lookup_pool_new(const char *path);
void lookup_pool_free(struct lookup_pool **pool); /* nobody may be asking */

/*
 * One whole question and answer within wait_ms. The answer's spans point into content, which is
 * emptied first. False with the reason: nobody answered, or not as the protocol says; or the socket
 * is served by somebody who is neither root nor the owner of its folder.
 */
bool lookup_pool_ask(struct lookup_pool *pool, struct span login, uint64_t wait_ms,
	struct buf *content, struct lookup_answer *answer_out, struct fault *fault_out);

#endif
