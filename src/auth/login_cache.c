/* SPDX-License-Identifier: BSD-2-Clause */
/* Logins by password that were verified a short while ago. */
#include "auth/login_cache.h"

#include <string.h>

#include "auth/table.h"
#include "base/digest.h"
#include "base/memory.h"
#include "base/secret.h"

struct cached_login {
	struct table_entry entry;
	char *login;
	uint64_t epoch;
	uint64_t credential;
	uint64_t since_ms;
	unsigned char mac[DIGEST_BYTES];
};

struct login_cache {
	struct table table;
	size_t max_entries;
	uint64_t life_ms;
	struct digest_mac keyed; /* the key is worked in already */
};

struct login_cache *
login_cache_new(size_t max_entries, uint64_t life_ms)
{
	struct login_cache *cache = mem_alloc(sizeof *cache);
	unsigned char key[DIGEST_BYTES];

	table_init(&cache->table);
	cache->max_entries = max_entries;
	cache->life_ms = life_ms;
	digest_random(key, sizeof key);
	digest_mac_init(&cache->keyed, span_of(key, sizeof key));
	mem_wipe(key, sizeof key);
	return cache;
}

static void
drop(struct login_cache *cache, struct cached_login *cached)
{
	if (!cached)
		return;
	table_take(&cache->table, &cached->entry);
	mem_free(&cached->login);
	mem_wipe(cached, sizeof *cached);
	mem_free(&cached);
}

static struct cached_login *
oldest(struct login_cache *cache)
{
	return TABLE_OWNER(cache->table.oldest, struct cached_login, entry);
}

static struct cached_login *
find(struct login_cache *cache, struct span login)
{
	return TABLE_OWNER(table_find(&cache->table, login), struct cached_login, entry);
}

void
login_cache_free(struct login_cache **cache)
{
	if (!*cache)
		return;
	while (oldest(*cache))
		drop(*cache, oldest(*cache));
	table_fini(&(*cache)->table);
	mem_wipe(&(*cache)->keyed, sizeof (*cache)->keyed);
	mem_free(cache);
}

void
login_cache_set_life(struct login_cache *cache, uint64_t life_ms)
{
	cache->life_ms = life_ms;
}

/* The NUL stands between: neither a canonical login nor a prepared password can hold one. */
static void
make_mac(const struct login_cache *cache, struct span login, struct span password,
	unsigned char out[DIGEST_BYTES])
{
	struct digest_mac mac = cache->keyed;

	digest_mac_add(&mac, login);
	digest_mac_add(&mac, span_of("", 1));
	digest_mac_add(&mac, password);
	digest_mac_final(&mac, out);
	mem_wipe(&mac, sizeof mac);
}

bool
login_cache_has(struct login_cache *cache, struct span login, struct span password, uint64_t epoch,
	uint64_t now_ms, uint64_t *credential_out)
{
	static const unsigned char nothing[DIGEST_BYTES];
	struct cached_login *cached = find(cache, login);
	bool good = cached && cached->epoch == epoch &&
		now_ms - cached->since_ms < cache->life_ms;
	unsigned char mac[DIGEST_BYTES];

	make_mac(cache, login, password, mac);
	if (good)
		*credential_out = cached->credential;
	else
		drop(cache, cached);
	return secret_equal(span_of(mac, sizeof mac),
		       span_of(good ? cached->mac : nothing, sizeof nothing)) &&
		good;
}

void
login_cache_add(struct login_cache *cache, struct span login, struct span password, uint64_t epoch,
	uint64_t credential, uint64_t now_ms)
{
	struct cached_login *cached;

	drop(cache, find(cache, login));
	if (cache->life_ms == 0)
		return;
	if (cache->table.count >= cache->max_entries)
		drop(cache, oldest(cache));
	cached = mem_alloc(sizeof *cached);
	cached->login = mem_strndup(login.start, login.length);
	cached->epoch = epoch;
	cached->credential = credential;
	cached->since_ms = now_ms;
	make_mac(cache, login, password, cached->mac);
	table_add(&cache->table, &cached->entry, span_of(cached->login, login.length));
}

void
login_cache_drop(struct login_cache *cache, struct span login)
{
	drop(cache, find(cache, login));
}

size_t
login_cache_count(const struct login_cache *cache)
{
	return cache->table.count;
}
