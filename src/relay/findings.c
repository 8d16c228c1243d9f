/* SPDX-License-Identifier: BSD-2-Clause */
/* What next hops said of recipients: remembered for a while, in a table that never grows. */
#include "relay/findings.h"

#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "base/memory.h"

enum {
	KEY_BYTES = 16, /* of a keyed hash: nobody can make two recipients share one */
	WAYS = 4,       /* places where one may stand */
	SETS = FINDINGS_MAX / WAYS,
};

struct row {
	unsigned char key[KEY_BYTES];
	uint64_t until_ms; /* 0: free */
	enum finding finding;
	char enhanced[MESSAGE_ENHANCED_MAX_BYTES + 1];
};

struct findings {
	unsigned char secret[DIGEST_BYTES];
	struct row *rows;  /* NULL until the first */
};

struct findings *
findings_new(void)
{
	struct findings *findings = mem_alloc(sizeof *findings);

	digest_random(findings->secret, sizeof findings->secret);
	return findings;
}

void
findings_free(struct findings **findings)
{
	if (!*findings)
		return;
	mem_free(&(*findings)->rows);
	mem_free(findings);
}

static void
make_key(const struct findings *findings, struct span hop, struct span path,
	unsigned char key_out[DIGEST_BYTES])
{
	struct digest_mac mac;

	digest_mac_init(&mac, span_of(findings->secret, sizeof findings->secret));
	digest_mac_add(&mac, hop);
	digest_mac_add(&mac, span_of("\0", 1));
	digest_mac_add(&mac, path);
	digest_mac_final(&mac, key_out);
}

/* The bytes behind the key say where. */
static struct row *
set_of(const struct findings *findings, const unsigned char key[DIGEST_BYTES])
{
	size_t number = ((size_t)key[KEY_BYTES] << 8 | key[KEY_BYTES + 1]) % SETS;

	return findings->rows + number * WAYS;
}

enum finding
findings_find(const struct findings *findings, struct span hop, struct span path, uint64_t now_ms,
	char enhanced_out[MESSAGE_ENHANCED_MAX_BYTES + 1])
{
	unsigned char key[DIGEST_BYTES];
	struct row *set;

	enhanced_out[0] = '\0';
	if (!findings->rows)
		return FINDING_UNSURE;
	make_key(findings, hop, path, key);
	set = set_of(findings, key);
	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].until_ms <= now_ms || memcmp(set[i].key, key, KEY_BYTES) != 0)
			continue;
		memcpy(enhanced_out, set[i].enhanced, sizeof set[i].enhanced);
		return set[i].finding;
	}
	return FINDING_UNSURE;
}

/* Its own place, or that of the one which ends first. */
static struct row *
place_for(struct row *set, const unsigned char key[DIGEST_BYTES])
{
	struct row *place = set;

	for (size_t i = 0; i < WAYS; i++) {
		if (memcmp(set[i].key, key, KEY_BYTES) == 0)
			return &set[i];
		if (set[i].until_ms < place->until_ms)
			place = &set[i];
	}
	return place;
}

void
findings_add(struct findings *findings, struct span hop, struct span path, enum finding finding,
	const char *enhanced, uint64_t now_ms, uint64_t life_ms)
{
	unsigned char key[DIGEST_BYTES];
	struct row *row;

	if (finding != FINDING_KNOWN && finding != FINDING_UNKNOWN)
		return;
	if (!findings->rows)
		findings->rows = mem_alloc_array(FINDINGS_MAX, sizeof *findings->rows);
	make_key(findings, hop, path, key);
	row = place_for(set_of(findings, key), key);
	memcpy(row->key, key, KEY_BYTES);
	row->until_ms = now_ms + life_ms;
	row->finding = finding;
	snprintf(row->enhanced, sizeof row->enhanced, "%s", enhanced);
}
