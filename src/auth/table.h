/* SPDX-License-Identifier: BSD-2-Clause */
/* A keyed table that knows the age of its entries: what every bounded memory here is made of. */
#ifndef AUTH_TABLE_H
#define AUTH_TABLE_H

#include "base/text.h"

/*
 * An entry is part of the caller's struct; the table owns nothing. The key must live as long as the
 * entry stands in the table. Keys come from strangers, so the hash is keyed by random bytes.
 */
struct table_entry {
	struct table_entry *chain;
	struct table_entry *older;
	struct table_entry *newer;
	uint64_t hash;
	struct span key;
};

struct table {
	struct table_entry **buckets;
	size_t bucket_count; /* a power of two */
	size_t count;
	struct table_entry *oldest;
	struct table_entry *newest;
	uint64_t seed[2];
};

void table_init(struct table *table);
void table_fini(struct table *table);                     /* entries that are left are forgotten */
struct table_entry *table_find(const struct table *table, struct span key); /* NULL if not there */
/* The key must not be there yet. The entry becomes the newest. */
void table_add(struct table *table, struct table_entry *entry, struct span key);
void table_take(struct table *table, struct table_entry *entry);
void table_renew(struct table *table, struct table_entry *entry); /* makes it the newest */

/* The struct around an entry; NULL for NULL. */
#define TABLE_OWNER(entry, type, member)                                                            \
	((type *)table_owner_at((entry), offsetof(type, member)))

static inline void *
table_owner_at(struct table_entry *entry, size_t offset)
{
	return entry ? (char *)entry - offset : NULL;
}

#endif
