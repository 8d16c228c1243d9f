/* SPDX-License-Identifier: BSD-2-Clause */
/* Logins of which something was taken away: grants from before that are void. */
#ifndef QUEUE_REVOKED_H
#define QUEUE_REVOKED_H

#include "base/text.h"

struct revoked;

struct revoked *revoked_new(void);
void revoked_free(struct revoked **revoked);
/* Grants of the login below the epoch are void. The highest epoch said counts. */
void revoked_add(struct revoked *revoked, struct span login, uint64_t epoch);
/* Grants of this app password are void. */
void revoked_add_credential(struct revoked *revoked, uint64_t credential);
bool revoked_has_credential(const struct revoked *revoked, uint64_t credential);
/* auth has told all that it knows of before: until then nobody can say which grants are good. */
void revoked_know(struct revoked *revoked);
bool revoked_is_known(const struct revoked *revoked);
bool revoked_has(const struct revoked *revoked, struct span login, uint64_t epoch);

#endif
