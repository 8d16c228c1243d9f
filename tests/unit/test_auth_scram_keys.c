/* SPDX-License-Identifier: BSD-2-Clause */
/* Stored keys: the exchanges of RFC 5802 5 and RFC 7677 3 recomputed from them, decoys, locks. */
#include "unit.h"

#include <nettle/hmac.h>

#include "auth/scram_keys.h"
#include "base/buffer.h"
#include "wire/base64.h"

/* The password of both examples is "pencil", 4096 rounds. */
struct exchange_case {
	enum scram_hash hash;
	const char *salt;
	const char *auth_message;
	const char *proof;
	const char *signature;
};

static const struct exchange_case rfc_cases[] = {
	{ SCRAM_SHA_1, "QSXCR+Q6sek8bf92",
		"n=user,r=fyko+d2lbbFgONRv9qkxdawL,"
		"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096,"
		"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j",
		"v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", "rmF9pqV8S7suAoZWja4dJRkFsKQ=" },
	{ SCRAM_SHA_256, "W22ZaJ0SNY7soEsUEjb6gQ==",
		"n=user,r=rOprNGfwEbeRWgbNEkqO,"
		"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,"
		"i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
		"dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
		"6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=" },
};

static void
sign(const struct scram_keys *keys, const unsigned char *key, const char *text, unsigned char *to)
{
	size_t size = scram_hash_bytes(keys->hash);
	struct hmac_sha256_ctx sha256;
	struct hmac_sha1_ctx sha1;

	if (keys->hash == SCRAM_SHA_256) {
		hmac_sha256_set_key(&sha256, size, key);
		hmac_sha256_update(&sha256, strlen(text), (const uint8_t *)text);
		hmac_sha256_digest(&sha256, size, to);
	} else {
		hmac_sha1_set_key(&sha1, size, key);
		hmac_sha1_update(&sha1, strlen(text), (const uint8_t *)text);
		hmac_sha1_digest(&sha1, size, to);
	}
}

static void
hash(const struct scram_keys *keys, const unsigned char *from, unsigned char *to)
{
	size_t size = scram_hash_bytes(keys->hash);
	struct sha256_ctx sha256;
	struct sha1_ctx sha1;

	if (keys->hash == SCRAM_SHA_256) {
		sha256_init(&sha256);
		sha256_update(&sha256, size, from);
		sha256_digest(&sha256, size, to);
	} else {
		sha1_init(&sha1);
		sha1_update(&sha1, size, from);
		sha1_digest(&sha1, size, to);
	}
}

static void
decode(const char *text, struct buf *out)
{
	buf_init(out, 0);
	assert_true(base64_parse(span_text(text), out));
}

/* The RFCs print what goes over the wire; stored keys are right if they make and check just that. */
static void
agrees_with_the_rfcs(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		const struct exchange_case *row = &rfc_cases[i];
		size_t size = scram_hash_bytes(row->hash);
		struct scram_keys keys;
		struct buf salt;
		struct buf proof;
		struct buf signature;
		unsigned char mac[32];
		unsigned char client[32];

		decode(row->salt, &salt);
		decode(row->proof, &proof);
		decode(row->signature, &signature);
		scram_keys_derive(&keys, row->hash, 4096, buf_span(&salt), span_text("pencil"));

		sign(&keys, keys.server, row->auth_message, mac);
		assert_int_equal(buf_length(&signature), size);
		assert_memory_equal(mac, buf_span(&signature).start, size);

		sign(&keys, keys.stored, row->auth_message, mac);
		for (size_t at = 0; at < size; at++)
			client[at] = mac[at] ^ (unsigned char)buf_span(&proof).start[at];
		hash(&keys, client, mac);
		assert_memory_equal(mac, keys.stored, size);
		buf_fini(&salt);
		buf_fini(&proof);
		buf_fini(&signature);
	}
}

static void
verifies_one_password(void **state)
{
	struct scram_keys keys;

	(void)state;
	for (unsigned i = 0; i < SCRAM_HASH_COUNT; i++) {
		scram_keys_derive(&keys, (enum scram_hash)i, 4096, span_text("0123456789abcdef"),
			span_text("pencil"));
		assert_true(scram_keys_verify(&keys, span_text("pencil")));
		assert_false(scram_keys_verify(&keys, span_text("pencil ")));
		assert_false(scram_keys_verify(&keys, span_text("Pencil")));
		keys.stored[scram_hash_bytes(keys.hash) - 1] ^= 1;
		assert_false(scram_keys_verify(&keys, span_text("pencil")));
	}
}

