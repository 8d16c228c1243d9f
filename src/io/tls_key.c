/* SPDX-License-Identifier: BSD-2-Clause */
/* Private keys, in this process or behind a function that signs: GnuTLS sees either as its own. */
#include "io/tls_parts.h"

#include <assert.h>
#include <string.h>

/* --- the key in this process */

static gnutls_x509_privkey_t
load_key(struct span pem, struct fault *fault_out)
{
	gnutls_datum_t bytes = { .data = (unsigned char *)pem.start, .size = (unsigned)pem.length };
	gnutls_x509_privkey_t key;
	int result;

	if (pem.length > TLS_CHAIN_MAX_BYTES) {
		fault_set(fault_out, FAULT_CONFIG, "a key has at most %d bytes", TLS_CHAIN_MAX_BYTES);
		return NULL;
	}
	gnutls_x509_privkey_init(&key);
	result = gnutls_x509_privkey_import2(key, &bytes, GNUTLS_X509_FMT_PEM, NULL, 0);
	if (result == 0)
		return key;
	gnutls_x509_privkey_deinit(key);
	if (result == GNUTLS_E_DECRYPTION_FAILED)
		fault_set(fault_out, FAULT_CONFIG, "the key is encrypted");
	else
		tls_fault(fault_out, FAULT_CONFIG, result, "key");
	return NULL;
}

static bool
key_fits(const struct tls_certificate *certificate, gnutls_x509_privkey_t key,
		struct fault *fault_out)
{
	unsigned char id[TLS_KEY_ID_BYTES];
	size_t size = sizeof id;

	if (gnutls_x509_privkey_get_key_id(key, GNUTLS_KEYID_USE_SHA256, id, &size) < 0 ||
			size != sizeof id || memcmp(id, certificate->facts.key_id, size) != 0)
		return fault_set(fault_out, FAULT_CONFIG,
				"the key does not belong to the certificate");
	return true;
}

bool
tls_certificate_fits_key(const struct tls_certificate *certificate, struct span key_pem,
		struct fault *fault_out)
{
	gnutls_x509_privkey_t key = load_key(key_pem, fault_out);
	bool fits = key && key_fits(certificate, key, fault_out);

	gnutls_x509_privkey_deinit(key);
	return fits;
}

bool
tls_certificate_set_key(
		struct tls_certificate *certificate, struct span key_pem, struct fault *fault_out)
{
	gnutls_x509_privkey_t key = load_key(key_pem, fault_out);

	if (!key)
		return false;
	if (!key_fits(certificate, key, fault_out)) {
		gnutls_x509_privkey_deinit(key);
		return false;
	}
	assert(!certificate->local_key && !certificate->sign);
	certificate->local_key = key;
	return true;
}

void
tls_certificate_set_signer(struct tls_certificate *certificate, tls_sign_fn *sign, void *context)
{
	assert(!certificate->local_key && !certificate->sign);
	certificate->sign = sign;
	certificate->sign_context = context;
}

/* --- the key elsewhere */

struct sign_row {
	enum tls_sign sign;
	gnutls_sign_algorithm_t algorithm;
	enum tls_key key;
	gnutls_digest_algorithm_t hash;
};

/* Several numbers of GnuTLS mean the same operation: its RSA-PSS and ECDSA have two each. */
static const struct sign_row sign_rows[] = {
	{ TLS_SIGN_ECDSA_SHA256, GNUTLS_SIGN_ECDSA_SHA256, TLS_KEY_ECDSA, GNUTLS_DIG_SHA256 },
	{ TLS_SIGN_ECDSA_SHA256, GNUTLS_SIGN_ECDSA_SECP256R1_SHA256, TLS_KEY_ECDSA, GNUTLS_DIG_SHA256 },
	{ TLS_SIGN_ECDSA_SHA384, GNUTLS_SIGN_ECDSA_SHA384, TLS_KEY_ECDSA, GNUTLS_DIG_SHA384 },
	{ TLS_SIGN_ECDSA_SHA384, GNUTLS_SIGN_ECDSA_SECP384R1_SHA384, TLS_KEY_ECDSA, GNUTLS_DIG_SHA384 },
	{ TLS_SIGN_ECDSA_SHA512, GNUTLS_SIGN_ECDSA_SHA512, TLS_KEY_ECDSA, GNUTLS_DIG_SHA512 },
	{ TLS_SIGN_ECDSA_SHA512, GNUTLS_SIGN_ECDSA_SECP521R1_SHA512, TLS_KEY_ECDSA, GNUTLS_DIG_SHA512 },
	{ TLS_SIGN_OLD_ECDSA_SHA1, GNUTLS_SIGN_ECDSA_SHA1, TLS_KEY_ECDSA, GNUTLS_DIG_SHA1 },
	{ TLS_SIGN_ED25519, GNUTLS_SIGN_EDDSA_ED25519, TLS_KEY_EDDSA, GNUTLS_DIG_UNKNOWN },
	{ TLS_SIGN_RSA_PSS_SHA256, GNUTLS_SIGN_RSA_PSS_SHA256, TLS_KEY_RSA, GNUTLS_DIG_SHA256 },
	{ TLS_SIGN_RSA_PSS_SHA256, GNUTLS_SIGN_RSA_PSS_RSAE_SHA256, TLS_KEY_RSA, GNUTLS_DIG_SHA256 },
	{ TLS_SIGN_RSA_PSS_SHA384, GNUTLS_SIGN_RSA_PSS_SHA384, TLS_KEY_RSA, GNUTLS_DIG_SHA384 },
	{ TLS_SIGN_RSA_PSS_SHA384, GNUTLS_SIGN_RSA_PSS_RSAE_SHA384, TLS_KEY_RSA, GNUTLS_DIG_SHA384 },
	{ TLS_SIGN_RSA_PSS_SHA512, GNUTLS_SIGN_RSA_PSS_SHA512, TLS_KEY_RSA, GNUTLS_DIG_SHA512 },
	{ TLS_SIGN_RSA_PSS_SHA512, GNUTLS_SIGN_RSA_PSS_RSAE_SHA512, TLS_KEY_RSA, GNUTLS_DIG_SHA512 },
	{ TLS_SIGN_RSA_PKCS1_SHA256, GNUTLS_SIGN_RSA_SHA256, TLS_KEY_RSA, GNUTLS_DIG_SHA256 },
	{ TLS_SIGN_RSA_PKCS1_SHA384, GNUTLS_SIGN_RSA_SHA384, TLS_KEY_RSA, GNUTLS_DIG_SHA384 },
	{ TLS_SIGN_RSA_PKCS1_SHA512, GNUTLS_SIGN_RSA_SHA512, TLS_KEY_RSA, GNUTLS_DIG_SHA512 },
};

