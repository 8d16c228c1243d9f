/* SPDX-License-Identifier: BSD-2-Clause */
/* A SCRAM client (RFC 5802) for tests: written apart from the server's code, so that both must be right. */
#ifndef SCRAM_CLIENT_H
#define SCRAM_CLIENT_H

#include "unit.h"

#include <nettle/hmac.h>
#include <nettle/pbkdf2.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "wire/base64.h"

struct scram_client {
	bool sha1;
	const char *gs2;      /* "n,,", "p=tls-exporter,,", … */
	struct span binding;  /* channel binding data */
	const char *password;
	char bare[300];       /* client-first-message-bare */
	char salted[32];
	unsigned char server_key[32];
	char message[2048];
	char signature[64];   /* base64 that the server must send */
};

static void
scram_client_mac(const struct scram_client *client, const void *key, const char *text, void *out)
{
	struct hmac_sha256_ctx sha256;
	struct hmac_sha1_ctx sha1;

	if (client->sha1) {
		hmac_sha1_set_key(&sha1, 20, key);
		hmac_sha1_update(&sha1, strlen(text), (const uint8_t *)text);
		hmac_sha1_digest(&sha1, 20, out);
	} else {
		hmac_sha256_set_key(&sha256, 32, key);
		hmac_sha256_update(&sha256, strlen(text), (const uint8_t *)text);
		hmac_sha256_digest(&sha256, 32, out);
	}
}

static void
scram_client_hash(const struct scram_client *client, const unsigned char *from, unsigned char *out)
{
	struct sha256_ctx sha256;
	struct sha1_ctx sha1;

	if (client->sha1) {
		sha1_init(&sha1);
		sha1_update(&sha1, 20, from);
		sha1_digest(&sha1, 20, out);
	} else {
		sha256_init(&sha256);
		sha256_update(&sha256, 32, from);
		sha256_digest(&sha256, 32, out);
	}
}

static void
scram_client_base64(struct span bytes, char *to, size_t size)
{
	struct buf text = BUF_INIT(0);

	base64_format(bytes, &text);
	snprintf(to, size, "%.*s", SPAN_PRINT(buf_span(&text)));
	buf_fini(&text);
}

/* The first message, in client->message. */
static inline struct span
scram_client_first(struct scram_client *client, const char *login)
{
	snprintf(client->bare, sizeof client->bare, "n=%s,r=fyko+d2lbbFgONRv9qkxdawL", login);
	snprintf(client->message, sizeof client->message, "%s%s", client->gs2, client->bare);
	return span_text(client->message);
}

/* One attribute of the server's first message; false if it is not there. */
static inline bool
scram_client_attribute(struct span server_first, char name, char *to, size_t size)
{
	struct span rest = server_first;

	while (rest.length) {
		struct span part = span_cut(rest, ',', &rest);

		if (part.length >= 2 && part.start[0] == name && part.start[1] == '=') {
			snprintf(to, size, "%.*s", SPAN_PRINT(span_from(part, 2)));
			return true;
		}
	}
	return false;
}

/* The final message for what the server said, in client->message. */
static inline struct span
scram_client_final(struct scram_client *client, struct span server_first)
{
	unsigned char client_key[32];
	unsigned char stored[32];
	unsigned char mac[32];
	size_t size = client->sha1 ? 20 : 32;
	struct buf salt = BUF_INIT(0);
	struct buf bound = BUF_INIT(0);
	char nonce[256];
	char encoded[256];
	char rounds[16];
	char proof[64];
	char binding[256];
	char without_proof[700];
	char auth[2048];

	assert_true(scram_client_attribute(server_first, 'r', nonce, sizeof nonce));
	assert_true(scram_client_attribute(server_first, 's', encoded, sizeof encoded));
	assert_true(scram_client_attribute(server_first, 'i', rounds, sizeof rounds));
	assert_true(base64_parse(span_text(encoded), &salt));
	if (client->sha1)
		pbkdf2_hmac_sha1(strlen(client->password), (const uint8_t *)client->password,
			(unsigned)atoi(rounds), buf_length(&salt),
			(const uint8_t *)buf_span(&salt).start, 20, (uint8_t *)client->salted);
	else
		pbkdf2_hmac_sha256(strlen(client->password), (const uint8_t *)client->password,
			(unsigned)atoi(rounds), buf_length(&salt),
			(const uint8_t *)buf_span(&salt).start, 32, (uint8_t *)client->salted);
	buf_add_text(&bound, client->gs2);
	buf_add_span(&bound, client->binding);
	scram_client_base64(buf_span(&bound), binding, sizeof binding);
	snprintf(without_proof, sizeof without_proof, "c=%s,r=%s", binding, nonce);
	snprintf(auth, sizeof auth, "%s,%.*s,%s", client->bare, SPAN_PRINT(server_first),
		without_proof);
	scram_client_mac(client, client->salted, "Client Key", client_key);
	scram_client_hash(client, client_key, stored);
	scram_client_mac(client, stored, auth, mac);
	for (size_t i = 0; i < size; i++)
		mac[i] ^= client_key[i];
	scram_client_base64(span_of(mac, size), proof, sizeof proof);
	scram_client_mac(client, client->salted, "Server Key", client->server_key);
	scram_client_mac(client, client->server_key, auth, mac);
	scram_client_base64(span_of(mac, size), client->signature, sizeof client->signature);
	snprintf(client->message, sizeof client->message, "%s,p=%s", without_proof, proof);
	buf_fini(&salt);
	buf_fini(&bound);
	return span_text(client->message);
}

#endif
