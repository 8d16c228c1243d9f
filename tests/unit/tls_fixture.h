/* SPDX-License-Identifier: BSD-2-Clause */
/* Certificates made on the spot, and two TLS sessions that talk to each other in memory. */
#ifndef TLS_FIXTURE_H
#define TLS_FIXTURE_H

#include "unit.h"

#include "io/tls_session.h"

enum fixture_key {
	FIXTURE_RSA,      /* 2048 bits */
	FIXTURE_RSA_1024,
	FIXTURE_P256,
	FIXTURE_P384,
	FIXTURE_ED25519,
};

struct fixture_pair {
	char *chain_pem;  /* with the issuer's certificate behind it, if there is an issuer */
	char *key_pem;
};

struct fixture_wish {
	enum fixture_key key;
	const char *names[4];              /* DNS names */
	const char *common_name;           /* NULL: the first name */
	int64_t begins_in_s;               /* from now; 0 0 means an hour ago to 30 days hence */
	int64_t expires_in_s;
	bool is_authority;
	bool for_clients;                  /* extended key usage: client only */
	const struct fixture_pair *issuer; /* NULL: signs itself */
};

/* Keys are made once per kind and process: RSA keys take their time. */
struct fixture_pair fixture_certificate(const struct fixture_wish *wish);
void fixture_pair_free(struct fixture_pair *pair);

/* Loaded, with its key in place. */
struct tls_certificate *fixture_load(const struct fixture_wish *wish);

/* Carries bytes to and fro until both handshakes have ended, one way or the other. */
void fixture_shake(struct tls_session *client, struct tls_session *server,
	enum tls_io *client_out, enum tls_io *server_out, struct fault *client_fault,
	struct fault *server_fault);
/* All that one of them has to send goes to the other; what that one reads goes to text. */
enum tls_io fixture_carry(struct tls_session *from, struct tls_session *to, char *text,
	size_t size, struct fault *fault);

#endif
