/* SPDX-License-Identifier: BSD-2-Clause */
/* A hash table from numbers to things that somebody else owns. */
#ifndef QUEUE_INDEX_H
#define QUEUE_INDEX_H

#include "base/memory.h"

#include <stdint.h>

struct index_slot {
	uint64_t key;
	void *value; /* NULL: empty */
};

/* All zero is an empty table. */
struct index {
	struct index_slot *slots;
	size_t room; /* 0 or a power of two */
	size_t count;
};

void index_fini(struct index *index);
void *index_find(const struct index *index, uint64_t key); /* NULL if it is not there */
void index_add(struct index *index, uint64_t key, void *value); /* not there yet, not NULL */
void *index_take(struct index *index, uint64_t key);
/* Any one of them; NULL if it is empty. */
void *index_any(const struct index *index, uint64_t *key_out);
/* Well spread bits of any number: for keys made of texts and pointers too. */
uint64_t index_mix(uint64_t number);

#endif
