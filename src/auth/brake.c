/* SPDX-License-Identifier: BSD-2-Clause */
/* Failed logins slow the next ones down. */
#include "auth/brake.h"

#include <string.h>

#include "auth/table.h"
#include "base/digest.h"
#include "base/memory.h"

enum {
	TAGS = 8,              /* wrong passwords remembered by name and address */
	OWNERS = 8,            /* addresses remembered by name */
	DOUBLINGS_MAX = 5,
	ANYWHERE_FACTOR = 5,
	V6_HOST_AT = 8,        /* the bytes behind a /64 */
	KEY_MAX_BYTES = BRAKE_ADDRESS_BYTES + 256,
};

/* A level in thousandths of a failure, as it was at stamp_ms, and the line of those who wait. */
struct level {
	uint64_t milli;
	uint64_t stamp_ms;
	uint64_t line_ms; /* when the last one in the line may go */
};

/* One entry of any of the tables; tags belong to pairs, owners to the names in the last table. */
struct braked {
	struct table_entry entry;
	struct level level;
	union {
		unsigned char tags[TAGS][BRAKE_TAG_BYTES];
		unsigned char owners[OWNERS][BRAKE_ADDRESS_BYTES];
	} of;
	uint8_t count; /* of tags or owners */
	uint8_t next;
	size_t key_length;
	char key[];    /* ends in NUL, which does not count */
};

struct brake {
	struct table pairs;
	struct table addresses;
	struct table logins;
	struct table owners; /* of who has logged in alone: a flood of names pushes nobody out */
	size_t max_entries;
	struct brake_rule rule;
	struct digest_mac keyed;
};

struct brake *
brake_new(size_t max_entries, const struct brake_rule *rule)
{
	struct brake *brake = mem_alloc(sizeof *brake);
	unsigned char key[DIGEST_BYTES];

	table_init(&brake->pairs);
	table_init(&brake->addresses);
	table_init(&brake->logins);
	table_init(&brake->owners);
	brake->max_entries = max_entries;
	brake->rule = *rule;
	digest_random(key, sizeof key);
	digest_mac_init(&brake->keyed, span_of(key, sizeof key));
	mem_wipe(key, sizeof key);
	return brake;
}

static struct braked *
owner_of(struct table_entry *entry)
{
	return TABLE_OWNER(entry, struct braked, entry);
}

static void
forget(struct table *table, struct braked *braked)
{
	table_take(table, &braked->entry);
	mem_free(&braked);
}

static void
fini(struct table *table)
{
	while (table->oldest)
		forget(table, owner_of(table->oldest));
	table_fini(table);
}

void
brake_free(struct brake **brake)
{
	if (!*brake)
		return;
	fini(&(*brake)->pairs);
	fini(&(*brake)->addresses);
	fini(&(*brake)->logins);
	fini(&(*brake)->owners);
	mem_wipe(&(*brake)->keyed, sizeof (*brake)->keyed);
	mem_free(brake);
}

void
brake_set_rule(struct brake *brake, const struct brake_rule *rule)
{
	brake->rule = *rule;
}

/* ---- keys and entries ------------------------------------------------------------------------ */

struct key {
	size_t length;
	char bytes[KEY_MAX_BYTES];
};

static const unsigned char v4_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static void
add_to_key(struct key *key, const void *bytes, size_t size)
{
	if (size > sizeof key->bytes - key->length)
		size = sizeof key->bytes - key->length;
	if (size)
		memcpy(key->bytes + key->length, bytes, size);
	key->length += size;
}

/* Whoever has an IPv6 address has the whole /64. */
static void
network_of(const unsigned char address[BRAKE_ADDRESS_BYTES],
	unsigned char network_out[BRAKE_ADDRESS_BYTES])
{
	memcpy(network_out, address, BRAKE_ADDRESS_BYTES);
	if (memcmp(address, v4_prefix, sizeof v4_prefix) != 0)
		memset(network_out + V6_HOST_AT, 0, BRAKE_ADDRESS_BYTES - V6_HOST_AT);
}

