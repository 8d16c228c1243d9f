/* SPDX-License-Identifier: BSD-2-Clause */
/* Certificates made on the spot, and two TLS sessions that talk to each other in memory. */
#include "tls_fixture.h"

#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/memory.h"

enum { KEY_KINDS = FIXTURE_ED25519 + 1, DAY_S = 24 * 60 * 60 };

#define OK(call) assert_true((call) >= 0)

static gnutls_x509_privkey_t
key_of(enum fixture_key kind)
{
	static gnutls_x509_privkey_t keys[KEY_KINDS];
	static const struct {
		gnutls_pk_algorithm_t algorithm;
		unsigned bits;
	} rows[KEY_KINDS] = {
		[FIXTURE_RSA] = { GNUTLS_PK_RSA, 2048 },
		[FIXTURE_RSA_1024] = { GNUTLS_PK_RSA, 1024 },
		[FIXTURE_P256] = { GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1) },
		[FIXTURE_P384] = { GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP384R1) },
		[FIXTURE_ED25519] = { GNUTLS_PK_EDDSA_ED25519, 256 },
	};

	if (!keys[kind]) {
		OK(gnutls_x509_privkey_init(&keys[kind]));
		OK(gnutls_x509_privkey_generate(
				keys[kind], rows[kind].algorithm, rows[kind].bits, 0));
	}
	return keys[kind];
}

static char *
take_text(gnutls_datum_t *datum)
{
	char *text = mem_strndup((const char *)datum->data, datum->size);

	gnutls_free(datum->data);
	return text;
}

static void
fill(gnutls_x509_crt_t crt, const struct fixture_wish *wish)
{
	static unsigned char serial;
	const char *common = wish->common_name ? wish->common_name : wish->names[0];
	bool is_default = !wish->begins_in_s && !wish->expires_in_s;
	time_t now = time(NULL);

	serial++;
	OK(gnutls_x509_crt_set_version(crt, 3));
	OK(gnutls_x509_crt_set_serial(crt, &serial, 1));
	OK(gnutls_x509_crt_set_activation_time(
			crt, now + (is_default ? -3600 : (time_t)wish->begins_in_s)));
	OK(gnutls_x509_crt_set_expiration_time(
			crt, now + (is_default ? 30 * DAY_S : (time_t)wish->expires_in_s)));
	if (common)
		OK(gnutls_x509_crt_set_dn_by_oid(
				crt, GNUTLS_OID_X520_COMMON_NAME, 0, common, (unsigned)strlen(common)));
	for (int i = 0; i < 4 && wish->names[i]; i++)
		OK(gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, wish->names[i],
				(unsigned)strlen(wish->names[i]),
				i ? GNUTLS_FSAN_APPEND : GNUTLS_FSAN_SET));
	OK(gnutls_x509_crt_set_basic_constraints(crt, wish->is_authority, -1));
	if (wish->is_authority)
		OK(gnutls_x509_crt_set_key_usage(
				crt, GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_DIGITAL_SIGNATURE));
	if (wish->for_clients)
		OK(gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_CLIENT, 0));
}

static void
sign(gnutls_x509_crt_t crt, gnutls_x509_privkey_t own, const struct fixture_pair *issuer)
{
	gnutls_datum_t pem;
	gnutls_x509_crt_t issuer_crt;
	gnutls_x509_privkey_t issuer_key;
	bool is_ed = gnutls_x509_privkey_get_pk_algorithm(own) == GNUTLS_PK_EDDSA_ED25519;

	if (!issuer) {
		OK(gnutls_x509_crt_sign2(
				crt, crt, own, is_ed ? GNUTLS_DIG_SHA512 : GNUTLS_DIG_SHA256, 0));
		return;
	}
	OK(gnutls_x509_crt_init(&issuer_crt));
	OK(gnutls_x509_privkey_init(&issuer_key));
	pem = (gnutls_datum_t){ (unsigned char *)issuer->chain_pem,
		(unsigned)strlen(issuer->chain_pem) };
	OK(gnutls_x509_crt_import(issuer_crt, &pem, GNUTLS_X509_FMT_PEM));
	pem = (gnutls_datum_t){ (unsigned char *)issuer->key_pem,
		(unsigned)strlen(issuer->key_pem) };
	OK(gnutls_x509_privkey_import(issuer_key, &pem, GNUTLS_X509_FMT_PEM));
	OK(gnutls_x509_crt_sign2(crt, issuer_crt, issuer_key, GNUTLS_DIG_SHA256, 0));
	gnutls_x509_crt_deinit(issuer_crt);
	gnutls_x509_privkey_deinit(issuer_key);
}

