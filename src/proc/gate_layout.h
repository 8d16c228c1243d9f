/* SPDX-License-Identifier: BSD-2-Clause */
/* The connection counters that all front ends share: the table in memory, and super's part in it. */
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
	GATE_COLUMNS = 48,     /* front ends alive at once: all workers, all generations */
	GATE_ROWS = 16384,     /* a power of two */
	GATE_MAGIC = 0x53504731,
};

struct gate_count {
	_Atomic uint32_t open;  /* connections of this row */
	_Atomic uint32_t early; /* those of them that have not logged in */
};

/* Whose row it is says tag, a keyed hash; 0 is nobody's. */
struct gate_row {
	_Atomic uint64_t tag;
	_Atomic uint64_t failures; /* failed logins: how many << 48 | steady ms of the first */
	struct gate_count column[GATE_COLUMNS];
};

/* The tag of a row that the process of this column is just taking from its last owner. */
#define GATE_TAG_TAKING(column) (UINT64_MAX - (column))

struct gate_table {
	uint32_t magic;
	unsigned char key[DIGEST_BYTES]; /* nobody can choose addresses that share a row */
	struct gate_row row[GATE_ROWS];
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
	for (size_t i = 0; i < GATE_ROWS; i++) {
		struct gate_row *row = &table->row[i];
		uint64_t taking = GATE_TAG_TAKING(column);

		atomic_store(&row->column[column].open, 0);
		atomic_store(&row->column[column].early, 0);
		atomic_compare_exchange_strong(&row->tag, &taking, 0);
	}
}

#endif
