/* SPDX-License-Identifier: BSD-2-Clause */
/* The work that a login costs, done on the pool: keys derived, a step of a mechanism. */
#ifndef AUTH_LOGIN_WORK_H
#define AUTH_LOGIN_WORK_H

#include "auth/app_password.h"
#include "auth/mech.h"
#include "auth/scram_keys.h"
#include "base/secret.h"
#include "io/worker.h"

/* What a password is checked against: app passwords first. A value, to be wiped. */
struct login_check {
	bool with_own;
	struct scram_keys own;
	bool with_app;
	struct scram_keys app_salt;  /* salt and iterations of all of them */
	unsigned char app_stored[APP_PASSWORDS_MAX][SCRAM_KEY_MAX_BYTES];
};

/* One job. It owns what it works on until it is over, so that a thread that is late harms nobody. */
struct login_work;

/* How it ended; late: only that is said. */
struct login_work_result {
	bool late;
	bool verified;            /* of a password: it is the account's own */
	size_t app;               /* of a password: the place of the app password that it is, or the most */
	enum mech_result step;    /* of a step */
	struct mech *mech;        /* of a step: the caller's again; NULL if it was late */
	struct span challenge;    /* of a step that continues; valid during the callback */
};

typedef void (*login_work_fn)(void *context, const struct login_work_result *result);

/*
 * NULL if the pool's queue is full. Is the password, prepared, the account's own; or is it, in the
 * form of one, an app password? All is copied.
 */
struct login_work *login_work_verify(struct worker_pool *pool, uint64_t wait_ms,
	const struct login_check *check, struct span password, struct span app_password,
	login_work_fn done, void *context);
/* Takes mech and response; response NULL: none was sent. */
struct login_work *login_work_step(struct worker_pool *pool, uint64_t wait_ms, struct mech **mech,
	struct secret **response, login_work_fn done, void *context);
void login_work_cancel(struct login_work **work); /* done is not called */

#endif
