/* SPDX-License-Identifier: BSD-2-Clause */
/* What was taken away a short while ago: told again to whoever was not there when it was said. */
#ifndef AUTH_REVOCATIONS_H
#define AUTH_REVOCATIONS_H

#include "base/text.h"

/* A revocation matters as long as a grant from before it may still be valid. */
struct revocations;

struct revocations *revocations_new(uint64_t life_ms);
void revocations_free(struct revocations **revocations);
void revocations_add(struct revocations *revocations, const char *login, uint64_t epoch,
	uint64_t now_ms);
/* An app password of this login. */
void revocations_add_credential(struct revocations *revocations, const char *login,
	uint64_t credential, uint64_t now_ms);
/* Calls each for all that still matter, the oldest first; forgets the others. */
void revocations_each(struct revocations *revocations, uint64_t now_ms,
	void (*each)(void *context, const char *login, uint64_t epoch, uint64_t credential),
	void *context);

#endif
