/* SPDX-License-Identifier: BSD-2-Clause */
/* One TLS session as an engine: bytes in, bytes out, no fd, no clock of its own. */
#include "io/tls_session.h"

#include <errno.h>
#include <string.h>

#include "io/tls_parts.h"

enum {
	/* Without client certificates a hello is all that comes; the largest known have 2 KiB. */
	SERVER_MESSAGE_MAX_BYTES = 16384,
	CHAIN_MESSAGE_MAX_BYTES = 65536,
	/* Warnings and the like that may be skipped in a row before it counts as a flood. */
	SKIPS_MAX = 16,
	EXTENSION_SIGNATURE_ALGORITHMS = 13, /* RFC 8446 4.2 */
	SIGNATURE_ECDSA = 3,                 /* RFC 5246 7.4.1.4.1: the second byte */
};

/* --- transport: GnuTLS pulls from the input and pushes into the output */

static ssize_t
on_pull(gnutls_transport_ptr_t context, void *to, size_t size)
{
	struct tls_session *session = context;
	struct span piece = span_first(session->input, size);

	if (!piece.length) {
		gnutls_transport_set_errno(session->gnutls, EAGAIN);
		return -1;
	}
	memcpy(to, piece.start, piece.length);
	session->input = span_from(session->input, piece.length);
	return (ssize_t)piece.length;
}

static int
on_pull_wait(gnutls_transport_ptr_t context, unsigned ms)
{
	struct tls_session *session = context;

	(void)ms;
	return session->input.length > 0;
}

static ssize_t
on_push(gnutls_transport_ptr_t context, const giovec_t *pieces, int count)
{
	struct tls_session *session = context;
	ssize_t total = 0;

	for (int i = 0; i < count; i++) {
		buf_add(&session->output, pieces[i].iov_base, pieces[i].iov_len);
		total += (ssize_t)pieces[i].iov_len;
	}
	return total;
}

/* --- the name that the client asks for */

static bool
looks_like_address(const char *name)
{
	return name[strspn(name, "0123456789.")] == '\0';
}

static void
take_name(struct tls_session *session)
{
	char name[TLS_NAME_MAX_BYTES];
	size_t size = sizeof name;
	unsigned type;
	struct arena *arena;
	const char *lower;

	mem_free(&session->name);
	if (gnutls_server_name_get(session->gnutls, name, &size, &type, 0) != 0 ||
			type != GNUTLS_NAME_DNS || size >= sizeof name || strlen(name) != size)
		return;
	arena = arena_new(TLS_NAME_MAX_BYTES);
	lower = tls_name_lower(arena, span_of(name, size));
	if (lower && lower[0] != '*' && !looks_like_address(lower))
		session->name = mem_strdup(lower);
	arena_free(&arena);
}

static bool
needs_rsa(const struct tls_session *session)
{
	const struct tls_choice *choice = session->choice;

	if (!choice->by_key[TLS_KEY_RSA])
		return false;
	return !session->knows_ecdsa || !choice->by_key[TLS_KEY_ECDSA];
}

static int
on_client_hello(gnutls_session_t gnutls)
{
	struct tls_session *session = gnutls_session_get_ptr(gnutls);

	take_name(session);
	session->choice = tls_set_choose(session->set, span_text(session->name));
	gnutls_credentials_set(gnutls, GNUTLS_CRD_CERTIFICATE, session->choice->credentials);
	session->held = session->hold_rsa && needs_rsa(session);
	return session->held ? GNUTLS_E_AGAIN : 0;
}

static int
on_extension(void *context, unsigned id, const unsigned char *bytes, unsigned size)
{
	struct tls_session *session = context;

	if (id != EXTENSION_SIGNATURE_ALGORITHMS)
		return 0;
	/* Two bytes of length, then pairs. */
	for (unsigned i = 2; i + 1 < size; i += 2) {
		if (bytes[i + 1] == SIGNATURE_ECDSA)
			session->knows_ecdsa = true;
	}
	return 0;
}

/* Before GnuTLS looks at it: can the client do ECDSA? Then no RSA signature will be wanted. */
static int
on_hello_message(gnutls_session_t gnutls, unsigned type, unsigned when, unsigned incoming,
		const gnutls_datum_t *message)
{
	(void)type;
	(void)when;
	if (incoming)
		gnutls_ext_raw_parse(gnutls_session_get_ptr(gnutls), on_extension, message,
				GNUTLS_EXT_RAW_FLAG_TLS_CLIENT_HELLO);
	return 0;
}

