/* SPDX-License-Identifier: BSD-2-Clause */
/* SHA-256, HMAC-SHA-256 and random bytes. Hashing beyond these belongs to the account code. */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include "base/text.h"

#include <nettle/hmac.h>
#include <nettle/sha2.h>

enum { DIGEST_BYTES = 32 };

/* The structs are in the caller's storage; their fields are Nettle's. */
struct digest {
	struct sha256_ctx sha;
};

struct digest_mac {
	struct hmac_sha256_ctx hmac;
};

void digest_init(struct digest *digest);
void digest_add(struct digest *digest, struct span bytes);
void digest_final(struct digest *digest, unsigned char out[DIGEST_BYTES]);

void digest_mac_init(struct digest_mac *mac, struct span key);
void digest_mac_add(struct digest_mac *mac, struct span bytes);
void digest_mac_final(struct digest_mac *mac, unsigned char out[DIGEST_BYTES]);

/* From the kernel; dies if it has none, which happens only with a broken sandbox. */
void digest_random(void *bytes, size_t size);

#endif
