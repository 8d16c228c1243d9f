/* SPDX-License-Identifier: BSD-2-Clause */
/* Private keys, by the name that super gave them, and the only thing done with them: signing. */
#ifndef KEYS_SIGNER_H
#define KEYS_SIGNER_H

#include "base/fault.h"
#include "io/tls_certificate.h"

struct signer;

/* Filled once, then shared by threads that only sign; counted. */
struct signer *signer_new(void);
struct signer *signer_hold(struct signer *signer);
void signer_free(struct signer **signer);
/*
 * certificate_pem and key_pem are a pair of a tls section. False with a fault if the key cannot be
 * read, is not the certificate's, or the certificate may not serve (tls_certificate_check()).
 */
bool signer_add(struct signer *signer, const char *name, unsigned index,
	struct span certificate_pem, struct span key_pem, int64_t now_s, struct fault *fault_out);
/* The keys of this section may sign what TLS 1.0 and 1.1 need. */
void signer_allow_old(struct signer *signer, const char *name);
/* Is the certificate of this pair for the host name, or "*.…" of it? */
bool signer_fits_name(
	const struct signer *signer, const char *name, unsigned index, struct span host);
/*
 * Signs with the algorithms of enum tls_sign, if they fit the key and, for the old ones, it may,
 * and an input of exactly the length of their hash; for Ed25519, which hashes itself, a message
 * that a TLS server signs in its handshake. There is no way to have anything else done, and none
 * to decrypt. FAULT_MISSING if the key is not here.
 */
bool signer_sign(const struct signer *signer, const unsigned char key_id[TLS_KEY_ID_BYTES],
	enum tls_sign algorithm, struct span input,
	unsigned char signature_out[TLS_SIGNATURE_MAX_BYTES], size_t *size_out,
	struct fault *fault_out);

/* How often one front end may ask: a bucket that holds and refills SIGNER_RATE_PER_S a second. */
enum { SIGNER_RATE_PER_S = 5000 };

struct signer_rate {
	uint64_t stamp_ms; /* zeroed storage is a full bucket */
	uint64_t spent;
};

bool signer_rate_take(struct signer_rate *rate, uint64_t now_ms);

#endif
