/* SPDX-License-Identifier: BSD-2-Clause */
/* Certificates: load a chain, say what it says, check whether it may serve. */
#include "io/tls_certificate.h"

#include <string.h>
#include <time.h>

#include "io/tls_parts.h"

enum {
	RSA_MIN_BITS = 2048,
	NAMES_MAX = 1000,
	NAME_TEXT_MAX_BYTES = 512,
	DAY_S = 24 * 60 * 60,
};

bool
tls_fault(struct fault *fault_out, enum fault_kind kind, int error, const char *what)
{
	return fault_set(fault_out, kind, "%s: %s", what, gnutls_strerror(error));
}

/* --- facts */

static const char *
printable(struct tls_certificate *certificate, const void *bytes, size_t size)
{
	char text[NAME_TEXT_MAX_BYTES];

	text_escape(span_of(bytes, size), text, sizeof text);
	return arena_strdup(certificate->arena, text);
}

static const char *
hex(struct tls_certificate *certificate, const void *bytes, size_t size)
{
	char *text = arena_alloc(certificate->arena, size * 2 + 1);

	text_hex(bytes, size, text, size * 2 + 1);
	return text;
}

static const char *
printable_name(struct tls_certificate *certificate,
		int (*get)(gnutls_x509_crt_t, gnutls_datum_t *, unsigned))
{
	gnutls_datum_t name;
	const char *text;

	if (get(certificate->chain[0], &name, 0) < 0)
		return "";
	text = printable(certificate, name.data, name.size);
	gnutls_free(name.data);
	return text;
}

const char *
tls_name_lower(struct arena *arena, struct span name)
{
	char *lower;

	if (name.length == 0 || name.length >= TLS_NAME_MAX_BYTES)
		return NULL;
	lower = arena_strndup(arena, name.start, name.length);
	for (size_t i = 0; i < name.length; i++) {
		char c = text_lower(name.start[i]);
		bool star = c == '*' && i == 0 && name.length > 2 && name.start[1] == '.';

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '.' &&
				c != '_' && !star)
			return NULL;
		lower[i] = c;
	}
	return lower;
}

static void
add_name(struct tls_certificate *certificate, const char **names, struct span name)
{
	const char *lower = tls_name_lower(certificate->arena, name);

	if (lower && certificate->facts.name_count < NAMES_MAX)
		names[certificate->facts.name_count++] = lower;
}