static struct span
key_span(const struct key *key)
{
	return span_of(key->bytes, key->length);
}

static struct braked *
find(const struct table *table, const struct key *key)
{
	return owner_of(table_find(table, key_span(key)));
}

static struct braked *
find_or_add(struct brake *brake, struct table *table, const struct key *key)
{
	struct braked *braked = find(table, key);

	if (braked) {
		table_renew(table, &braked->entry);
		return braked;
	}
	if (table->count >= brake->max_entries)
		forget(table, owner_of(table->oldest));
	braked = mem_alloc(sizeof *braked + key->length + 1);
	braked->key_length = key->length;
	memcpy(braked->key, key->bytes, key->length);
	table_add(table, &braked->entry, span_of(braked->key, key->length));
	return braked;
}

/* The three places where one try counts. */
struct place {
	struct key pair;
	struct key address;
	struct key login;
	unsigned char network[BRAKE_ADDRESS_BYTES];
};

static struct place
place_of(const unsigned char address[BRAKE_ADDRESS_BYTES], struct span login)
{
	struct place place = { .pair = { .length = 0 } };

	network_of(address, place.network);
	add_to_key(&place.address, place.network, sizeof place.network);
	add_to_key(&place.login, login.start, login.length);
	add_to_key(&place.pair, place.network, sizeof place.network);
	add_to_key(&place.pair, login.start, login.length);
	return place;
}

/* ---- levels ---------------------------------------------------------------------------------- */

static uint64_t
milli_now(const struct brake *brake, const struct level *level, uint64_t limit, uint64_t now_ms)
{
	uint64_t elapsed = now_ms > level->stamp_ms ? now_ms - level->stamp_ms : 0;
	uint64_t window = brake->rule.window_ms;
	uint64_t drained;

	if (elapsed >= window * 32)
		return 0; /* every level has drained by then, and nothing overflows below */
	drained = elapsed * limit * 1000 / (window ? window : 1);
	return drained >= level->milli ? 0 : level->milli - drained;
}

static void
count_failure(const struct brake *brake, struct level *level, uint64_t limit, uint64_t now_ms)
{
	/* So that it also drains in about a window. */
	uint64_t most = (limit + DOUBLINGS_MAX + 1) * 1000;
	uint64_t milli = milli_now(brake, level, limit, now_ms) + 1000;

	level->milli = milli < most ? milli : most;
	level->stamp_ms = now_ms;
}

/* 0 up to the limit; then base, 2 base, … 32 base. */
static uint64_t
delay_of(const struct brake *brake, const struct level *level, uint64_t limit, uint64_t now_ms)
{
	uint64_t failures = (milli_now(brake, level, limit, now_ms) + 999) / 1000;
	uint64_t over;

	if (failures <= limit)
		return 0;
	over = failures - limit - 1;
	return brake->rule.base_ms << (over < DOUBLINGS_MAX ? over : DOUBLINGS_MAX);
}

static uint64_t
anywhere_limit(const struct brake *brake)
{
	return brake->rule.per_login * ANYWHERE_FACTOR;
}

static bool
is_owner(const struct braked *owned, const unsigned char network[BRAKE_ADDRESS_BYTES])
{
	for (size_t i = 0; owned && i < owned->count; i++) {
		if (memcmp(owned->of.owners[i], network, BRAKE_ADDRESS_BYTES) == 0)
			return true;
	}
	return false;
}

/* ---- the line -------------------------------------------------------------------------------- */

/* When a try may go, given the line it stands in; 0 if there is no line. */
static uint64_t
turn_in_line(const struct level *level, uint64_t delay_ms, uint64_t now_ms)
{
	if (delay_ms == 0)
		return 0;
	return (level->line_ms > now_ms ? level->line_ms : now_ms) + delay_ms;
}

