/* SPDX-License-Identifier: BSD-2-Clause */
/* Certificates and how to sign with their keys: load, check, describe; and sets of them by name. */
#ifndef IO_TLS_CERTIFICATE_H
#define IO_TLS_CERTIFICATE_H

#include "base/fault.h"
#include "base/text.h"

enum tls_key {
	TLS_KEY_RSA,
	TLS_KEY_ECDSA,
	TLS_KEY_EDDSA,
};

/*
 * What may be asked of a private key: nothing but these. For all but Ed25519 the input is the hash
 * alone, exactly as long as the name says; a PKCS #1 padding is made by the signer, so that nobody
 * can have a raw RSA operation done. For Ed25519 it is the message (at most 512 bytes). The two at
 * the end are what TLS 1.0 and 1.1 need; whoever signs does so only for certificates of a listener
 * that speaks them.
 */
enum tls_sign {
	TLS_SIGN_ECDSA_SHA256,
	TLS_SIGN_ECDSA_SHA384,
	TLS_SIGN_ECDSA_SHA512,
	TLS_SIGN_ED25519,
	TLS_SIGN_RSA_PSS_SHA256,
	TLS_SIGN_RSA_PSS_SHA384,
	TLS_SIGN_RSA_PSS_SHA512,
	TLS_SIGN_RSA_PKCS1_SHA256, /* TLS 1.2 only */
	TLS_SIGN_RSA_PKCS1_SHA384,
	TLS_SIGN_RSA_PKCS1_SHA512,
	TLS_SIGN_OLD_ECDSA_SHA1,
	TLS_SIGN_OLD_RSA_MD5_SHA1, /* both hashes, one behind the other */
	TLS_SIGN_COUNT
};

enum {
	TLS_KEY_ID_BYTES = 32,           /* SHA-256 of the public key (SubjectPublicKeyInfo) */
	TLS_SIGNATURE_MAX_BYTES = 1024,  /* RSA of 8192 bits */
	TLS_SIGN_INPUT_MAX_BYTES = 512,
	TLS_CHAIN_MAX_BYTES = 65536,     /* of PEM */
	TLS_CHAIN_MAX_CERTIFICATES = 16,
};

/*
 * Signs with the key of this id; synchronous, bounded by a deadline of its own. On a server with a
 * worker pool it is called on the loop for ECDSA and Ed25519 and on a worker for RSA, so perhaps
 * twice at a time. False fails that one handshake.
 */
typedef bool tls_sign_fn(void *context, const unsigned char key_id[TLS_KEY_ID_BYTES],
	enum tls_sign algorithm, struct span input,
	unsigned char signature_out[TLS_SIGNATURE_MAX_BYTES], size_t *size_out);

/* What a certificate says of itself; borrowed from it. Texts are printable. */
struct tls_facts {
	enum tls_key key;
	unsigned bits;
	int64_t begins_s;                /* since 1970 */
	int64_t expires_s;
	const char *subject;
	const char *issuer;
	const char *serial;              /* hex */
	const char *fingerprint;         /* SHA-256 of the certificate, hex */
	const char *const *names;        /* DNS names: the SANs, or the CN where there is none; lower case */
	size_t name_count;
	unsigned char key_id[TLS_KEY_ID_BYTES];
	unsigned chain_length;
};

/* A chain, leaf first, and the way to its key. Counted: sets and sessions hold it. */
struct tls_certificate;

/* From PEM. Whatever stands beside the certificates (a key) is left alone. NULL with a fault. */
struct tls_certificate *tls_certificate_load(struct span chain_pem, struct fault *fault_out);
struct tls_certificate *tls_certificate_hold(struct tls_certificate *certificate); /* one more free */
void tls_certificate_free(struct tls_certificate **certificate);
const struct tls_facts *tls_certificate_facts(const struct tls_certificate *certificate);

/* The key in this process: for tests, tools and clients. False if it is not the certificate's. */
bool tls_certificate_set_key(
	struct tls_certificate *certificate, struct span key_pem, struct fault *fault_out);
/* The key elsewhere. Either is said once, before the certificate is added to a set. */
void tls_certificate_set_signer(
	struct tls_certificate *certificate, tls_sign_fn *sign, void *context);

/*
 * May it serve now? False with the reason: not yet valid, expired, key too short (RSA under 2048
 * bits), signed with SHA-1 or MD5, not for servers, chain out of order.
 */
bool tls_certificate_check(
	const struct tls_certificate *certificate, int64_t now_s, struct fault *fault_out);
/* Whole days until it expires; negative afterwards. */
int tls_certificate_days_left(const struct tls_certificate *certificate, int64_t now_s);
/* Is this key the certificate's? */
bool tls_certificate_fits_key(
	const struct tls_certificate *certificate, struct span key_pem, struct fault *fault_out);
/* Does it cover this name (RFC 6125: exact, or "*" as the whole left label)? */
bool tls_certificate_has_name(const struct tls_certificate *certificate, struct span name);

/*
 * Which certificate answers to which name. Add all, then use; the first one added is the default.
 * Of two certificates with a name in common, one RSA and one ECDSA, either may be chosen in the
 * handshake. Counted: a listener and its sessions keep the set they started with.
 */
struct tls_set;

struct tls_set *tls_set_new(void);
/*
 * Takes a hold of the certificate; not once a server uses the set. names: "mail.example.org",
 * "*.example.org"; false if one is malformed, not covered by the certificate, or taken by another of
 * the same kind of key, or if the certificate has no key. count 0 means the certificate's own names,
 * as far as they are free.
 */
bool tls_set_add(struct tls_set *set, struct tls_certificate *certificate,
	const char *const *names, size_t count, struct fault *fault_out);
/* The certificates, in the order in which they were added; NULL beyond the last. */
const struct tls_certificate *tls_set_certificate(const struct tls_set *set, size_t index);
/* Which one a client gets that asks for this name and can do this kind of key (or else another). */
const struct tls_certificate *tls_set_find(
	const struct tls_set *set, struct span name, enum tls_key key);
struct tls_set *tls_set_hold(struct tls_set *set);
void tls_set_free(struct tls_set **set);

#endif