static void
load_names(struct tls_certificate *certificate)
{
	const char **names = arena_alloc(certificate->arena, NAMES_MAX * sizeof(*names));
	char text[NAME_TEXT_MAX_BYTES];
	bool has_sans = false;

	certificate->facts.names = names;
	for (unsigned i = 0; i < NAMES_MAX; i++) {
		size_t size = sizeof text;
		int type = gnutls_x509_crt_get_subject_alt_name(
				certificate->chain[0], i, text, &size, NULL);

		if (type == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			break;
		if (type != GNUTLS_SAN_DNSNAME)
			continue;
		has_sans = true;
		add_name(certificate, names, span_of(text, size));
	}
	if (!has_sans) {
		size_t size = sizeof text;

		if (gnutls_x509_crt_get_dn_by_oid(certificate->chain[0],
				    GNUTLS_OID_X520_COMMON_NAME, 0, 0, text, &size) == 0)
			add_name(certificate, names, span_of(text, size));
	}
}

static bool
load_key_kind(struct tls_certificate *certificate, struct fault *fault_out)
{
	struct tls_facts *facts = &certificate->facts;
	size_t size = sizeof facts->key_id;
	int kind = gnutls_x509_crt_get_pk_algorithm(certificate->chain[0], &facts->bits);

	switch (kind) {
	case GNUTLS_PK_RSA:
		facts->key = TLS_KEY_RSA;
		break;
	case GNUTLS_PK_ECDSA:
		facts->key = TLS_KEY_ECDSA;
		break;
	case GNUTLS_PK_EDDSA_ED25519:
		facts->key = TLS_KEY_EDDSA;
		break;
	default:
		return fault_set(fault_out, FAULT_CONFIG,
				"the certificate's key is %s; RSA, ECDSA or Ed25519 are served",
				kind < 0 ? "unknown" : gnutls_pk_get_name((gnutls_pk_algorithm_t)kind));
	}
	if (gnutls_x509_crt_get_key_id(certificate->chain[0], GNUTLS_KEYID_USE_SHA256, facts->key_id,
			    &size) < 0 ||
			size != sizeof facts->key_id)
		return fault_set(fault_out, FAULT_CONFIG, "the certificate's key cannot be read");
	return true;
}

static bool
load_facts(struct tls_certificate *certificate, struct fault *fault_out)
{
	struct tls_facts *facts = &certificate->facts;
	unsigned char bytes[64];
	size_t size = sizeof bytes;
	int result;

	if (!load_key_kind(certificate, fault_out))
		return false;
	facts->chain_length = certificate->chain_length;
	facts->begins_s = gnutls_x509_crt_get_activation_time(certificate->chain[0]);
	facts->expires_s = gnutls_x509_crt_get_expiration_time(certificate->chain[0]);
	facts->subject = printable_name(certificate, gnutls_x509_crt_get_dn3);
	facts->issuer = printable_name(certificate, gnutls_x509_crt_get_issuer_dn3);
	facts->serial = "";
	if (gnutls_x509_crt_get_serial(certificate->chain[0], bytes, &size) == 0)
		facts->serial = hex(certificate, bytes, size);
	size = sizeof bytes;
	facts->fingerprint = "";
	if (gnutls_x509_crt_get_fingerprint(
			    certificate->chain[0], GNUTLS_DIG_SHA256, bytes, &size) == 0)
		facts->fingerprint = hex(certificate, bytes, size);
	load_names(certificate);
	result = gnutls_x509_crt_export2(
			certificate->chain[0], GNUTLS_X509_FMT_DER, &certificate->leaf);
	if (result < 0)
		return tls_fault(fault_out, FAULT_CONFIG, result, "certificate");
	if (!tls_end_point(certificate->chain[0], &certificate->leaf, certificate->end_point,
			    &certificate->end_point_size))
		certificate->end_point_size = 0;
	return true;
}

static bool
load_chain(struct tls_certificate *certificate, struct span pem, struct fault *fault_out)
{
	gnutls_datum_t bytes = { .data = (unsigned char *)pem.start, .size = (unsigned)pem.length };
	unsigned count = TLS_CHAIN_MAX_CERTIFICATES;
	int result;

	if (pem.length > TLS_CHAIN_MAX_BYTES)
		return fault_set(fault_out, FAULT_CONFIG, "a certificate chain has at most %d bytes",
				TLS_CHAIN_MAX_BYTES);
	certificate->chain = arena_alloc(certificate->arena, count * sizeof(*certificate->chain));
	result = gnutls_x509_crt_list_import(certificate->chain, &count, &bytes, GNUTLS_X509_FMT_PEM,
			GNUTLS_X509_CRT_LIST_IMPORT_FAIL_IF_EXCEED);
	if (result == GNUTLS_E_SHORT_MEMORY_BUFFER)
		return fault_set(fault_out, FAULT_CONFIG,
				"a certificate chain has at most %d certificates",
				TLS_CHAIN_MAX_CERTIFICATES);
	if (result < 0)
		return tls_fault(fault_out, FAULT_CONFIG, result, "certificate");
	certificate->chain_length = (unsigned)result;
	return result > 0 || fault_set(fault_out, FAULT_CONFIG, "there is no certificate in it");
}

struct tls_certificate *
tls_certificate_load(struct span chain_pem, struct fault *fault_out)
{
	struct tls_certificate *certificate = mem_alloc(sizeof(*certificate));

	certificate->holds = 1;
	certificate->arena = arena_new(4096);
	if (!load_chain(certificate, chain_pem, fault_out) || !load_facts(certificate, fault_out))
		tls_certificate_free(&certificate);
	return certificate;
}

struct tls_certificate *
tls_certificate_hold(struct tls_certificate *certificate)
{
	certificate->holds++;
	return certificate;
}

void
tls_certificate_free(struct tls_certificate **certificate)
{
	struct tls_certificate *old = *certificate;

	*certificate = NULL;
	if (!old || --old->holds)
		return;
	for (unsigned i = 0; i < old->chain_length; i++)
		gnutls_x509_crt_deinit(old->chain[i]);
	gnutls_free(old->leaf.data);
	gnutls_x509_privkey_deinit(old->local_key);
	arena_free(&old->arena);
	mem_free(&old);
}

const struct tls_facts *
tls_certificate_facts(const struct tls_certificate *certificate)
{
	return &certificate->facts;
}

/* --- checks */

static const char *
date(int64_t at_s, char to[32])
{
	struct tm parts;
	time_t at = (time_t)at_s;

	if (!gmtime_r(&at, &parts) || !strftime(to, 32, "%Y-%m-%d %H:%M UTC", &parts))
		return "?";
	return to;
}

static bool
check_dates(const struct tls_certificate *certificate, int64_t now_s, struct fault *fault_out)
{
	const struct tls_facts *facts = &certificate->facts;
	char text[32];

	if (now_s < facts->begins_s)
		return fault_set(fault_out, FAULT_CONFIG, "the certificate is not valid before %s",
				date(facts->begins_s, text));
	if (now_s >= facts->expires_s)
		return fault_set(fault_out, FAULT_CONFIG, "the certificate has expired on %s",
				date(facts->expires_s, text));
	return true;
}

static bool
check_use(const struct tls_certificate *certificate, struct fault *fault_out)
{
	unsigned usage;

	if (certificate->facts.key == TLS_KEY_RSA && certificate->facts.bits < RSA_MIN_BITS)
		return fault_set(fault_out, FAULT_CONFIG,
				"the certificate's RSA key has %u bits, fewer than %d",
				certificate->facts.bits, RSA_MIN_BITS);
	if (!gnutls_x509_crt_check_key_purpose(certificate->chain[0], GNUTLS_KP_TLS_WWW_SERVER, 0))
		return fault_set(fault_out, FAULT_CONFIG, "the certificate is not for a server");
	if (gnutls_x509_crt_get_key_usage(certificate->chain[0], &usage, NULL) == 0 &&
			!(usage & GNUTLS_KEY_DIGITAL_SIGNATURE))
		return fault_set(fault_out, FAULT_CONFIG, "the certificate's key may not sign");
	return true;
}

static bool
check_chain(const struct tls_certificate *certificate, struct fault *fault_out)
{
	for (unsigned i = 0; i < certificate->chain_length; i++) {
		gnutls_x509_crt_t one = certificate->chain[i];
		int algorithm = gnutls_x509_crt_get_signature_algorithm(one);

		/* What signs itself is trusted for what it is, not for its signature. */
		if (gnutls_x509_crt_check_issuer(one, one))
			continue;
		if (algorithm < 0 || !gnutls_sign_is_secure2((gnutls_sign_algorithm_t)algorithm,
						     GNUTLS_SIGN_FLAG_SECURE_FOR_CERTS))
			return fault_set(fault_out, FAULT_CONFIG,
					"certificate %u of the chain is signed with %s, which no "
					"client trusts",
					i + 1,
					algorithm < 0 ? "something unknown"
						      : gnutls_sign_get_name(
								(gnutls_sign_algorithm_t)algorithm));
		if (i + 1 < certificate->chain_length &&
				!gnutls_x509_crt_check_issuer(one, certificate->chain[i + 1]))
			return fault_set(fault_out, FAULT_CONFIG,
					"the chain is out of order: certificate %u did not issue "
					"certificate %u",
					i + 2, i + 1);
	}
	return true;
}

bool
tls_certificate_check(
		const struct tls_certificate *certificate, int64_t now_s, struct fault *fault_out)
{
	return check_dates(certificate, now_s, fault_out) && check_use(certificate, fault_out) &&
			check_chain(certificate, fault_out);
}

int
tls_certificate_days_left(const struct tls_certificate *certificate, int64_t now_s)
{
	int64_t left_s = certificate->facts.expires_s - now_s;

	/* Rounded down, so that a certificate that expired an hour ago has -1 days left. */
	return (int)(left_s >= 0 ? left_s / DAY_S : -((-left_s + DAY_S - 1) / DAY_S));
}

bool
tls_certificate_has_name(const struct tls_certificate *certificate, struct span name)
{
	struct span parent = span_from(name, span_find(name, '.'));

	for (size_t i = 0; i < certificate->facts.name_count; i++) {
		struct span own = span_text(certificate->facts.names[i]);

		if (span_equal_nocase(own, name))
			return true;
		if (span_starts(own, "*.") && parent.length > 1 && parent.length < name.length &&
				span_equal_nocase(span_from(own, 1), parent))
			return true;
	}
	return false;
}