/* The lines that one try stands in at once. */
struct lines {
	struct level *levels[3];
	uint64_t turns[3];
	size_t count;
};

static void
join(struct lines *lines, struct level *level, uint64_t turn)
{
	if (turn == 0)
		return;
	lines->levels[lines->count] = level;
	lines->turns[lines->count++] = turn;
}

uint32_t
brake_wait(struct brake *brake, const unsigned char address[BRAKE_ADDRESS_BYTES], struct span login,
	uint64_t now_ms)
{
	struct place place = place_of(address, login);
	struct braked *pair = find(&brake->pairs, &place.pair);
	struct braked *from = find(&brake->addresses, &place.address);
	struct braked *name = find(&brake->logins, &place.login);
	bool owner = is_owner(find(&brake->owners, &place.login), place.network);
	struct lines lines = { .count = 0 };
	uint64_t last = now_ms;

	if (pair)
		join(&lines, &pair->level,
			turn_in_line(&pair->level,
				delay_of(brake, &pair->level, brake->rule.per_login, now_ms),
				now_ms));
	if (from && !owner)
		join(&lines, &from->level,
			turn_in_line(&from->level,
				delay_of(brake, &from->level, brake->rule.per_address, now_ms),
				now_ms));
	if (name && !owner)
		join(&lines, &name->level,
			turn_in_line(&name->level,
				delay_of(brake, &name->level, anywhere_limit(brake), now_ms),
				now_ms));
	for (size_t i = 0; i < lines.count; i++)
		last = lines.turns[i] > last ? lines.turns[i] : last;
	if (last - now_ms > brake->rule.wait_max_ms)
		return BRAKE_TURN_AWAY;
	for (size_t i = 0; i < lines.count; i++)
		lines.levels[i]->line_ms = lines.turns[i];
	return (uint32_t)(last - now_ms);
}

/* ---- failures and successes ------------------------------------------------------------------ */

/* Was this password tried before? Remembers it if not. */
static bool
is_repeated(const struct brake *brake, struct braked *pair, struct span password)
{
	unsigned char bytes[DIGEST_BYTES];
	struct digest_mac mac = brake->keyed;

	if (password.length == 0)
		return false;
	digest_mac_add(&mac, span_of(pair->key, pair->key_length));
	digest_mac_add(&mac, span_of("", 1));
	digest_mac_add(&mac, password);
	digest_mac_final(&mac, bytes);
	mem_wipe(&mac, sizeof mac);
	for (size_t i = 0; i < pair->count; i++) {
		if (memcmp(pair->of.tags[i], bytes, BRAKE_TAG_BYTES) == 0)
			return true;
	}
	memcpy(pair->of.tags[pair->next], bytes, BRAKE_TAG_BYTES);
	pair->next = (pair->next + 1) % TAGS;
	if (pair->count < TAGS)
		pair->count++;
	return false;
}

uint32_t
brake_failed(struct brake *brake, const unsigned char address[BRAKE_ADDRESS_BYTES],
	struct span login, struct span password, uint64_t now_ms)
{
	struct place place = place_of(address, login);
	struct braked *pair = find_or_add(brake, &brake->pairs, &place.pair);
	struct braked *from = find_or_add(brake, &brake->addresses, &place.address);
	uint64_t delay;
	uint64_t by_address;

	if (!is_repeated(brake, pair, password)) {
		count_failure(brake, &pair->level, brake->rule.per_login, now_ms);
		count_failure(brake, &from->level, brake->rule.per_address, now_ms);
		if (login.length > 0)
			count_failure(brake,
				&find_or_add(brake, &brake->logins, &place.login)->level,
				anywhere_limit(brake), now_ms);
	}
	delay = delay_of(brake, &pair->level, brake->rule.per_login, now_ms);
	by_address = delay_of(brake, &from->level, brake->rule.per_address, now_ms);
	delay = by_address > delay ? by_address : delay;
	delay = delay > brake->rule.base_ms ? delay : brake->rule.base_ms;
	return (uint32_t)(delay < BRAKE_DELAY_MAX_MS ? delay : BRAKE_DELAY_MAX_MS);
}

