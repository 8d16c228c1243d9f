/* SPDX-License-Identifier: BSD-2-Clause */
/* What a directory says of one account. */
#ifndef AUTH_ACCOUNT_H
#define AUTH_ACCOUNT_H

#include "auth/app_password.h"
#include "auth/scram_keys.h"
#include "base/memory.h"
#include "policy/identity.h"

/*
 * Frozen once made, shared by count: the loop alone counts, so a record that a worker made is
 * handed over whole. identity.mechanism is "" here.
 */
struct account {
	struct arena *arena;           /* owns all below, and this struct itself */
	unsigned uses;
	struct identity identity;
	struct scram_keys keys[SCRAM_HASH_COUNT];
	bool has_keys[SCRAM_HASH_COUNT]; /* none: no password was ever set */
	const char *own_limits;        /* without those of groups; "" for none */
	uint8_t app_only;              /* protocols where the password is off, enum identity_protocol */
	struct app_password *apps;
	size_t app_count;
	bool disabled;
	int64_t expires_ms;            /* wall clock; 0: never */
	int64_t changed_ms;            /* wall clock, of the last change; 0: not known */
};

struct account *account_new(void);                  /* uses is 1; identity's texts are "" */
struct account *account_use(struct account *account);
void account_drop(struct account **account);        /* the last one wipes the keys and frees */

/* Why this account may not log in now for this protocol; NULL if it may. Never for the client. */
const char *account_refusal(const struct account *account, enum identity_protocol protocol,
	int64_t now_ms);
/* The same for its own password. */
const char *account_password_refusal(const struct account *account,
	enum identity_protocol protocol);
/* By label, in any case of its letters, or by id; NULL: there is none. */
const struct app_password *account_find_app(const struct account *account, struct span label);
const struct app_password *account_find_app_id(const struct account *account, uint64_t id);
/* "smtp", "imap", "pop3"; false for another word. */
bool account_find_protocol(struct span name, enum identity_protocol *protocol_out);

#endif
