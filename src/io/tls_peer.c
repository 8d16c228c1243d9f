/* SPDX-License-Identifier: BSD-2-Clause */
/* The certificate that the other end of a TLS session shows: does it hold, and for whom? */
#include <string.h>

#include "io/tls_parts.h"

static int
import_chain(gnutls_session_t gnutls, gnutls_x509_crt_t *chain, unsigned *count_out)
{
	const gnutls_datum_t *list = gnutls_certificate_get_peers(gnutls, count_out);

	if (!list || !*count_out)
		return GNUTLS_E_NO_CERTIFICATE_FOUND;
	if (*count_out > TLS_CHAIN_MAX_CERTIFICATES)
		return GNUTLS_E_CERTIFICATE_LIST_UNSORTED;
	for (unsigned i = 0; i < *count_out; i++) {
		int result = gnutls_x509_crt_init(&chain[i]);

		if (result == 0)
			result = gnutls_x509_crt_import(chain[i], &list[i], GNUTLS_X509_FMT_DER);
		if (result < 0) {
			*count_out = i + 1;
			return result;
		}
	}
	return 0;
}

static void
remember_subject(struct tls_session *session, gnutls_x509_crt_t leaf)
{
	char name[TLS_NAME_MAX_BYTES];
	char text[TLS_NAME_MAX_BYTES];
	size_t size = sizeof name;

	/* The common name, or the whole subject where there is none. */
	if (gnutls_x509_crt_get_dn_by_oid(leaf, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name, &size) < 0) {
		size = sizeof name;
		if (gnutls_x509_crt_get_dn(leaf, name, &size) < 0)
			return;
	}
	text_escape(span_of(name, strnlen(name, size)), text, sizeof text);
	mem_free(&session->peer);
	session->peer = mem_strdup(text);
}

/*
 * A certificate without extended key usage is one for everything (RFC 5280 4.2.1.12), which a client's
 * must not be: whoever got it for a web server, say, would be a client as well.
 */
static bool
is_for_clients(gnutls_x509_crt_t leaf)
{
	char oid[64];

	for (unsigned i = 0;; i++) {
		size_t size = sizeof oid;

		if (gnutls_x509_crt_get_key_purpose_oid(leaf, i, oid, &size, NULL) < 0)
			return false;
		if (strcmp(oid, GNUTLS_KP_TLS_WWW_CLIENT) == 0)
			return true;
	}
}

static void
judge(struct tls_session *session, gnutls_x509_crt_t *chain, unsigned count)
{
	bool is_client = session->client != NULL;
	gnutls_x509_trust_list_t trust = is_client ? session->client->trust : session->server->trust;
	gnutls_typed_vdata_st wanted[2] = {
		{ .type = GNUTLS_DT_KEY_PURPOSE_OID,
				.data = (unsigned char *)(is_client ? GNUTLS_KP_TLS_WWW_SERVER
								    : GNUTLS_KP_TLS_WWW_CLIENT) },
		{ .type = GNUTLS_DT_DNS_HOSTNAME, .data = (unsigned char *)session->name },
	};

	session->status = GNUTLS_CERT_INVALID;
	if (gnutls_x509_trust_list_verify_crt2(trust, chain, count, wanted,
			    is_client && session->name ? 2 : 1, 0, &session->status, NULL) < 0)
		session->status |= GNUTLS_CERT_INVALID;
	if (!is_client && !is_for_clients(chain[0]))
		session->status |= GNUTLS_CERT_INVALID | GNUTLS_CERT_PURPOSE_MISMATCH;
}

/* A whole name as RFC 4514 writes it; one that cannot be read is left out. */
static const char *
take_dn(gnutls_x509_crt_t leaf, struct arena *arena,
		int (*get)(gnutls_x509_crt_t leaf, gnutls_datum_t *dn, unsigned flags))
{
	gnutls_datum_t dn;
	const char *text;

	if (get(leaf, &dn, 0) < 0)
		return NULL;
	text = arena_strndup(arena, (const char *)dn.data, dn.size);
	gnutls_free(dn.data);
	return text;
}

/* Of a certificate that holds alone: nobody else's names are ever read. */
static void
take_names(struct tls_session *session, gnutls_x509_crt_t leaf)
{
	struct arena *arena = arena_new(0);

	session->names_fault = tls_names_read(leaf, arena, &session->names, &session->name_count);
	if (session->names_fault) {
		arena_free(&arena);
		return;
	}
	session->names_arena = arena;
	session->subject = take_dn(leaf, arena, gnutls_x509_crt_get_dn3);
	session->issuer = take_dn(leaf, arena, gnutls_x509_crt_get_issuer_dn3);
}

static void
forget_names(struct tls_session *session)
{
	arena_free(&session->names_arena);
	session->names = NULL;
	session->name_count = 0;
	session->subject = session->issuer = NULL;
	session->names_fault = NULL;
}

static bool
is_refused(const struct tls_session *session)
{
	if (session->client)
		return session->client->verify == TLS_VERIFY_REQUIRED && session->status;
	return session->server->require_certificate && (session->status || session->names_fault);
}

int
tls_peer_on_verify(gnutls_session_t gnutls)
{
	struct tls_session *session = gnutls_session_get_ptr(gnutls);
	gnutls_x509_crt_t chain[TLS_CHAIN_MAX_CERTIFICATES] = { NULL };
	unsigned count = 0;
	int result = import_chain(gnutls, chain, &count);

	forget_names(session);
	if (result == 0) {
		session->has_peer = true;
		remember_subject(session, chain[0]);
		judge(session, chain, count);
		if (session->server && session->status == 0)
			take_names(session, chain[0]);
	}
	for (unsigned i = 0; i < count && i < TLS_CHAIN_MAX_CERTIFICATES; i++) {
		if (chain[i])
			gnutls_x509_crt_deinit(chain[i]);
	}
	/* A client need not show one; but what cannot be read is not gone on with. */
	if (result == GNUTLS_E_NO_CERTIFICATE_FOUND && session->server &&
			!session->server->require_certificate)
		return 0;
	if (result < 0)
		return GNUTLS_E_CERTIFICATE_ERROR;
	return is_refused(session) ? GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR : 0;
}