static const struct sign_row *
find_row(gnutls_sign_algorithm_t algorithm, enum tls_key key)
{
	for (size_t i = 0; i < sizeof sign_rows / sizeof *sign_rows; i++) {
		if (sign_rows[i].algorithm == algorithm && sign_rows[i].key == key)
			return &sign_rows[i];
	}
	return NULL;
}

/*
 * For PKCS #1, GnuTLS makes the DigestInfo (RFC 8017 9.2) itself and asks for a raw operation. We
 * take the hash out again and name it, so that whoever signs needs no raw operation.
 */
enum { DIGEST_INFO_PREFIX_BYTES = 19, MD5_SHA1_BYTES = 36 };

static const struct digest_info {
	enum tls_sign sign;
	size_t hash_bytes;
	unsigned char prefix[DIGEST_INFO_PREFIX_BYTES];
} digest_infos[] = {
	{ TLS_SIGN_RSA_PKCS1_SHA256, 32,
			{ 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04,
					0x02, 0x01, 0x05, 0x00, 0x04, 0x20 } },
	{ TLS_SIGN_RSA_PKCS1_SHA384, 48,
			{ 0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04,
					0x02, 0x02, 0x05, 0x00, 0x04, 0x30 } },
	{ TLS_SIGN_RSA_PKCS1_SHA512, 64,
			{ 0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04,
					0x02, 0x03, 0x05, 0x00, 0x04, 0x40 } },
};

static const struct digest_info *
find_digest_info(const gnutls_datum_t *input)
{
	for (size_t i = 0; i < sizeof digest_infos / sizeof *digest_infos; i++) {
		const struct digest_info *info = &digest_infos[i];

		if (input->size == DIGEST_INFO_PREFIX_BYTES + info->hash_bytes &&
				memcmp(input->data, info->prefix, DIGEST_INFO_PREFIX_BYTES) == 0)
			return info;
	}
	return NULL;
}

static int
ask_signer(const struct tls_certificate *certificate, enum tls_sign sign, struct span input,
		gnutls_datum_t *signature)
{
	unsigned char bytes[TLS_SIGNATURE_MAX_BYTES];
	size_t size = 0;

	if (!certificate->sign(certificate->sign_context, certificate->facts.key_id, sign, input,
			    bytes, &size) ||
			size == 0 || size > sizeof bytes)
		return GNUTLS_E_PK_SIGN_FAILED;
	signature->data = gnutls_malloc(size);
	if (!signature->data)
		return GNUTLS_E_MEMORY_ERROR;
	memcpy(signature->data, bytes, size);
	signature->size = (unsigned)size;
	return 0;
}

static int
sign_hash(gnutls_privkey_t key, gnutls_sign_algorithm_t algorithm, void *context, unsigned flags,
		const gnutls_datum_t *hash, gnutls_datum_t *signature)
{
	const struct tls_certificate *certificate = context;
	struct span input = span_of(hash->data, hash->size);
	const struct sign_row *row;

	(void)key;
	(void)flags;
	/* RFC 4346 7.4.3: no DigestInfo around these two. */
	if (algorithm == GNUTLS_SIGN_RSA_RAW && hash->size == MD5_SHA1_BYTES)
		return ask_signer(certificate, TLS_SIGN_OLD_RSA_MD5_SHA1, input, signature);
	if (algorithm == GNUTLS_SIGN_RSA_RAW) {
		const struct digest_info *info = find_digest_info(hash);

		if (!info)
			return GNUTLS_E_PK_SIGN_FAILED;
		return ask_signer(certificate, info->sign,
				span_from(input, DIGEST_INFO_PREFIX_BYTES), signature);
	}
	row = find_row(algorithm, certificate->facts.key);
	if (!row)
		return GNUTLS_E_UNSUPPORTED_SIGNATURE_ALGORITHM;
	return ask_signer(certificate, row->sign, input, signature);
}

