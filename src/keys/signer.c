/* SPDX-License-Identifier: BSD-2-Clause */
/* Private keys, and the only thing done with them: signing. */
#include "keys/signer.h"

#include <stdatomic.h>
#include <string.h>

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

#include "base/memory.h"

struct key {
	struct key *next;
	char *name;
	unsigned index;
	bool may_old;
	gnutls_privkey_t key;
	struct tls_certificate *certificate;
};

struct signer {
	atomic_uint holds;
	struct key *keys;
};

/* What an algorithm is to the library, which key it wants, and how long its hash is. */
static const struct rule {
	gnutls_sign_algorithm_t sign;
	gnutls_pk_algorithm_t key;
	size_t input; /* 0: a message, for Ed25519 */
	unsigned flags;
	bool is_old;
} rules[TLS_SIGN_COUNT] = {
	[TLS_SIGN_ECDSA_SHA256] = { GNUTLS_SIGN_ECDSA_SHA256, GNUTLS_PK_ECDSA, 32 },
	[TLS_SIGN_ECDSA_SHA384] = { GNUTLS_SIGN_ECDSA_SHA384, GNUTLS_PK_ECDSA, 48 },
	[TLS_SIGN_ECDSA_SHA512] = { GNUTLS_SIGN_ECDSA_SHA512, GNUTLS_PK_ECDSA, 64 },
	[TLS_SIGN_ED25519] = { GNUTLS_SIGN_EDDSA_ED25519, GNUTLS_PK_EDDSA_ED25519, 0 },
	[TLS_SIGN_RSA_PSS_SHA256] = { GNUTLS_SIGN_RSA_PSS_RSAE_SHA256, GNUTLS_PK_RSA, 32 },
	[TLS_SIGN_RSA_PSS_SHA384] = { GNUTLS_SIGN_RSA_PSS_RSAE_SHA384, GNUTLS_PK_RSA, 48 },
	[TLS_SIGN_RSA_PSS_SHA512] = { GNUTLS_SIGN_RSA_PSS_RSAE_SHA512, GNUTLS_PK_RSA, 64 },
	[TLS_SIGN_RSA_PKCS1_SHA256] = { GNUTLS_SIGN_RSA_SHA256, GNUTLS_PK_RSA, 32 },
	[TLS_SIGN_RSA_PKCS1_SHA384] = { GNUTLS_SIGN_RSA_SHA384, GNUTLS_PK_RSA, 48 },
	[TLS_SIGN_RSA_PKCS1_SHA512] = { GNUTLS_SIGN_RSA_SHA512, GNUTLS_PK_RSA, 64 },
	[TLS_SIGN_OLD_ECDSA_SHA1] = { GNUTLS_SIGN_ECDSA_SHA1, GNUTLS_PK_ECDSA, 20, .is_old = true },
	[TLS_SIGN_OLD_RSA_MD5_SHA1] = { GNUTLS_SIGN_RSA_RAW, GNUTLS_PK_RSA, 36,
		GNUTLS_PRIVKEY_SIGN_FLAG_TLS1_RSA, true },
};

struct signer *
signer_new(void)
{
	struct signer *signer = mem_alloc(sizeof *signer);

	signer->holds = 1;
	return signer;
}

struct signer *
signer_hold(struct signer *signer)
{
	atomic_fetch_add(&signer->holds, 1);
	return signer;
}

void
signer_free(struct signer **signer)
{
	struct signer *old = *signer;

	*signer = NULL;
	if (!old || atomic_fetch_sub(&old->holds, 1) != 1)
		return;
	while (old->keys) {
		struct key *key = old->keys;

		old->keys = key->next;
		gnutls_privkey_deinit(key->key);
		tls_certificate_free(&key->certificate);
		mem_free(&key->name);
		mem_free(&key);
	}
	mem_free(&old);
}

static struct tls_certificate *
load_pair(struct span certificate_pem, struct span key_pem, int64_t now_s, struct fault *fault_out)
{
	struct tls_certificate *certificate = tls_certificate_load(certificate_pem, fault_out);

	if (certificate && (!tls_certificate_check(certificate, now_s, fault_out) ||
				   !tls_certificate_fits_key(certificate, key_pem, fault_out)))
		tls_certificate_free(&certificate);
	return certificate;
}

bool
signer_add(struct signer *signer, const char *name, unsigned index, struct span certificate_pem,
	struct span key_pem, int64_t now_s, struct fault *fault_out)
{
	gnutls_datum_t pem = { (unsigned char *)key_pem.start, (unsigned)key_pem.length };
	struct tls_certificate *certificate =
		load_pair(certificate_pem, key_pem, now_s, fault_out);
	struct key *key;
	int result;

	if (!certificate)
		return false;
	key = mem_alloc(sizeof *key);
	gnutls_privkey_init(&key->key);
	result = gnutls_privkey_import_x509_raw(key->key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0);
	if (result < 0) {
		gnutls_privkey_deinit(key->key);
		tls_certificate_free(&certificate);
		mem_free(&key);
		return fault_set(fault_out, FAULT_CONFIG, "the key cannot be read: %s",
			gnutls_strerror(result));
	}
	key->name = mem_strdup(name);
	key->index = index;
	key->certificate = certificate;
	key->next = signer->keys;
	signer->keys = key;
	return true;
}

