/* SPDX-License-Identifier: BSD-2-Clause */
/* One TLS session as an engine: bytes in, bytes out. And what there is to say about it afterwards. */
#ifndef IO_TLS_SESSION_H
#define IO_TLS_SESSION_H

#include "base/buffer.h"
#include "io/tls.h"

enum {
	TLS_BINDING_MAX_BYTES = 64,
	TLS_TEXT_MAX_BYTES = 128,
	TLS_NAMES_MAX = 16,            /* of a client's certificate; one with more has none that counts */
};

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
unsigned tls_session_bits(const struct tls_session *session);        /* of the cipher: 256 */
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
/*
 * Server: the names in the client's certificate, if it showed one that holds: DNS names and mail
 * addresses of the SANs in lower case, the CN where there is neither, and always "sha256:" with the
 * SHA-256 of the certificate in hex. Borrowed; none (0) for any other session.
 */
size_t tls_session_names(const struct tls_session *session, const char *const **names_out);
/* The same certificate's whole names, RFC 4514: "CN=plc.example.org,O=Example"; "" where it has no such names. */
const char *tls_session_subject(const struct tls_session *session);
const char *tls_session_issuer(const struct tls_session *session);

enum tls_binding {
	TLS_BINDING_EXPORTER,         /* RFC 9266; not with TLS 1.2 without extended master secret */
	TLS_BINDING_SERVER_END_POINT, /* RFC 5929; of our own certificate, so also on resumed sessions */
};

bool tls_session_binding(const struct tls_session *session, enum tls_binding kind,
	unsigned char to[TLS_BINDING_MAX_BYTES], size_t *size_out);
const char *tls_binding_name(enum tls_binding kind);       /* "tls-exporter", as SASL calls it */

#endif