/* GnuTLS hands over the whole message for Ed25519, and where it has not hashed yet. */
static int
sign_message(gnutls_privkey_t key, gnutls_sign_algorithm_t algorithm, void *context, unsigned flags,
		const gnutls_datum_t *message, gnutls_datum_t *signature)
{
	const struct tls_certificate *certificate = context;
	const struct sign_row *row = find_row(algorithm, certificate->facts.key);
	unsigned char bytes[64];
	gnutls_datum_t hash = { .data = bytes };

	if (!row)
		return GNUTLS_E_UNSUPPORTED_SIGNATURE_ALGORITHM;
	if (row->hash == GNUTLS_DIG_UNKNOWN) {
		if (message->size > TLS_SIGN_INPUT_MAX_BYTES)
			return GNUTLS_E_PK_SIGN_FAILED;
		return ask_signer(certificate, row->sign, span_of(message->data, message->size),
				signature);
	}
	hash.size = (unsigned)gnutls_hash_get_len(row->hash);
	if (gnutls_hash_fast(row->hash, message->data, message->size, bytes) < 0)
		return GNUTLS_E_PK_SIGN_FAILED;
	return sign_hash(key, algorithm, context, flags, &hash, signature);
}

static int
describe_key(gnutls_privkey_t key, unsigned flags, void *context)
{
	static const gnutls_pk_algorithm_t algorithms[TLS_KEY_KINDS] = {
		[TLS_KEY_RSA] = GNUTLS_PK_RSA,
		[TLS_KEY_ECDSA] = GNUTLS_PK_ECDSA,
		[TLS_KEY_EDDSA] = GNUTLS_PK_EDDSA_ED25519,
	};
	const struct tls_certificate *certificate = context;

	(void)key;
	if (flags & GNUTLS_PRIVKEY_INFO_PK_ALGO)
		return (int)algorithms[certificate->facts.key];
	if (flags & GNUTLS_PRIVKEY_INFO_PK_ALGO_BITS)
		return (int)certificate->facts.bits;
	if (flags & GNUTLS_PRIVKEY_INFO_HAVE_SIGN_ALGO) {
		gnutls_sign_algorithm_t algorithm = GNUTLS_FLAGS_TO_SIGN_ALGO(flags);

		return find_row(algorithm, certificate->facts.key) ||
				(algorithm == GNUTLS_SIGN_RSA_RAW &&
						certificate->facts.key == TLS_KEY_RSA);
	}
	return -1;
}

/* --- either, for GnuTLS */

static int
make_key(struct tls_certificate *certificate, gnutls_privkey_t key)
{
	if (certificate->local_key)
		return gnutls_privkey_import_x509(
				key, certificate->local_key, GNUTLS_PRIVKEY_IMPORT_COPY);
	/* No decrypt: it would serve RSA key exchange, which is off for good. */
	return gnutls_privkey_import_ext4(key, certificate, sign_message, sign_hash, NULL, NULL,
			describe_key, 0);
}

static gnutls_pcert_st *
make_chain(const struct tls_certificate *certificate)
{
	gnutls_pcert_st *list = gnutls_calloc(certificate->chain_length, sizeof(*list));

	for (unsigned i = 0; list && i < certificate->chain_length; i++) {
		if (gnutls_pcert_import_x509(&list[i], certificate->chain[i], 0) == 0)
			continue;
		while (i > 0)
			gnutls_pcert_deinit(&list[--i]);
		gnutls_free(list);
		return NULL;
	}
	return list;
}

bool
tls_key_attach(struct tls_certificate *certificate, gnutls_certificate_credentials_t credentials,
		struct fault *fault_out)
{
	gnutls_pcert_st *chain = make_chain(certificate);
	gnutls_privkey_t key;
	int result;

	if (!chain)
		return fault_set(fault_out, FAULT_CONFIG, "the certificate cannot be used");
	gnutls_privkey_init(&key);
	result = make_key(certificate, key);
	/* The keys were compared when they were set; the test signature of GnuTLS would be a raw one. */
	gnutls_certificate_set_flags(credentials, GNUTLS_CERTIFICATE_SKIP_KEY_CERT_MATCH);
	if (result == 0)
		result = gnutls_certificate_set_key(
				credentials, NULL, 0, chain, (int)certificate->chain_length, key);
	if (result >= 0) {
		/* The credentials own the key and what the list points to; not the list. */
		gnutls_free(chain);
		return true;
	}
	for (unsigned i = 0; i < certificate->chain_length; i++)
		gnutls_pcert_deinit(&chain[i]);
	gnutls_free(chain);
	gnutls_privkey_deinit(key);
	return tls_fault(fault_out, FAULT_CONFIG, result, "certificate and key");
}
