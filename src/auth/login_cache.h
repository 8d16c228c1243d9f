/* SPDX-License-Identifier: BSD-2-Clause */
/* Logins by password that were verified a short while ago, so that the next costs microseconds. */
#ifndef AUTH_LOGIN_CACHE_H
#define AUTH_LOGIN_CACHE_H

#include "base/text.h"

/*
 * Remembered is a MAC of login and password under a random key that never leaves this process; one
 * password per name, the last one that was right, and which credential it was (0: the account's
 * own). What is wrong is never remembered: a wrong
 * password costs the full derivation each time, known name or not.
 */
struct login_cache;

/* life_ms 0: remembers nothing. */
struct login_cache *login_cache_new(size_t max_entries, uint64_t life_ms);
void login_cache_free(struct login_cache **cache); /* wipes */
void login_cache_set_life(struct login_cache *cache, uint64_t life_ms);

/* Was this pair right at most life_ms ago, while the account had this epoch? */
bool login_cache_has(struct login_cache *cache, struct span login, struct span password,
	uint64_t epoch, uint64_t now_ms, uint64_t *credential_out);
void login_cache_add(struct login_cache *cache, struct span login, struct span password,
	uint64_t epoch, uint64_t credential, uint64_t now_ms);
void login_cache_drop(struct login_cache *cache, struct span login);
size_t login_cache_count(const struct login_cache *cache);

#endif
