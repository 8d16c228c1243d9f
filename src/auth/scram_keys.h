/* SPDX-License-Identifier: BSD-2-Clause */
/* What is stored of a password: the keys of SCRAM (RFC 5802 3), never the password. */
#ifndef AUTH_SCRAM_KEYS_H
#define AUTH_SCRAM_KEYS_H

#include "base/text.h"

enum scram_hash {
	SCRAM_SHA_256, /* RFC 7677; PLAIN and LOGIN are verified against these too */
	SCRAM_SHA_1,
	SCRAM_HASH_COUNT,
};

enum {
	SCRAM_SALT_BYTES = 16,        /* of the salts that we make */
	SCRAM_SALT_MAX_BYTES = 64,
	SCRAM_KEY_MAX_BYTES = 32,
	SCRAM_ITERATIONS_MIN = 4096,  /* RFC 7677 4 */
	SCRAM_ITERATIONS_MAX = 1000000,
	SCRAM_TEXT_SIZE = 320,
};

/* A plain value in the caller's storage; wipe what is no longer needed. */
struct scram_keys {
	enum scram_hash hash;
	uint32_t iterations;
	size_t salt_length;
	unsigned char salt[SCRAM_SALT_MAX_BYTES];
	unsigned char stored[SCRAM_KEY_MAX_BYTES]; /* scram_hash_bytes() of them */
	unsigned char server[SCRAM_KEY_MAX_BYTES];
};

const char *scram_hash_name(enum scram_hash hash); /* "SCRAM-SHA-256" */
bool scram_hash_find(struct span name, enum scram_hash *hash_out);
size_t scram_hash_bytes(enum scram_hash hash);

/*
 * Both take time by design (PBKDF2, a millisecond for some thousand iterations): on a worker only.
 * The password is prepared (saslprep.h). verify() takes the same time whatever the answer is.
 */
void scram_keys_derive(struct scram_keys *keys_out, enum scram_hash hash, uint32_t iterations,
	struct span salt, struct span password);
bool scram_keys_verify(const struct scram_keys *keys, struct span password);
/*
 * One derivation over the salt and iterations of keys against count stored keys, in a time that
 * depends on count alone: the place of the one that fits, or count.
 */
size_t scram_keys_match(const struct scram_keys *keys,
	const unsigned char (*stored)[SCRAM_KEY_MAX_BYTES], size_t count, struct span password);

/*
 * Keys for a name that nobody has: always the same for the name, so that asking twice does not
 * tell, and not to be told from real ones by whoever does not know the secret. Nothing verifies
 * against them.
 */
void scram_keys_decoy(struct scram_keys *keys_out, enum scram_hash hash, uint32_t iterations,
	struct span secret, struct span name);
/*
 * The same for app passwords of a name: a salt of their own, of which the first real ones are made
 * too (app_password.h). The iterations are the same for everybody.
 */
void scram_keys_app_decoy(struct scram_keys *keys_out, enum scram_hash hash, struct span secret,
	struct span login);
/* Keeps salt and iterations, but nothing verifies any more: for an account that may not log in. */
void scram_keys_lock(struct scram_keys *keys);

/* "SCRAM-SHA-256$4096:SALT$STORED:SERVER", as Cyrus SASL wants it; ended by NUL. */
size_t scram_keys_format(const struct scram_keys *keys, char to[SCRAM_TEXT_SIZE]);

#endif