static const struct key *
find_key(const struct signer *signer, const char *name, unsigned index)
{
	const struct key *key = signer->keys;

	while (key && (key->index != index || strcmp(key->name, name) != 0))
		key = key->next;
	return key;
}

void
signer_allow_old(struct signer *signer, const char *name)
{
	for (struct key *key = signer->keys; key; key = key->next)
		if (strcmp(key->name, name) == 0)
			key->may_old = true;
}

bool
signer_fits_name(const struct signer *signer, const char *name, unsigned index, struct span host)
{
	const struct key *key = find_key(signer, name, index);

	return key && tls_certificate_has_name(key->certificate, host);
}

/* RFC 8446 4.4.3: 64 blanks, the context and a zero, then the hash of the handshake. */
static bool
is_certificate_verify(struct span message)
{
	static const char head[] = "                                "
				   "                                "
				   "TLS 1.3, server CertificateVerify";
	size_t hash = message.length - sizeof head;

	return message.length > sizeof head && memcmp(message.start, head, sizeof head) == 0 &&
		(hash == 32 || hash == 48);
}

/* RFC 8422 5.4: both randoms, then a named curve and a point on it. */
static bool
is_key_exchange(struct span message)
{
	enum { RANDOMS = 64, POINT = RANDOMS + 4, NAMED_CURVE = 3 };
	const unsigned char *bytes = (const unsigned char *)message.start;

	return message.length > POINT && bytes[RANDOMS] == NAMED_CURVE &&
		message.length == POINT + (size_t)bytes[POINT - 1];
}

static bool
is_proper(const struct rule *rule, struct span input)
{
	if (rule->input)
		return input.length == rule->input;
	return is_certificate_verify(input) || is_key_exchange(input);
}

static const struct key *
find_id(const struct signer *signer, const unsigned char key_id[TLS_KEY_ID_BYTES])
{
	const struct key *key = signer->keys;

	while (key && memcmp(tls_certificate_facts(key->certificate)->key_id, key_id,
			      TLS_KEY_ID_BYTES) != 0)
		key = key->next;
	return key;
}

bool
signer_sign(const struct signer *signer, const unsigned char key_id[TLS_KEY_ID_BYTES],
	enum tls_sign algorithm, struct span input,
	unsigned char signature_out[TLS_SIGNATURE_MAX_BYTES], size_t *size_out,
	struct fault *fault_out)
{
	const struct key *key = find_id(signer, key_id);
	gnutls_datum_t in = { (unsigned char *)input.start, (unsigned)input.length };
	gnutls_datum_t signature = { 0 };
	const struct rule *rule;
	int result;

	if (!key)
		return fault_set(fault_out, FAULT_MISSING, "no such key");
	if ((unsigned)algorithm >= TLS_SIGN_COUNT)
		return fault_set(fault_out, FAULT_DENIED, "an algorithm that is not on the list");
	rule = &rules[algorithm];
	if ((gnutls_pk_algorithm_t)gnutls_privkey_get_pk_algorithm(key->key, NULL) != rule->key)
		return fault_set(fault_out, FAULT_DENIED, "an algorithm for another kind of key");
	if (rule->is_old && !key->may_old)
		return fault_set(fault_out, FAULT_DENIED, "no listener of this key speaks old TLS");
	if (!is_proper(rule, input))
		return fault_set(fault_out, FAULT_DENIED, "an input that no handshake signs");
	result = rule->input ? gnutls_privkey_sign_hash2(
				       key->key, rule->sign, rule->flags, &in, &signature)
			     : gnutls_privkey_sign_data2(key->key, rule->sign, 0, &in, &signature);
	if (result < 0)
		return fault_set(fault_out, FAULT_SYSTEM, "%s", gnutls_strerror(result));
	if (signature.size > TLS_SIGNATURE_MAX_BYTES) {
		gnutls_free(signature.data);
		return fault_set(fault_out, FAULT_LIMIT, "the key is too large");
	}
	memcpy(signature_out, signature.data, signature.size);
	*size_out = signature.size;
	gnutls_free(signature.data);
	return true;
}

bool
signer_rate_take(struct signer_rate *rate, uint64_t now_ms)
{
	uint64_t elapsed = now_ms > rate->stamp_ms ? now_ms - rate->stamp_ms : 0;
	uint64_t refill = elapsed > 1000 ? SIGNER_RATE_PER_S : elapsed * SIGNER_RATE_PER_S / 1000;

	/* Less than a whole signature came back: keep the time for the next question. */
	if (refill) {
		rate->spent = rate->spent > refill ? rate->spent - refill : 0;
		rate->stamp_ms = now_ms;
	}
	if (rate->spent >= SIGNER_RATE_PER_S)
		return false;
	rate->spent++;
	return true;
}