void
brake_passed(struct brake *brake, const unsigned char address[BRAKE_ADDRESS_BYTES],
	struct span login)
{
	struct place place = place_of(address, login);
	struct braked *pair = find(&brake->pairs, &place.pair);
	struct braked *owned = find_or_add(brake, &brake->owners, &place.login);

	if (pair)
		forget(&brake->pairs, pair);
	if (is_owner(owned, place.network))
		return;
	memcpy(owned->of.owners[owned->next], place.network, sizeof place.network);
	owned->next = (owned->next + 1) % OWNERS;
	if (owned->count < OWNERS)
		owned->count++;
}

void
brake_reset(struct brake *brake, struct span login)
{
	struct place place = place_of((const unsigned char[BRAKE_ADDRESS_BYTES]){ 0 }, login);
	struct braked *name = find(&brake->logins, &place.login);
	struct table_entry *next;

	if (name)
		name->level = (struct level){ .milli = 0 };
	for (struct table_entry *entry = brake->pairs.oldest; entry; entry = next) {
		next = entry->newer;
		if (span_equal(span_from(entry->key, BRAKE_ADDRESS_BYTES), login))
			forget(&brake->pairs, owner_of(entry));
	}
}

void
brake_reset_address(struct brake *brake, const unsigned char address[BRAKE_ADDRESS_BYTES])
{
	struct place place = place_of(address, SPAN_EMPTY);
	struct braked *from = find(&brake->addresses, &place.address);
	struct table_entry *next;

	if (from)
		forget(&brake->addresses, from);
	for (struct table_entry *entry = brake->pairs.oldest; entry; entry = next) {
		next = entry->newer;
		if (span_equal(span_first(entry->key, BRAKE_ADDRESS_BYTES), key_span(&place.address)))
			forget(&brake->pairs, owner_of(entry));
	}
}

/* ---- for people ------------------------------------------------------------------------------ */

/* Which of the three a table holds. */
struct look {
	const struct table *table;
	uint64_t limit;
	bool has_network; /* at the front of its keys */
	bool has_login;
};

static bool
look_at(const struct brake *brake, const struct look *look, uint64_t now_ms,
	bool (*each)(void *context, const struct brake_level_seen *seen), void *context)
{
	for (struct table_entry *entry = look->table->oldest; entry; entry = entry->newer) {
		const struct braked *braked = owner_of(entry);
		uint64_t milli = milli_now(brake, &braked->level, look->limit, now_ms);
		size_t login_at = look->has_network ? BRAKE_ADDRESS_BYTES : 0;
		struct brake_level_seen seen = {
			.login = look->has_login ? braked->key + login_at : "",
			.network = look->has_network ? (const unsigned char *)braked->key : NULL,
			.failures = (milli + 999) / 1000,
			.limit = look->limit,
			.whole_ms = milli * brake->rule.window_ms / (look->limit * 1000),
		};

		seen.has_owner = table_find(&brake->owners, span_text(seen.login));
		/* A name that is not known yet counts by its address alone. */
		if (milli && (seen.login[0] || !look->has_login) && !each(context, &seen))
			return false;
	}
	return true;
}

void
brake_each(const struct brake *brake, uint64_t now_ms,
	bool (*each)(void *context, const struct brake_level_seen *seen), void *context)
{
	const struct look looks[] = {
		{ &brake->pairs, brake->rule.per_login, true, true },
		{ &brake->logins, anywhere_limit(brake), false, true },
		{ &brake->addresses, brake->rule.per_address, true, false },
	};

	for (size_t i = 0; i < sizeof looks / sizeof looks[0]; i++) {
		if (!look_at(brake, &looks[i], now_ms, each, context))
			return;
	}
}
