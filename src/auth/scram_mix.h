/* SPDX-License-Identifier: BSD-2-Clause */
/* Which iteration counts the stored keys have, and how often: decoys are spread over them alike. */
#ifndef AUTH_SCRAM_MIX_H
#define AUTH_SCRAM_MIX_H

#include "auth/scram_keys.h"

enum { SCRAM_MIX_ROWS_MAX = 32 };

/* A plain value; zeroed: there are no keys. */
struct scram_mix {
	struct scram_mix_row {
		uint32_t iterations; /* rising */
		uint64_t keys;
	} rows[SCRAM_HASH_COUNT][SCRAM_MIX_ROWS_MAX];
	size_t counts[SCRAM_HASH_COUNT];
};

/* Rows come in rising order; those beyond the most are added to the last. */
void scram_mix_add(struct scram_mix *mix, enum scram_hash hash, uint32_t iterations, uint64_t keys);
/*
 * The iterations that a name which nobody has is to show: each count as often as real names show it, and for
 * one name the same as long as the mix stays much the same. otherwise: where there are no keys.
 */
uint32_t scram_mix_choose(const struct scram_mix *mix, enum scram_hash hash, struct span secret,
	struct span name, uint32_t otherwise);

#endif
