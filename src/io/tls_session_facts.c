/* SPDX-License-Identifier: BSD-2-Clause */
/* What there is to say about a TLS session after its handshake, and its channel bindings. */
#include "io/tls_session.h"

#include <stdio.h>
#include <string.h>

#include "io/tls_parts.h"

static const char *
or_empty(const char *text)
{
	return text ? text : "";
}

const char *
tls_session_version(const struct tls_session *session)
{
	return or_empty(gnutls_protocol_get_name(gnutls_protocol_get_version(session->gnutls)));
}

const char *
tls_session_cipher(const struct tls_session *session)
{
	return or_empty(gnutls_ciphersuite_get(session->gnutls));
}

const char *
tls_session_group(const struct tls_session *session)
{
	return or_empty(gnutls_group_get_name(gnutls_group_get(session->gnutls)));
}

unsigned
tls_session_bits(const struct tls_session *session)
{
	return (unsigned)gnutls_cipher_get_key_size(gnutls_cipher_get(session->gnutls)) * 8;
}

const char *
tls_session_describe(const struct tls_session *session, char to[TLS_TEXT_MAX_BYTES])
{
	const char *group = tls_session_group(session);

	snprintf(to, TLS_TEXT_MAX_BYTES, "%s %s%s%s", tls_session_version(session),
			tls_session_cipher(session), *group ? " " : "", group);
	return to;
}

const char *
tls_session_name(const struct tls_session *session)
{
	return or_empty(session->name);
}

const char *
tls_session_alpn(const struct tls_session *session)
{
	gnutls_datum_t chosen;

	if (gnutls_alpn_get_selected_protocol(session->gnutls, &chosen) != 0)
		return "";
	/* Only what we offered ourselves can be chosen; GnuTLS gives it without an end. */
	for (unsigned i = 0; session->server && i < session->server->alpn_count; i++) {
		const gnutls_datum_t *own = &session->server->alpn[i];

		if (own->size == chosen.size && memcmp(own->data, chosen.data, own->size) == 0)
			return (const char *)own->data;
	}
	return "";
}

bool
tls_session_is_resumed(const struct tls_session *session)
{
	return gnutls_session_is_resumed(session->gnutls) != 0;
}

const char *
tls_session_peer(const struct tls_session *session)
{
	return or_empty(session->peer);
}

bool
tls_session_is_verified(const struct tls_session *session, struct fault *fault_out)
{
	gnutls_datum_t text;

	if (!session->has_peer)
		return fault_set(fault_out, FAULT_DENIED, session->client
						? "the certificate was not looked at"
						: "the client showed no certificate");
	if (session->status == 0 && !session->names_fault)
		return true;
	if (session->status == 0)
		return fault_set(fault_out, FAULT_DENIED, "the certificate has %s",
				session->names_fault);
	if (gnutls_certificate_verification_status_print(
			    session->status, GNUTLS_CRT_X509, &text, 0) < 0)
		return fault_set(fault_out, FAULT_DENIED, "the certificate does not hold");
	fault_set(fault_out, FAULT_DENIED, "%s", (const char *)text.data);
	gnutls_free(text.data);
	return false;
}

size_t
tls_session_names(const struct tls_session *session, const char *const **names_out)
{
	*names_out = session->names;
	return session->name_count;
}

const char *
tls_session_subject(const struct tls_session *session)
{
	return or_empty(session->subject);
}

const char *
tls_session_issuer(const struct tls_session *session)
{
	return or_empty(session->issuer);
}

/* --- our own certificate */

/* GnuTLS 3.7 does not say which certificate a resumed session began with, so this finds out. */
static const struct tls_certificate *
own_certificate(const struct tls_session *session)
{
	const gnutls_datum_t *leaf = gnutls_certificate_get_ours(session->gnutls);
	const struct tls_certificate *only = NULL;
	gnutls_kx_algorithm_t exchange = gnutls_kx_get(session->gnutls);
	bool is_rsa = exchange == GNUTLS_KX_ECDHE_RSA || exchange == GNUTLS_KX_DHE_RSA;
	bool suite_tells = gnutls_protocol_get_version(session->gnutls) < GNUTLS_TLS1_3;

	for (int i = 0; i < TLS_KEY_KINDS; i++) {
		const struct tls_certificate *own = session->choice->by_key[i];

		if (!own)
			continue;
		if (leaf && !tls_session_is_resumed(session)) {
			if (leaf->size == own->leaf.size &&
					memcmp(leaf->data, own->leaf.data, leaf->size) == 0)
				return own;
			continue;
		}
		/* Under TLS 1.2 the cipher suite tells; under 1.3 only if there is no choice. */
		if (suite_tells && i == (is_rsa ? TLS_KEY_RSA : TLS_KEY_ECDSA))
			return own;
		if (only && !suite_tells)
			return NULL;
		only = own;
	}
	return only;
}

