/* SPDX-License-Identifier: BSD-2-Clause */
/* A keyed table that also knows the age of its entries. */
#include "auth/table.h"

#include <assert.h>
#include <string.h>

#include "base/digest.h"
#include "base/memory.h"

enum { FIRST_BUCKETS = 64 };

static inline uint64_t
rotate(uint64_t value, int bits)
{
	return value << bits | value >> (64 - bits);
}

static void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

/* SipHash-1-3: nobody without the seed can choose names that all fall into one bucket. */
static uint64_t
hash_of(const struct table *table, struct span key)
{
	uint64_t v[4] = {
		table->seed[0] ^ UINT64_C(0x736f6d6570736575),
		table->seed[1] ^ UINT64_C(0x646f72616e646f6d),
		table->seed[0] ^ UINT64_C(0x6c7967656e657261),
		table->seed[1] ^ UINT64_C(0x7465646279746573),
	};

	for (size_t at = 0; at <= key.length; at += 8) {
		size_t left = key.length - at;
		uint64_t word = 0;

		if (left)
			memcpy(&word, key.start + at, left < 8 ? left : 8);
		if (left < 8)
			word |= (uint64_t)key.length << 56;
		v[3] ^= word;
		sip_round(v);
		v[0] ^= word;
	}
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static struct table_entry **
bucket_of(const struct table *table, uint64_t hash)
{
	return &table->buckets[hash & (table->bucket_count - 1)];
}

void
table_init(struct table *table)
{
	*table = (struct table){ .bucket_count = FIRST_BUCKETS };
	table->buckets = mem_alloc_array(FIRST_BUCKETS, sizeof *table->buckets);
	digest_random(table->seed, sizeof table->seed);
}

void
table_fini(struct table *table)
{
	mem_free(&table->buckets);
	*table = (struct table){ .bucket_count = 0 };
}

struct table_entry *
table_find(const struct table *table, struct span key)
{
	uint64_t hash = hash_of(table, key);
	struct table_entry *entry = *bucket_of(table, hash);

	while (entry && !(entry->hash == hash && span_equal(entry->key, key)))
		entry = entry->chain;
	return entry;
}

static void
grow(struct table *table)
{
	size_t count = table->bucket_count * 2;

	mem_free(&table->buckets);
	table->buckets = mem_alloc_array(count, sizeof *table->buckets);
	table->bucket_count = count;
	for (struct table_entry *entry = table->oldest; entry; entry = entry->newer) {
		struct table_entry **bucket = bucket_of(table, entry->hash);

		entry->chain = *bucket;
		*bucket = entry;
	}
}

static void
link_newest(struct table *table, struct table_entry *entry)
{
	entry->older = table->newest;
	entry->newer = NULL;
	if (table->newest)
		table->newest->newer = entry;
	else
		table->oldest = entry;
	table->newest = entry;
}

static void
unlink_age(struct table *table, struct table_entry *entry)
{
	if (entry->older)
		entry->older->newer = entry->newer;
	else
		table->oldest = entry->newer;
	if (entry->newer)
		entry->newer->older = entry->older;
	else
		table->newest = entry->older;
}

void
table_add(struct table *table, struct table_entry *entry, struct span key)
{
	struct table_entry **bucket;

	if (table->count >= table->bucket_count)
		grow(table);
	entry->key = key;
	entry->hash = hash_of(table, key);
	bucket = bucket_of(table, entry->hash);
	entry->chain = *bucket;
	*bucket = entry;
	link_newest(table, entry);
	table->count++;
}

void
table_take(struct table *table, struct table_entry *entry)
{
	struct table_entry **at = bucket_of(table, entry->hash);

	while (*at != entry) {
		assert(*at);
		at = &(*at)->chain;
	}
	*at = entry->chain;
	unlink_age(table, entry);
	table->count--;
}

void
table_renew(struct table *table, struct table_entry *entry)
{
	if (table->newest == entry)
		return;
	unlink_age(table, entry);
	link_newest(table, entry);
}
