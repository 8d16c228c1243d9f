/* SPDX-License-Identifier: BSD-2-Clause */
/* What is stored of a password. */
#include "auth/scram_keys.h"

#include <assert.h>
#include <nettle/hmac.h>
#include <nettle/pbkdf2.h>
#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "base/memory.h"
#include "base/secret.h"
#include "wire/base64.h"

struct hash_row {
	const char *name;
	size_t bytes;
};

static const struct hash_row hashes[SCRAM_HASH_COUNT] = {
	[SCRAM_SHA_256] = { "SCRAM-SHA-256", SHA256_DIGEST_SIZE },
	[SCRAM_SHA_1] = { "SCRAM-SHA-1", SHA1_DIGEST_SIZE },
};

const char *
scram_hash_name(enum scram_hash hash)
{
	return hashes[hash].name;
}

bool
scram_hash_find(struct span name, enum scram_hash *hash_out)
{
	for (unsigned i = 0; i < SCRAM_HASH_COUNT; i++) {
		if (span_is(name, hashes[i].name)) {
			*hash_out = (enum scram_hash)i;
			return true;
		}
	}
	return false;
}

size_t
scram_hash_bytes(enum scram_hash hash)
{
	return hashes[hash].bytes;
}

/* SaltedPassword := Hi(password, salt, i) */
static void
salt_password(const struct scram_keys *keys, struct span password, unsigned char *to)
{
	const uint8_t *bytes = (const uint8_t *)password.start;

	if (keys->hash == SCRAM_SHA_256)
		pbkdf2_hmac_sha256(password.length, bytes, keys->iterations, keys->salt_length,
			keys->salt, SHA256_DIGEST_SIZE, to);
	else
		pbkdf2_hmac_sha1(password.length, bytes, keys->iterations, keys->salt_length,
			keys->salt, SHA1_DIGEST_SIZE, to);
}

static void
hmac(enum scram_hash hash, const unsigned char *key, const char *text, unsigned char *to)
{
	size_t size = scram_hash_bytes(hash);
	struct hmac_sha256_ctx sha256;
	struct hmac_sha1_ctx sha1;

	if (hash == SCRAM_SHA_256) {
		hmac_sha256_set_key(&sha256, size, key);
		hmac_sha256_update(&sha256, strlen(text), (const uint8_t *)text);
		hmac_sha256_digest(&sha256, size, to);
		mem_wipe(&sha256, sizeof sha256);
	} else {
		hmac_sha1_set_key(&sha1, size, key);
		hmac_sha1_update(&sha1, strlen(text), (const uint8_t *)text);
		hmac_sha1_digest(&sha1, size, to);
		mem_wipe(&sha1, sizeof sha1);
	}
}

static void
hash_once(enum scram_hash hash, const unsigned char *from, unsigned char *to)
{
	size_t size = scram_hash_bytes(hash);
	struct sha256_ctx sha256;
	struct sha1_ctx sha1;

	if (hash == SCRAM_SHA_256) {
		sha256_init(&sha256);
		sha256_update(&sha256, size, from);
		sha256_digest(&sha256, size, to);
		mem_wipe(&sha256, sizeof sha256);
	} else {
		sha1_init(&sha1);
		sha1_update(&sha1, size, from);
		sha1_digest(&sha1, size, to);
		mem_wipe(&sha1, sizeof sha1);
	}
}

/*
 * RFC 5802 3: StoredKey := H(HMAC(SaltedPassword, "Client Key")), ServerKey := HMAC(…, "Server
 * Key")
 */
static void
fill_keys(struct scram_keys *keys, struct span password)
{
	unsigned char salted[SCRAM_KEY_MAX_BYTES];
	unsigned char client[SCRAM_KEY_MAX_BYTES];

	salt_password(keys, password, salted);
	hmac(keys->hash, salted, "Client Key", client);
	hash_once(keys->hash, client, keys->stored);
	hmac(keys->hash, salted, "Server Key", keys->server);
	mem_wipe(salted, sizeof salted);
	mem_wipe(client, sizeof client);
}

