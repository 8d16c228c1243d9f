/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the GnuTLS fence share among themselves; nobody else includes this. */
#ifndef IO_TLS_PARTS_H
#define IO_TLS_PARTS_H

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "base/memory.h"
#include "io/tls_session.h"

enum { TLS_KEY_KINDS = 3 };

struct tls_certificate {
	unsigned holds;
	struct arena *arena;             /* the texts of facts, and this list: */
	gnutls_x509_crt_t *chain;        /* leaf first */
	unsigned chain_length;
	struct tls_facts facts;
	gnutls_datum_t leaf;             /* DER */
	unsigned char end_point[TLS_BINDING_MAX_BYTES]; /* its channel binding */
	size_t end_point_size;           /* 0: it has none */
	gnutls_x509_privkey_t local_key; /* one of these two, once a key is set */
	tls_sign_fn *sign;
	void *sign_context;
};

/* The certificates for one name, at most one of each kind of key, as GnuTLS wants them. */
struct tls_choice {
	gnutls_certificate_credentials_t credentials;
	struct tls_certificate *by_key[TLS_KEY_KINDS]; /* held by the set */
	struct tls_choice *next;
};

struct tls_server {
	unsigned holds;
	struct tls_set *set;
	gnutls_priority_t priority;
	bool has_ticket_key;
	unsigned char ticket_key[TLS_TICKET_KEY_BYTES];
	unsigned ticket_life_s;
	gnutls_datum_t *alpn;
	unsigned alpn_count;
	bool ask_certificate;
	bool require_certificate;
	gnutls_x509_trust_list_t trust;
};

struct tls_client {
	unsigned holds;
	enum tls_verify verify;
	gnutls_priority_t priority;
	gnutls_certificate_credentials_t credentials;
	struct tls_certificate *certificate;
	gnutls_x509_trust_list_t trust;
};

struct tls_session {
	gnutls_session_t gnutls;
	struct tls_server *server;       /* one of these two */
	struct tls_client *client;
	struct tls_set *set;             /* server: the one in use when the session began */
	struct tls_choice *choice;       /* server: by the name asked for */
	struct span input;
	struct buf output;
	char *name;                      /* server: asked for; client: meant; NULL if none */
	char *peer;
	struct arena *names_arena;       /* server: of the client's names; NULL: there are none */
	const char *const *names;
	size_t name_count;
	const char *subject;             /* server: of a certificate that has names; or NULL */
	const char *issuer;
	const char *names_fault;         /* server: why a certificate that holds has none; or NULL */
	enum tls_io state;               /* WANT_READ until the handshake is done; the ends stick */
	unsigned skips;
	unsigned status;                 /* GnuTLS' verdict on the peer's certificate */
	bool has_peer;
	bool hold_rsa;
	bool held;
	bool knows_ecdsa;                /* server: the client's hello says so */
};

/* Always false. error is GnuTLS' number. */
bool tls_fault(struct fault *fault_out, enum fault_kind kind, int error, const char *what);

/* A host name, or one with "*" as its left label; lower-cased. NULL if it is anything else. */
const char *tls_name_lower(struct arena *arena, struct span name);

/* RFC 5929 4.1; false if it knows none for this kind of certificate. */
bool tls_end_point(gnutls_x509_crt_t certificate, const gnutls_datum_t *der,
	unsigned char to[TLS_BINDING_MAX_BYTES], size_t *size_out);

/* Puts the chain and a key that signs as the certificate was told into the credentials. */
bool tls_key_attach(struct tls_certificate *certificate,
	gnutls_certificate_credentials_t credentials, struct fault *fault_out);

/* Makes the choices; the set takes no more certificates. */
bool tls_set_seal(struct tls_set *set, struct fault *fault_out);
/* By SNI: exact, then wildcard, then the default. */
struct tls_choice *tls_set_choose(const struct tls_set *set, struct span name);

/* The certificate that the other end shows: GnuTLS calls it in the handshake, and heeds its answer. */
int tls_peer_on_verify(gnutls_session_t gnutls);
/*
 * The names of a client's certificate, which was verified. NULL, and names made in the arena; or what
 * is wrong with them.
 */
const char *tls_names_read(gnutls_x509_crt_t certificate, struct arena *arena,
	const char *const **names_out, size_t *count_out);
struct tls_server *tls_server_hold(struct tls_server *server);
struct tls_client *tls_client_hold(struct tls_client *client);

#endif