enum tls_key
tls_session_key(const struct tls_session *session)
{
	const struct tls_certificate *own = session->server ? own_certificate(session) : NULL;
	const gnutls_datum_t *peer;
	gnutls_x509_crt_t leaf;
	unsigned count;
	int kind = GNUTLS_PK_ECDSA;

	if (own)
		return own->facts.key;
	peer = session->client ? gnutls_certificate_get_peers(session->gnutls, &count) : NULL;
	if (peer && gnutls_x509_crt_init(&leaf) == 0) {
		if (gnutls_x509_crt_import(leaf, peer, GNUTLS_X509_FMT_DER) == 0)
			kind = gnutls_x509_crt_get_pk_algorithm(leaf, NULL);
		gnutls_x509_crt_deinit(leaf);
	}
	if (kind == GNUTLS_PK_RSA)
		return TLS_KEY_RSA;
	return kind == GNUTLS_PK_EDDSA_ED25519 ? TLS_KEY_EDDSA : TLS_KEY_ECDSA;
}

/* --- channel bindings */

const char *
tls_binding_name(enum tls_binding kind)
{
	return kind == TLS_BINDING_EXPORTER ? "tls-exporter" : "tls-server-end-point";
}

/* The hash of the certificate's own signature, but SHA-256 in place of MD5 and SHA-1. */
bool
tls_end_point(gnutls_x509_crt_t certificate, const gnutls_datum_t *der,
		unsigned char to[TLS_BINDING_MAX_BYTES], size_t *size_out)
{
	int algorithm = gnutls_x509_crt_get_signature_algorithm(certificate);
	gnutls_digest_algorithm_t hash;

	if (algorithm < 0)
		return false;
	hash = gnutls_sign_get_hash_algorithm((gnutls_sign_algorithm_t)algorithm);
	if (hash == GNUTLS_DIG_MD5 || hash == GNUTLS_DIG_SHA1)
		hash = GNUTLS_DIG_SHA256;
	/* Ed25519 has no hash of its own, and then the RFC knows no binding. */
	if (hash == GNUTLS_DIG_UNKNOWN || gnutls_hash_get_len(hash) > TLS_BINDING_MAX_BYTES ||
			gnutls_hash_fast(hash, der->data, der->size, to) < 0)
		return false;
	*size_out = gnutls_hash_get_len(hash);
	return true;
}

static bool
own_end_point(const struct tls_session *session, unsigned char to[TLS_BINDING_MAX_BYTES],
		size_t *size_out)
{
	const struct tls_certificate *own = own_certificate(session);

	if (!own || !own->end_point_size)
		return false;
	memcpy(to, own->end_point, own->end_point_size);
	*size_out = own->end_point_size;
	return true;
}

static bool
peer_end_point(const struct tls_session *session, unsigned char to[TLS_BINDING_MAX_BYTES],
		size_t *size_out)
{
	unsigned count;
	const gnutls_datum_t *leaf = gnutls_certificate_get_peers(session->gnutls, &count);
	gnutls_x509_crt_t parsed;
	bool good;

	if (!leaf || gnutls_x509_crt_init(&parsed) < 0)
		return false;
	good = gnutls_x509_crt_import(parsed, leaf, GNUTLS_X509_FMT_DER) == 0 &&
			tls_end_point(parsed, leaf, to, size_out);
	gnutls_x509_crt_deinit(parsed);
	return good;
}

bool
tls_session_binding(const struct tls_session *session, enum tls_binding kind,
		unsigned char to[TLS_BINDING_MAX_BYTES], size_t *size_out)
{
	gnutls_datum_t bytes;
	bool fits;

	if (kind == TLS_BINDING_SERVER_END_POINT)
		return session->server ? own_end_point(session, to, size_out)
				       : peer_end_point(session, to, size_out);
	if (gnutls_session_channel_binding(session->gnutls, GNUTLS_CB_TLS_EXPORTER, &bytes) < 0)
		return false;
	fits = bytes.size <= TLS_BINDING_MAX_BYTES;
	if (fits) {
		memcpy(to, bytes.data, bytes.size);
		*size_out = bytes.size;
	}
	gnutls_free(bytes.data);
	return fits;
}
