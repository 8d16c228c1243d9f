/* SPDX-License-Identifier: BSD-2-Clause */
/* TLS: what a listener offers, what a client demands. Sessions of either are in tls_session.h. */
#ifndef IO_TLS_H
#define IO_TLS_H

#include "io/tls_certificate.h"

/* --- what a listener offers */

enum tls_version {
	TLS_VERSION_1_0,
	TLS_VERSION_1_1,
	TLS_VERSION_1_2,
	TLS_VERSION_1_3,
};

enum {
	TLS_TICKET_KEY_BYTES = 64,
	TLS_NAME_MAX_BYTES = 256,  /* a host name with its NUL */
};

/* 1.3 and 1.2 (or from minimum on), ECDHE with AEAD only, SHA-2 signatures, ECDSA preferred. */
struct tls_settings {
	const char *priority;             /* GnuTLS priority string instead of the default; NULL = default */
	enum tls_version minimum;         /* TLS_VERSION_1_2 unless the administrator says otherwise */
	const unsigned char *ticket_key;  /* 64 bytes, one per listener; NULL = no tickets */
	unsigned ticket_life_s;           /* 0 = 6 hours; at most a week */
	const char *const *alpn;          /* a client that offers ALPN must offer one of these */
	size_t alpn_count;
	bool ask_certificate;             /* of the client, to verify it against trust_pem; no tickets then */
	bool require_certificate;         /* and without one that holds there is no session */
	struct span trust_pem;
};

/*
 * Where client certificates are asked for there are no tickets: a session that is resumed shows no
 * certificate, and what was true of one at its first handshake may be so no longer.
 *
 * Never early data, never renegotiation, never RSA key exchange. Shared by all sessions of a
 * listener.
 */
struct tls_server;

/* Takes its own hold of the set. NULL with a fault, which quotes the wrong part of a priority string. */
struct tls_server *tls_server_new(
	const struct tls_settings *settings, struct tls_set *set, struct fault *fault_out);
void tls_server_free(struct tls_server **server);          /* sessions go on */
/* For sessions from now on. False if the set is no good; the old one then stays in use. */
bool tls_server_set_certificates(
	struct tls_server *server, struct tls_set *set, struct fault *fault_out);
void tls_server_set_ticket_key(struct tls_server *server, const unsigned char key[TLS_TICKET_KEY_BYTES]);
/* Is this priority string (NULL: the default) one that GnuTLS understands? For checking a configuration. */
bool tls_priority_check(const char *priority, enum tls_version minimum, struct fault *fault_out);

/* --- what a client demands */

enum tls_verify {
	TLS_VERIFY_NONE,          /* take any certificate, do not even look */
	TLS_VERIFY_OPPORTUNISTIC, /* look and say, but go on */
	TLS_VERIFY_REQUIRED,      /* chain and name must be right, or the handshake fails */
};

struct tls_client_settings {
	enum tls_verify verify;
	const char *trust_file;           /* PEM; NULL with an empty trust_pem = the system's */
	struct span trust_pem;
	const char *priority;             /* NULL = default */
	enum tls_version minimum;
	struct tls_certificate *certificate; /* to show if asked; NULL = none */
};

struct tls_client;

struct tls_client *tls_client_new(const struct tls_client_settings *settings, struct fault *fault_out);
void tls_client_free(struct tls_client **client);          /* sessions go on */

#endif
