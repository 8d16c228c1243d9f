/* SPDX-License-Identifier: BSD-2-Clause */
/* What all front ends share, connection counters and breakers: the table in memory, super's part in it. */
#ifndef PROC_GATE_LAYOUT_H
#define PROC_GATE_LAYOUT_H

#include <stdatomic.h>
#include <string.h>

#include "base/digest.h"

/*
 * super makes one memfd of sizeof(struct gate_table) bytes at its start, maps it, calls
 * gate_table_init(), and passes it to each front end as FILE_GATE with an empty name and index 0. Each
 * counts in the column of its role_instance(). When a process is dead, and only then, super calls
 * gate_table_clear_column(). client/gate.c does the rest, without locks: a front end that dies or
 * goes wrong can spoil counts, but cannot stop the others.
 */
enum {
	GATE_COLUMNS = 256,    /* front ends alive at once: all workers, all generations */
	GATE_ROWS = 8192,      /* a power of two */
	GATE_BREAKERS = 1024,  /* filters that settings ever named, where they were */
	GATE_MAGIC = 0x53504733,
};

struct gate_count {
	_Atomic uint32_t open;  /* connections of this row */
	_Atomic uint32_t early; /* those of them that have not logged in */
};

/* The breaker of a filter, for all smtp processes; super knows nothing of it. */
struct gate_breaker {
	_Atomic uint64_t tag;  /* whose it is, a keyed hash; 0: nobody's yet. It stays */
	_Atomic uint64_t word; /* policy/milter_breaker.h */
};

/* In place of a tag: the process of this column is just taking the row from its last owner. */
#define GATE_TAG_TAKING(column) (UINT64_MAX - (column))

/* Memory is taken for the rows in use alone. */
struct gate_table {
	uint32_t magic;
	unsigned char key[DIGEST_BYTES];      /* nobody can choose addresses that share a row */
	_Atomic uint64_t tag[GATE_ROWS];      /* whose row it is, a keyed hash; 0: nobody's yet */
	_Atomic uint64_t failures[GATE_ROWS]; /* logins: how many << 48 | steady ms of the first */
	struct gate_count count[GATE_ROWS][GATE_COLUMNS];
	struct gate_breaker breaker[GATE_BREAKERS];
};

/* For zeroed memory. */
static inline void
gate_table_init(struct gate_table *table)
{
	digest_random(table->key, sizeof(table->key));
	table->magic = GATE_MAGIC;
}

static inline void
gate_table_clear_column(struct gate_table *table, unsigned column)
{
	for (size_t row = 0; row < GATE_ROWS; row++) {
		uint64_t taking = GATE_TAG_TAKING(column);

		if (atomic_load(&table->tag[row]) == 0)
			continue;
		atomic_store(&table->count[row][column].open, 0);
		atomic_store(&table->count[row][column].early, 0);
		atomic_compare_exchange_strong(&table->tag[row], &taking, 0);
	}
}

#endif
