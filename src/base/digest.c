/* SPDX-License-Identifier: BSD-2-Clause */
/* SHA-256, HMAC-SHA-256 and random bytes, by Nettle, the library beneath GnuTLS. */
#include "base/digest.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

void
digest_init(struct digest *digest)
{
	sha256_init(&digest->sha);
}

void
digest_add(struct digest *digest, struct span bytes)
{
	sha256_update(&digest->sha, bytes.length, (const uint8_t *)bytes.start);
}

void
digest_final(struct digest *digest, unsigned char out[DIGEST_BYTES])
{
	sha256_digest(&digest->sha, DIGEST_BYTES, out);
}

void
digest_mac_init(struct digest_mac *mac, struct span key)
{
	hmac_sha256_set_key(&mac->hmac, key.length, (const uint8_t *)key.start);
}

void
digest_mac_add(struct digest_mac *mac, struct span bytes)
{
	hmac_sha256_update(&mac->hmac, bytes.length, (const uint8_t *)bytes.start);
}

void
digest_mac_final(struct digest_mac *mac, unsigned char out[DIGEST_BYTES])
{
	hmac_sha256_digest(&mac->hmac, DIGEST_BYTES, out);
}

void
digest_random(void *bytes, size_t size)
{
	unsigned char *to = bytes;

	while (size) {
		ssize_t got = getrandom(to, size, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			abort();
		to += got;
		size -= (size_t)got;
	}
}