static void
locked_keys_keep_their_face(void **state)
{
	struct scram_keys keys;
	struct scram_keys before;

	(void)state;
	scram_keys_derive(&keys, SCRAM_SHA_256, 4096, span_text("salt"), span_text("pencil"));
	before = keys;
	scram_keys_lock(&keys);
	assert_int_equal(keys.iterations, before.iterations);
	assert_int_equal(keys.salt_length, before.salt_length);
	assert_memory_equal(keys.salt, before.salt, before.salt_length);
	assert_memory_not_equal(keys.server, before.server, sizeof keys.server);
	assert_false(scram_keys_verify(&keys, span_text("pencil")));
}

static void
decoys_are_stable(void **state)
{
	struct span secret = span_text("the server's secret");
	struct scram_keys one;
	struct scram_keys again;
	struct scram_keys other;

	(void)state;
	scram_keys_decoy(&one, SCRAM_SHA_256, 10000, secret, span_text("nobody"));
	scram_keys_decoy(&again, SCRAM_SHA_256, 10000, secret, span_text("nobody"));
	assert_memory_equal(one.salt, again.salt, SCRAM_SALT_BYTES);
	assert_int_equal(one.salt_length, SCRAM_SALT_BYTES);
	assert_int_equal(one.iterations, 10000);
	scram_keys_decoy(&other, SCRAM_SHA_256, 10000, secret, span_text("nobody2"));
	assert_memory_not_equal(one.salt, other.salt, SCRAM_SALT_BYTES);
	scram_keys_decoy(&other, SCRAM_SHA_256, 4096, secret, span_text("nobody"));
	assert_memory_not_equal(one.salt, other.salt, SCRAM_SALT_BYTES);
	scram_keys_decoy(&other, SCRAM_SHA_1, 10000, secret, span_text("nobody"));
	assert_memory_not_equal(one.salt, other.salt, SCRAM_SALT_BYTES);
	scram_keys_decoy(&other, SCRAM_SHA_256, 10000, span_text("another"), span_text("nobody"));
	assert_memory_not_equal(one.salt, other.salt, SCRAM_SALT_BYTES);
	assert_memory_not_equal(one.stored, one.server, sizeof one.stored);
	assert_false(scram_keys_verify(&one, span_text("")));
}

static void
formats_for_cyrus(void **state)
{
	struct scram_keys keys;
	char text[SCRAM_TEXT_SIZE];
	size_t length;

	(void)state;
	scram_keys_derive(&keys, SCRAM_SHA_1, 4096, span_text("salt"), span_text("pencil"));
	length = scram_keys_format(&keys, text);
	assert_int_equal(length, strlen(text));
	assert_memory_equal(text, "SCRAM-SHA-1$4096:c2FsdA==$", 26);
	assert_int_equal(strlen(text), 26 + 28 + 1 + 28);
	keys.salt_length = sizeof keys.salt;
	keys.hash = SCRAM_SHA_256;
	keys.iterations = SCRAM_ITERATIONS_MAX;
	assert_true(scram_keys_format(&keys, text) < SCRAM_TEXT_SIZE);
}

static void
finds_hashes_by_name(void **state)
{
	enum scram_hash found = SCRAM_HASH_COUNT;

	(void)state;
	assert_true(scram_hash_find(span_text("SCRAM-SHA-1"), &found));
	assert_int_equal(found, SCRAM_SHA_1);
	assert_false(scram_hash_find(span_text("SCRAM-SHA-512"), &found));
	assert_false(scram_hash_find(span_text("scram-sha-1"), &found));
	assert_string_equal(scram_hash_name(SCRAM_SHA_256), "SCRAM-SHA-256");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_the_rfcs),
		cmocka_unit_test(verifies_one_password),
		cmocka_unit_test(locked_keys_keep_their_face),
		cmocka_unit_test(decoys_are_stable),
		cmocka_unit_test(formats_for_cyrus),
		cmocka_unit_test(finds_hashes_by_name),
	};

	return cmocka_run_group_tests_name("auth/scram_keys", tests, NULL, NULL);
}
