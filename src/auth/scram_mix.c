/* SPDX-License-Identifier: BSD-2-Clause */
/* Which iteration counts the stored keys have, and how often. */
#include "auth/scram_mix.h"

#include <string.h>

#include "base/digest.h"
#include "base/memory.h"

void
scram_mix_add(struct scram_mix *mix, enum scram_hash hash, uint32_t iterations, uint64_t keys)
{
	size_t *count = &mix->counts[hash];

	if (*count < SCRAM_MIX_ROWS_MAX)
		mix->rows[hash][(*count)++] = (struct scram_mix_row){ iterations, keys };
	else
		mix->rows[hash][*count - 1].keys += keys;
}

/* A number that only the name decides, evenly spread; both hashes of an account get the same. */
static uint32_t
draw(struct span secret, struct span name)
{
	static const char label[] = "iterations";
	unsigned char bytes[DIGEST_BYTES];
	struct digest_mac mac;
	uint32_t drawn;

	digest_mac_init(&mac, secret);
	digest_mac_add(&mac, span_of(label, sizeof label));
	digest_mac_add(&mac, name);
	digest_mac_final(&mac, bytes);
	memcpy(&drawn, bytes, sizeof drawn);
	mem_wipe(&mac, sizeof mac);
	return drawn;
}

uint32_t
scram_mix_choose(const struct scram_mix *mix, enum scram_hash hash, struct span secret,
	struct span name, uint32_t otherwise)
{
	uint64_t all = 0;
	uint64_t below = 0;
	uint64_t at;

	for (size_t i = 0; i < mix->counts[hash]; i++)
		all += mix->rows[hash][i].keys;
	if (all == 0)
		return otherwise;
	/* Where in the row of all keys, shortest first: as that row grows few names change places. */
	at = (uint64_t)draw(secret, name) * (all & UINT32_MAX) >> 32;
	for (size_t i = 0; i < mix->counts[hash]; i++) {
		below += mix->rows[hash][i].keys;
		if (at < below)
			return mix->rows[hash][i].iterations;
	}
	return otherwise;
}