/* --- making */

static struct tls_session *
session_new(unsigned flags, gnutls_priority_t priority)
{
	struct tls_session *session = mem_alloc(sizeof(*session));

	session->state = TLS_WANT_READ;
	/* Early data is never asked for, so it is never announced (RFC 8446 4.2.10). */
	gnutls_init(&session->gnutls, flags | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL);
	gnutls_priority_set(session->gnutls, priority);
	gnutls_session_set_ptr(session->gnutls, session);
	gnutls_transport_set_ptr(session->gnutls, session);
	gnutls_transport_set_pull_function(session->gnutls, on_pull);
	gnutls_transport_set_pull_timeout_function(session->gnutls, on_pull_wait);
	gnutls_transport_set_vec_push_function(session->gnutls, on_push);
	/* The owner of the stream has a deadline for the handshake. */
	gnutls_handshake_set_timeout(session->gnutls, GNUTLS_INDEFINITE_TIMEOUT);
	return session;
}

struct tls_session *
tls_session_new_server(struct tls_server *server)
{
	struct tls_session *session = session_new(GNUTLS_SERVER |
					(server->has_ticket_key ? GNUTLS_NO_AUTO_SEND_TICKET
								: GNUTLS_NO_TICKETS),
			server->priority);
	gnutls_datum_t key = { .data = server->ticket_key, .size = TLS_TICKET_KEY_BYTES };

	session->server = tls_server_hold(server);
	session->set = tls_set_hold(server->set);
	session->choice = tls_set_choose(session->set, SPAN_EMPTY);
	gnutls_credentials_set(
			session->gnutls, GNUTLS_CRD_CERTIFICATE, session->choice->credentials);
	gnutls_handshake_set_post_client_hello_function(session->gnutls, on_client_hello);
	gnutls_handshake_set_max_packet_length(session->gnutls,
			server->ask_certificate ? CHAIN_MESSAGE_MAX_BYTES
						: SERVER_MESSAGE_MAX_BYTES);
	if (server->has_ticket_key) {
		gnutls_session_ticket_enable_server(session->gnutls, &key);
		gnutls_db_set_cache_expiration(session->gnutls, (int)server->ticket_life_s);
	}
	if (server->alpn_count)
		gnutls_alpn_set_protocols(session->gnutls, server->alpn, server->alpn_count,
				GNUTLS_ALPN_MANDATORY);
	if (server->ask_certificate) {
		gnutls_certificate_server_set_request(session->gnutls,
				server->require_certificate ? GNUTLS_CERT_REQUIRE : GNUTLS_CERT_REQUEST);
		gnutls_session_set_verify_function(session->gnutls, tls_peer_on_verify);
	}
	return session;
}

struct tls_session *
tls_session_new_client(struct tls_client *client, const char *name)
{
	struct tls_session *session = session_new(GNUTLS_CLIENT, client->priority);

	session->client = tls_client_hold(client);
	session->name = mem_strdup(name);
	gnutls_credentials_set(session->gnutls, GNUTLS_CRD_CERTIFICATE, client->credentials);
	gnutls_handshake_set_max_packet_length(session->gnutls, CHAIN_MESSAGE_MAX_BYTES);
	if (name && !looks_like_address(name) && !strchr(name, ':'))
		gnutls_server_name_set(session->gnutls, GNUTLS_NAME_DNS, name, strlen(name));
	if (client->verify != TLS_VERIFY_NONE)
		gnutls_session_set_verify_function(session->gnutls, tls_peer_on_verify);
	return session;
}

void
tls_session_free(struct tls_session **session)
{
	struct tls_session *old = *session;

	if (!old)
		return;
	*session = NULL;
	gnutls_deinit(old->gnutls);
	tls_server_free(&old->server);
	tls_client_free(&old->client);
	tls_set_free(&old->set);
	buf_fini(&old->output);
	mem_free(&old->name);
	mem_free(&old->peer);
	arena_free(&old->names_arena);
	mem_free(&old);
}

/* --- driving */

void
tls_session_feed(struct tls_session *session, struct span input)
{
	session->input = input;
}

