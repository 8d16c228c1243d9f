/* SPDX-License-Identifier: BSD-2-Clause */
/* The work that a login costs, done on the pool: keys derived, a step of a mechanism. */
#ifndef AUTH_LOGIN_WORK_H
#define AUTH_LOGIN_WORK_H

#include "auth/mech.h"
#include "auth/scram_keys.h"
#include "base/secret.h"
#include "io/worker.h"

/* One job. It owns what it works on until it is over, so that a thread that is late harms nobody. */
struct login_work;

/* How it ended; late: only that is said. */
struct login_work_result {
	bool late;
	bool verified;            /* of a password */
	enum mech_result step;    /* of a step */
	struct mech *mech;        /* of a step: the caller's again; NULL if it was late */
	struct span challenge;    /* of a step that continues; valid during the callback */
};

typedef void (*login_work_fn)(void *context, const struct login_work_result *result);

/*
 * NULL, and what was given is freed, if the pool's queue is full. Does password, prepared, verify
 * against keys (copied)? Takes the password.
 */
struct login_work *login_work_verify(struct worker_pool *pool, uint64_t wait_ms,
	const struct scram_keys *keys, struct secret **password, login_work_fn done, void *context);
/* Takes mech and response; response NULL: none was sent. */
struct login_work *login_work_step(struct worker_pool *pool, uint64_t wait_ms, struct mech **mech,
	struct secret **response, login_work_fn done, void *context);
void login_work_cancel(struct login_work **work); /* done is not called */

#endif
