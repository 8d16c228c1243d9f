/* SPDX-License-Identifier: BSD-2-Clause */
/* A hash table from numbers to things that somebody else owns. */
#include "queue/index.h"

#include <assert.h>

enum { FIRST_ROOM = 8 };

uint64_t
index_mix(uint64_t number)
{
	number ^= number >> 32;
	number *= UINT64_C(0xd6e8feb86659fd93);
	number ^= number >> 32;
	number *= UINT64_C(0xd6e8feb86659fd93);
	return number ^ number >> 32;
}

void
index_fini(struct index *index)
{
	mem_free(&index->slots);
	index->room = index->count = 0;
}

/* The slot of the key, or the empty one where it would stand. */
static size_t
slot_of(const struct index *index, uint64_t key)
{
	size_t at = index_mix(key) & (index->room - 1);
	while (index->slots[at].value && index->slots[at].key != key)
		at = (at + 1) & (index->room - 1);
	return at;
}

void *
index_find(const struct index *index, uint64_t key)
{
	return index->count ? index->slots[slot_of(index, key)].value : NULL;
}

static void
resize(struct index *index, size_t room)
{
	struct index old = *index;
	index->slots = mem_alloc_array(room, sizeof(*index->slots));
	index->room = room;
	for (size_t i = 0; i < old.room; i++) {
		if (old.slots[i].value)
			index->slots[slot_of(index, old.slots[i].key)] = old.slots[i];
	}
	mem_free(&old.slots);
}

void
index_add(struct index *index, uint64_t key, void *value)
{
	assert(value);
	if (4 * (index->count + 1) > 3 * index->room)
		resize(index, index->room ? 2 * index->room : FIRST_ROOM);
	size_t at = slot_of(index, key);
	assert(!index->slots[at].value);
	index->slots[at] = (struct index_slot){ key, value };
	index->count++;
}

void *
index_take(struct index *index, uint64_t key)
{
	if (!index->count)
		return NULL;
	size_t mask = index->room - 1;
	size_t hole = slot_of(index, key);
	void *value = index->slots[hole].value;
	if (!value)
		return NULL;
	/* Those behind it that could not stand at or before the hole move up. */
	for (size_t at = (hole + 1) & mask; index->slots[at].value; at = (at + 1) & mask) {
		size_t home = index_mix(index->slots[at].key) & mask;
		if (((at - home) & mask) >= ((at - hole) & mask)) {
			index->slots[hole] = index->slots[at];
			hole = at;
		}
	}
	index->slots[hole].value = NULL;
	index->count--;
	if (index->room > FIRST_ROOM && 8 * index->count < index->room)
		resize(index, index->room / 2);
	return value;
}

void *
index_any(const struct index *index, uint64_t *key_out)
{
	for (size_t i = 0; index->count && i < index->room; i++) {
		if (index->slots[i].value) {
			*key_out = index->slots[i].key;
			return index->slots[i].value;
		}
	}
	return NULL;
}
