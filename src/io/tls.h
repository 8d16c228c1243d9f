/* SPDX-License-Identifier: BSD-2-Clause */
/* TLS: what a listener offers, what a client demands, and one session of either. Bytes in, bytes out. */
#ifndef IO_TLS_H
#define IO_TLS_H

#include "base/buffer.h"
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
	TLS_BINDING_MAX_BYTES = 64,
	TLS_NAME_MAX_BYTES = 256,  /* a host name with its NUL */
	TLS_TEXT_MAX_BYTES = 128,
};

/* 1.3 and 1.2 (or from minimum on), ECDHE with AEAD only, SHA-2 signatures, ECDSA preferred. */
struct tls_settings {
	const char *priority;             /* GnuTLS priority string instead of the default; NULL = default */
	enum tls_version minimum;         /* TLS_VERSION_1_2 unless the administrator says otherwise */
	const unsigned char *ticket_key;  /* 64 bytes, one per listener; NULL = no tickets */
	const char *const *alpn;          /* a client that offers ALPN must offer one of these */
	size_t alpn_count;
	bool ask_certificate;             /* server: ask for one, and verify it against trust_pem */
	struct span trust_pem;
};

/* Never early data, never renegotiation, never RSA key exchange. Shared by all sessions of a listener. */
struct tls_server;

/* Takes its own hold of the set. NULL with a fault, which quotes the wrong part of a priority string. */
struct tls_server *tls_server_new(
	const struct tls_settings *settings, struct tls_set *set, struct fault *fault_out);
void tls_server_free(struct tls_server **server);          /* sessions go on */
/* For sessions from now on. */
void tls_server_set_certificates(struct tls_server *server, struct tls_set *set);
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

/* --- a session */

enum tls_io {
	TLS_DONE,
	TLS_WANT_READ,   /* feed it more */
	TLS_CLOSED,      /* close_notify came: nothing after it is ever read */
	TLS_FAILED,      /* with a fault; what is in the output is the alert */
};

/*
 * A session touches no fd: what came from the network is fed to it, and what must go there gathers
 * in its output, which the owner sends. So it may be driven on a worker thread, by one thread at a
 * time. stream.h does all this; nobody else should need it.
 */
struct tls_session;

struct tls_session *tls_session_new_server(struct tls_server *server);
/* name: the host meant, for SNI and for the check; NULL or an address literal sends no SNI. */
struct tls_session *tls_session_new_client(struct tls_client *client, const char *name);
void tls_session_free(struct tls_session **session);

/* Borrowed until the next feed; it takes the place of what was unread. */
void tls_session_feed(struct tls_session *session, struct span input);
size_t tls_session_unread(const struct tls_session *session); /* of the input, from its end */
struct buf *tls_session_output(struct tls_session *session);

/*
 * TLS_DONE once the handshake is over. If the server's next step is an RSA signature and hold_rsa
 * is set, returns TLS_WANT_READ with tls_session_is_held(): call again, with the hold off, on a
 * thread that may take its time.
 */
enum tls_io tls_session_handshake(struct tls_session *session, struct fault *fault_out);
void tls_session_hold_rsa(struct tls_session *session, bool hold);
bool tls_session_is_held(const struct tls_session *session);
/* TLS_DONE with 1 to size bytes. */
enum tls_io tls_session_read(struct tls_session *session, void *to, size_t size, size_t *got_out,
	struct fault *fault_out);
/* All of it, into the output. */
bool tls_session_write(struct tls_session *session, struct span from, struct fault *fault_out);
void tls_session_bye(struct tls_session *session);         /* close_notify, into the output */

/* --- facts about a session, after its handshake */

const char *tls_session_version(const struct tls_session *session);  /* "TLS1.3" */
const char *tls_session_cipher(const struct tls_session *session);   /* IANA: "TLS_AES_256_GCM_SHA384" */
const char *tls_session_group(const struct tls_session *session);    /* "X25519" */
/* "TLS1.3 TLS_AES_256_GCM_SHA384 X25519", for logs. */
const char *tls_session_describe(const struct tls_session *session, char to[TLS_TEXT_MAX_BYTES]);
const char *tls_session_name(const struct tls_session *session);     /* SNI asked for; "" if none or unfit */
const char *tls_session_alpn(const struct tls_session *session);     /* "" if none */
bool tls_session_is_resumed(const struct tls_session *session);
enum tls_key tls_session_key(const struct tls_session *session);     /* of the server's certificate */
/*
 * Client: did the peer's chain and name hold? Server: did the client show a certificate that holds?
 * False with the reason.
 */
bool tls_session_is_verified(const struct tls_session *session, struct fault *fault_out);
/* The peer's certificate by its subject; "" if there is none. */
const char *tls_session_peer(const struct tls_session *session);

enum tls_binding {
	TLS_BINDING_EXPORTER,         /* RFC 9266; not with TLS 1.2 without extended master secret */
	TLS_BINDING_SERVER_END_POINT, /* RFC 5929; of our own certificate, so also on resumed sessions */
};

bool tls_session_binding(const struct tls_session *session, enum tls_binding kind,
	unsigned char to[TLS_BINDING_MAX_BYTES], size_t *size_out);
const char *tls_binding_name(enum tls_binding kind);       /* "tls-exporter", as SASL calls it */

#endif