size_t
tls_session_unread(const struct tls_session *session)
{
	return session->input.length;
}

struct buf *
tls_session_output(struct tls_session *session)
{
	return &session->output;
}

void
tls_session_hold_rsa(struct tls_session *session, bool hold)
{
	session->hold_rsa = hold;
	session->held = false;
	gnutls_handshake_set_hook_function(session->gnutls, GNUTLS_HANDSHAKE_CLIENT_HELLO,
			GNUTLS_HOOK_PRE, hold ? on_hello_message : NULL);
}

bool
tls_session_is_held(const struct tls_session *session)
{
	return session->held;
}

static enum tls_io
fail(struct tls_session *session, int error, struct fault *fault_out)
{
	const char *alert;

	session->state = TLS_FAILED;
	if (error == GNUTLS_E_FATAL_ALERT_RECEIVED) {
		alert = gnutls_alert_get_name(gnutls_alert_get(session->gnutls));
		fault_set(fault_out, FAULT_PEER, "TLS: the other end says \"%s\"",
				alert ? alert : "unknown alert");
	} else if (error == GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR) {
		tls_session_is_verified(session, fault_out);
		fault_add(fault_out, "TLS");
	} else {
		tls_fault(fault_out, FAULT_PEER, error, "TLS");
	}
	if (error != GNUTLS_E_FATAL_ALERT_RECEIVED)
		gnutls_alert_send_appropriate(session->gnutls, error);
	return TLS_FAILED;
}

/* Not an end, but nothing to show for either: warnings, mostly. A flood of them is an end. */
static bool
may_skip(struct tls_session *session, int result)
{
	return result == GNUTLS_E_WARNING_ALERT_RECEIVED && ++session->skips <= SKIPS_MAX;
}

static bool
is_waiting(int result)
{
	return result == GNUTLS_E_AGAIN || result == GNUTLS_E_INTERRUPTED;
}

/* GnuTLS stops after some messages although there is more to read. */
static bool
may_go_on(struct tls_session *session, int result, size_t unread_before)
{
	if (may_skip(session, result))
		return true;
	return is_waiting(result) && !session->held && session->input.length &&
			session->input.length < unread_before;
}

enum tls_io
tls_session_handshake(struct tls_session *session, struct fault *fault_out)
{
	size_t unread;
	int result;

	if (session->state != TLS_WANT_READ)
		return session->state;
	do {
		unread = session->input.length;
		result = gnutls_handshake(session->gnutls);
	} while (may_go_on(session, result, unread));
	if (result == 0) {
		session->state = TLS_DONE;
		/* One is enough for one client; GnuTLS by itself sends two. */
		if (session->server && session->server->has_ticket_key)
			gnutls_session_ticket_send(session->gnutls, 1, 0);
		return TLS_DONE;
	}
	return is_waiting(result) ? TLS_WANT_READ : fail(session, result, fault_out);
}

enum tls_io
tls_session_read(struct tls_session *session, void *to, size_t size, size_t *got_out,
		struct fault *fault_out)
{
	size_t unread;
	ssize_t result;

	if (session->state != TLS_DONE)
		return session->state;
	do {
		unread = session->input.length;
		result = gnutls_record_recv(session->gnutls, to, size);
	} while (may_go_on(session, (int)result, unread));
	if (result > 0) {
		*got_out = (size_t)result;
		session->skips = 0;
		return TLS_DONE;
	}
	if (result == 0) {
		session->state = TLS_CLOSED;
		return TLS_CLOSED;
	}
	/* A handshake begun anew (TLS 1.2) is an error like any other: renegotiation is refused. */
	return is_waiting((int)result) ? TLS_WANT_READ : fail(session, (int)result, fault_out);
}

bool
tls_session_write(struct tls_session *session, struct span from, struct fault *fault_out)
{
	while (from.length) {
		ssize_t sent = gnutls_record_send(session->gnutls, from.start, from.length);

		if (sent < 0) {
			fail(session, (int)sent, fault_out);
			return false;
		}
		from = span_from(from, (size_t)sent);
	}
	return true;
}

void
tls_session_bye(struct tls_session *session)
{
	if (session->state == TLS_DONE || session->state == TLS_CLOSED)
		gnutls_bye(session->gnutls, GNUTLS_SHUT_WR);
}
