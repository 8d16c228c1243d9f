/* SPDX-License-Identifier: BSD-2-Clause */
/* The signed grant: proof by auth that a session is who it says, carried to queue by a front end. */
#ifndef IPC_GRANT_H
#define IPC_GRANT_H

#include "base/buffer.h"
#include "base/fault.h"
#include "base/text.h"

enum { GRANT_KEY_BYTES = 32 };

/* What is signed (HMAC-SHA-256 with the key that super gave to auth and queue). */
struct grant {
	struct span session;
	struct span login;
	struct span listener;
	struct span identity; /* packed by policy/identity.h; the rights are in it */
	struct span certificates; /* packed by ipc/certificate_names.h: what the front end said at login */
	int64_t expires_ms;   /* wall clock */
	uint64_t epoch;       /* of the login; a REVOKE with a higher one voids the grant */
};

void grant_sign(struct buf *to, struct span key, const struct grant *grant);
/* False with a reason if the MAC is wrong, the time is over, or the bytes are not a grant. */
bool grant_check(struct span bytes, struct span key, int64_t now_ms, struct grant *grant_out,
	struct fault *fault_out);

#endif