void
scram_keys_derive(struct scram_keys *keys_out, enum scram_hash hash, uint32_t iterations,
	struct span salt, struct span password)
{
	struct scram_keys keys = { .hash = hash, .iterations = iterations };

	assert(salt.length > 0 && salt.length <= sizeof keys.salt);
	keys.salt_length = salt.length;
	memcpy(keys.salt, salt.start, salt.length);
	fill_keys(&keys, password);
	*keys_out = keys;
	mem_wipe(&keys, sizeof keys);
}

bool
scram_keys_verify(const struct scram_keys *keys, struct span password)
{
	size_t size = scram_hash_bytes(keys->hash);
	struct scram_keys made = *keys;
	bool equal;

	fill_keys(&made, password);
	equal = secret_equal(span_of(made.stored, size), span_of(keys->stored, size));
	mem_wipe(&made, sizeof made);
	return equal;
}

size_t
scram_keys_match(const struct scram_keys *keys, const unsigned char (*stored)[SCRAM_KEY_MAX_BYTES],
	size_t count, struct span password)
{
	size_t size = scram_hash_bytes(keys->hash);
	struct scram_keys made = *keys;
	size_t found = count;

	fill_keys(&made, password);
	for (size_t i = 0; i < count; i++) {
		if (secret_equal(span_of(made.stored, size), span_of(stored[i], size)))
			found = i;
	}
	mem_wipe(&made, sizeof made);
	return found;
}

/* One label each, so that no two of the values have anything to do with each other. */
static void
fill_decoy(struct span secret, const char *label, struct span name, unsigned char *to, size_t size)
{
	unsigned char bytes[DIGEST_BYTES];
	struct digest_mac mac;

	digest_mac_init(&mac, secret);
	digest_mac_add(&mac, span_of(label, strlen(label) + 1));
	digest_mac_add(&mac, name);
	digest_mac_final(&mac, bytes);
	memcpy(to, bytes, size);
	mem_wipe(&mac, sizeof mac);
}

void
scram_keys_decoy(struct scram_keys *keys_out, enum scram_hash hash, uint32_t iterations,
	struct span secret, struct span name)
{
	struct scram_keys keys = {
		.hash = hash,
		.iterations = iterations,
		.salt_length = SCRAM_SALT_BYTES,
	};
	char label[64];

	/* Other iterations come with another salt, as they do when a password is changed. */
	snprintf(label, sizeof label, "salt %s %u", scram_hash_name(hash), (unsigned)iterations);
	fill_decoy(secret, label, name, keys.salt, SCRAM_SALT_BYTES);
	fill_decoy(secret, "stored", name, keys.stored, sizeof keys.stored);
	fill_decoy(secret, "server", name, keys.server, sizeof keys.server);
	*keys_out = keys;
}

void
scram_keys_app_decoy(struct scram_keys *keys_out, enum scram_hash hash, struct span secret,
	struct span login)
{
	char name[512]; /* a login has no "/" */
	int length = snprintf(name, sizeof name, "%.*s/", (int)login.length, login.start);

	scram_keys_decoy(keys_out, hash, SCRAM_ITERATIONS_MIN, secret,
		span_of(name, (size_t)length));
}

void
scram_keys_lock(struct scram_keys *keys)
{
	digest_random(keys->stored, sizeof keys->stored);
	digest_random(keys->server, sizeof keys->server);
}

size_t
scram_keys_format(const struct scram_keys *keys, char to[SCRAM_TEXT_SIZE])
{
	size_t size = scram_hash_bytes(keys->hash);
	struct buf text = BUF_INIT(SCRAM_TEXT_SIZE - 1);
	size_t length;

	buf_printf(&text, "%s$%u:", scram_hash_name(keys->hash), keys->iterations);
	base64_format(span_of(keys->salt, keys->salt_length), &text);
	buf_add_byte(&text, '$');
	base64_format(span_of(keys->stored, size), &text);
	buf_add_byte(&text, ':');
	base64_format(span_of(keys->server, size), &text);
	assert(!text.overflow);
	length = buf_length(&text);
	memcpy(to, buf_span(&text).start, length);
	to[length] = '\0';
	buf_wipe(&text);
	buf_fini(&text);
	return length;
}
