/* SPDX-License-Identifier: BSD-2-Clause */
/* Sessions whose account or app password comes to its end while they last. */
#ifndef AUTH_EXPIRY_H
#define AUTH_EXPIRY_H

#include "auth/auth.h"

void expiry_init(struct auth *auth);
void expiry_fini(struct auth *auth);
/* A session ends then (wall clock; 0: never), if it is still there. */
void expiry_consider(struct auth *auth, int64_t expires_ms);

#endif