struct fixture_pair
fixture_certificate(const struct fixture_wish *wish)
{
	struct fixture_pair pair;
	gnutls_x509_privkey_t key = key_of(wish->key);
	gnutls_x509_crt_t crt;
	gnutls_datum_t text;
	char *leaf;

	OK(gnutls_x509_crt_init(&crt));
	fill(crt, wish);
	OK(gnutls_x509_crt_set_key(crt, key));
	sign(crt, key, wish->issuer);
	OK(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &text));
	leaf = take_text(&text);
	pair.chain_pem = mem_printf("%s%s", leaf, wish->issuer ? wish->issuer->chain_pem : "");
	mem_free(&leaf);
	OK(gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, NULL, 0, &text));
	pair.key_pem = take_text(&text);
	gnutls_x509_crt_deinit(crt);
	return pair;
}

void
fixture_pair_free(struct fixture_pair *pair)
{
	mem_free(&pair->chain_pem);
	mem_free(&pair->key_pem);
}

struct tls_certificate *
fixture_load(const struct fixture_wish *wish)
{
	struct fixture_pair pair = fixture_certificate(wish);
	struct fault fault = FAULT_INIT;
	struct tls_certificate *certificate =
			tls_certificate_load(span_text(pair.chain_pem), &fault);

	if (!certificate || !tls_certificate_set_key(certificate, span_text(pair.key_pem), &fault))
		fail_msg("%s", fault.text);
	fixture_pair_free(&pair);
	return certificate;
}

/* --- two sessions in memory */

static bool
give(struct tls_session *from, struct tls_session *to)
{
	struct buf *bytes = tls_session_output(from);

	tls_session_feed(to, buf_span(bytes));
	return buf_length(bytes) > 0;
}

/* What was not taken stays first in line. */
static void
taken(struct tls_session *from, struct tls_session *to)
{
	struct buf *bytes = tls_session_output(from);

	buf_consume(bytes, buf_length(bytes) - tls_session_unread(to));
	tls_session_feed(to, SPAN_EMPTY);
}

static enum tls_io
shake(struct tls_session *session, struct fault *fault)
{
	enum tls_io result = tls_session_handshake(session, fault);

	if (!tls_session_is_held(session))
		return result;
	tls_session_hold_rsa(session, false);
	return tls_session_handshake(session, fault);
}

void
fixture_shake(struct tls_session *client, struct tls_session *server, enum tls_io *client_out,
		enum tls_io *server_out, struct fault *client_fault, struct fault *server_fault)
{
	*client_out = tls_session_handshake(client, client_fault);
	*server_out = TLS_WANT_READ;
	for (;;) {
		bool moved = give(client, server);

		if (*server_out == TLS_WANT_READ)
			*server_out = shake(server, server_fault);
		/* What stands behind the handshake is for fixture_carry(). */
		taken(client, server);
		moved |= give(server, client);
		if (*client_out == TLS_WANT_READ)
			*client_out = tls_session_handshake(client, client_fault);
		taken(server, client);
		if (!moved || (*client_out != TLS_WANT_READ && *server_out != TLS_WANT_READ))
			return;
	}
}

enum tls_io
fixture_carry(struct tls_session *from, struct tls_session *to, char *text, size_t size,
		struct fault *fault)
{
	size_t total = 0;
	enum tls_io result;

	give(from, to);
	do {
		size_t got = 0;

		result = tls_session_read(to, text + total, size - 1 - total, &got, fault);
		total += got;
	} while (result == TLS_DONE && total < size - 1);
	taken(from, to);
	text[total] = '\0';
	return result;
}
