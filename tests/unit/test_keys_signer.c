/* SPDX-License-Identifier: BSD-2-Clause */
/* The signer: what it refuses, how often it signs, and whole handshakes that it signs from afar. */
#include "tls_fixture.h"

#include <gnutls/abstract.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "keys/signer.h"

static struct signer *signer;
static struct fault fault;
static unsigned char ids[4][TLS_KEY_ID_BYTES]; /* of the keys of set_up() */

static struct fixture_pair
pair_of(enum fixture_key key)
{
	const struct fixture_wish wish = { .key = key, .names = { "mail.example.org" } };

	return fixture_certificate(&wish);
}

static bool
add(const char *name, unsigned index, const struct fixture_pair *pair)
{
	return signer_add(signer, name, index, span_text(pair->chain_pem),
			span_text(pair->key_pem), time(NULL), &fault);
}

static int
set_up(void **state)
{
	static const enum fixture_key kinds[] = { FIXTURE_P256, FIXTURE_RSA, FIXTURE_ED25519,
		FIXTURE_P384 };

	(void)state;
	fault = FAULT_INIT;
	signer = signer_new();
	for (unsigned i = 0; i < 4; i++) {
		struct fixture_pair pair = pair_of(kinds[i]);

		struct tls_certificate *certificate =
				tls_certificate_load(span_text(pair.chain_pem), NULL);

		memcpy(ids[i], tls_certificate_facts(certificate)->key_id, TLS_KEY_ID_BYTES);
		tls_certificate_free(&certificate);
		if (!add("main", i, &pair))
			fail_msg("%s", fault.text);
		fixture_pair_free(&pair);
	}
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	signer_free(&signer);
	return 0;
}

enum { P256, RSA, ED25519, P384 };

static bool
sign(unsigned index, enum tls_sign algorithm, struct span input)
{
	unsigned char signature[TLS_SIGNATURE_MAX_BYTES];
	size_t size = 0;
	bool good;

	fault = FAULT_INIT;
	good = signer_sign(signer, ids[index], algorithm, input, signature, &size, &fault);
	assert_true(good == (size > 0));
	return good;
}

struct sign_case {
	enum tls_sign algorithm;
	size_t input;
	unsigned keys; /* bits: the keys that may do it */
};

/* TLS 1.0 and 1.1: never, but for a section that a listener of theirs uses. */
static void
old_hashes_are_signed_only_where_allowed(void **state)
{
	static const struct sign_case cases[] = {
		{ TLS_SIGN_OLD_ECDSA_SHA1, 20, 1 << P256 | 1 << P384 },
		{ TLS_SIGN_OLD_RSA_MD5_SHA1, 36, 1 << RSA },
	};
	char input[64] = { 0 };

	(void)state;
	signer_allow_old(signer, "another");
	for (int allowed = 0; allowed < 2; allowed++) {
		for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
			for (unsigned key = 0; key < 4; key++) {
				for (size_t length = 0; length <= sizeof input; length++)
					assert_int_equal(sign(key, cases[i].algorithm,
								 span_of(input, length)),
						allowed && (cases[i].keys & 1u << key) &&
							length == cases[i].input);
			}
		}
		signer_allow_old(signer, "main");
	}
}

static void
only_what_fits_is_signed(void **state)
{
	static const struct sign_case cases[] = {
		{ TLS_SIGN_ECDSA_SHA256, 32, 1 << P256 | 1 << P384 },
		{ TLS_SIGN_ECDSA_SHA384, 48, 1 << P256 | 1 << P384 },
		{ TLS_SIGN_ECDSA_SHA512, 64, 1 << P256 | 1 << P384 },
		{ TLS_SIGN_RSA_PSS_SHA256, 32, 1 << RSA },
		{ TLS_SIGN_RSA_PSS_SHA384, 48, 1 << RSA },
		{ TLS_SIGN_RSA_PSS_SHA512, 64, 1 << RSA },
		{ TLS_SIGN_RSA_PKCS1_SHA256, 32, 1 << RSA },
		{ TLS_SIGN_RSA_PKCS1_SHA384, 48, 1 << RSA },
		{ TLS_SIGN_RSA_PKCS1_SHA512, 64, 1 << RSA },
	};
	char input[TLS_SIGN_INPUT_MAX_BYTES + 1] = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		for (unsigned key = 0; key < 4; key++) {
			for (size_t length = 0; length <= 256; length++) {
				bool wanted = (cases[i].keys & 1u << key) &&
						length == cases[i].input;

				/* RSA is slow: what must be refused is tried at all lengths. */
				if (sign(key, cases[i].algorithm, span_of(input, length)) != wanted)
					fail_msg("algorithm %d, key %u, %zu bytes: \"%s\"",
							cases[i].algorithm, key, length, fault.text);
				if (!wanted)
					assert_int_equal(fault.kind, FAULT_DENIED);
			}
		}
	}
	assert_false(sign(P256, TLS_SIGN_COUNT, span_of(input, 32)));
	assert_false(sign(P256, (enum tls_sign)-1, span_of(input, 32)));
	assert_false(sign(P256, (enum tls_sign)1000000, span_of(input, 32)));
	assert_int_equal(fault.kind, FAULT_DENIED);
}

static void
ed25519_signs_handshakes_only(void **state)
{
	char message[TLS_SIGN_INPUT_MAX_BYTES] = { 0 };
	size_t head = 64 + 33 + 1;

	(void)state;
	memset(message, ' ', 64);
	memcpy(message + 64, "TLS 1.3, server CertificateVerify", 34);
	assert_true(sign(ED25519, TLS_SIGN_ED25519, span_of(message, head + 32)));
	assert_true(sign(ED25519, TLS_SIGN_ED25519, span_of(message, head + 48)));
	assert_false(sign(ED25519, TLS_SIGN_ED25519, span_of(message, head + 33)));
	assert_false(sign(ED25519, TLS_SIGN_ED25519, span_of(message, head)));
	assert_false(sign(ED25519, TLS_SIGN_ED25519, SPAN_EMPTY));
	assert_false(sign(P256, TLS_SIGN_ED25519, span_of(message, head + 32)));
	memcpy(message + 64, "TLS 1.3, client CertificateVerify", 34);
	assert_false(sign(ED25519, TLS_SIGN_ED25519, span_of(message, head + 32)));
	/* TLS 1.2: two randoms, X25519, 32 bytes */
	memset(message, 'r', 64);
	memcpy(message + 64, "\x03\x00\x1d\x20", 4);
	assert_true(sign(ED25519, TLS_SIGN_ED25519, span_of(message, 68 + 32)));
	assert_false(sign(ED25519, TLS_SIGN_ED25519, span_of(message, 68 + 31)));
	assert_false(sign(ED25519, TLS_SIGN_ED25519, span_of(message, 68 + 33)));
	assert_false(sign(ED25519, TLS_SIGN_ED25519, span_of(message, 68)));
	message[64] = 1;
	assert_false(sign(ED25519, TLS_SIGN_ED25519, span_of(message, 68 + 32)));
	assert_false(sign(ED25519, TLS_SIGN_ED25519, SPAN_LITERAL("a message of my own")));
}

/* What PKCS #1 signatures cover is the hash in its DigestInfo, whoever asks. */
static void
pkcs1_is_padded_here(void **state)
{
	struct fixture_pair pair = pair_of(FIXTURE_RSA);
	struct tls_certificate *certificate = tls_certificate_load(span_text(pair.chain_pem), NULL);
	gnutls_datum_t pem = { (unsigned char *)pair.chain_pem, (unsigned)strlen(pair.chain_pem) };
	unsigned char bytes[TLS_SIGNATURE_MAX_BYTES];
	unsigned char hash_bytes[32] = "thirty-two bytes in place of one";
	gnutls_datum_t hash = { hash_bytes, sizeof hash_bytes };
	gnutls_datum_t signature = { bytes, 0 };
	gnutls_x509_crt_t crt;
	gnutls_pubkey_t key;
	size_t size;

	(void)state;
	assert_true(signer_sign(signer, ids[RSA], TLS_SIGN_RSA_PKCS1_SHA256,
			span_of(hash_bytes, sizeof hash_bytes), bytes, &size, &fault));
	signature.size = (unsigned)size;
	gnutls_x509_crt_init(&crt);
	assert_int_equal(gnutls_x509_crt_import(crt, &pem, GNUTLS_X509_FMT_PEM), 0);
	gnutls_pubkey_init(&key);
	assert_int_equal(gnutls_pubkey_import_x509(key, crt, 0), 0);
	assert_true(gnutls_pubkey_verify_hash2(key, GNUTLS_SIGN_RSA_SHA256, 0, &hash, &signature) >=
			0);
	assert_true(gnutls_pubkey_verify_hash2(
				    key, GNUTLS_SIGN_RSA_PSS_SHA256, 0, &hash, &signature) < 0);
	gnutls_pubkey_deinit(key);
	gnutls_x509_crt_deinit(crt);
	tls_certificate_free(&certificate);
	fixture_pair_free(&pair);
}

static void
unknown_keys_and_wrong_pairs(void **state)
{
	const struct fixture_wish expired = { .key = FIXTURE_P256, .names = { "a.example.org" },
		.begins_in_s = -7200, .expires_in_s = -60 };
	struct fixture_pair ec = pair_of(FIXTURE_P256);
	struct fixture_pair rsa = pair_of(FIXTURE_RSA);
	struct fixture_pair old = fixture_certificate(&expired);
	char input[32] = { 0 };
	unsigned char unknown[TLS_KEY_ID_BYTES] = { 0 };
	unsigned char bytes[TLS_SIGNATURE_MAX_BYTES];
	size_t size;

	(void)state;
	assert_false(signer_sign(signer, unknown, TLS_SIGN_ECDSA_SHA256, span_of(input, 32), bytes,
			&size, &fault));
	assert_int_equal(fault.kind, FAULT_MISSING);
	assert_true(signer_fits_name(signer, "main", P256, SPAN_LITERAL("mail.example.org")));
	assert_false(signer_fits_name(signer, "main", P256, SPAN_LITERAL("mail.example.net")));
	assert_false(signer_fits_name(signer, "main", 7, SPAN_LITERAL("mail.example.org")));
	assert_false(signer_add(signer, "wrong", 0, span_text(ec.chain_pem), span_text(rsa.key_pem),
			time(NULL), &fault));
	assert_string_equal(fault.text, "the key does not belong to the certificate");
	assert_false(add("old", 0, &old));
	assert_non_null(strstr(fault.text, "expired"));
	assert_false(signer_add(signer, "none", 0, span_text(ec.chain_pem), SPAN_EMPTY, time(NULL),
			&fault));
	fixture_pair_free(&ec);
	fixture_pair_free(&rsa);
	fixture_pair_free(&old);
}

static void
rate_is_limited(void **state)
{
	struct signer_rate rate = { 0 };
	int given = 0;

	(void)state;
	for (int i = 0; i < 3 * SIGNER_RATE_PER_S; i++)
		given += signer_rate_take(&rate, 100000);
	assert_int_equal(given, SIGNER_RATE_PER_S);
	for (int i = 0; i < 100; i++)
		given += signer_rate_take(&rate, 100001);
	assert_int_equal(given, SIGNER_RATE_PER_S + SIGNER_RATE_PER_S / 1000);
	assert_true(signer_rate_take(&rate, 101001));
	/* A clock that stands still or goes back gives nothing away. */
	given = 0;
	for (int i = 0; i < 2 * SIGNER_RATE_PER_S; i++)
		given += signer_rate_take(&rate, 90000);
	assert_true(given < SIGNER_RATE_PER_S);
}

/* --- handshakes signed over a socket pair: a bare protocol of fixed sizes, for this test alone */

struct question {
	unsigned char key_id[TLS_KEY_ID_BYTES];
	enum tls_sign algorithm;
	size_t length;
	char input[TLS_SIGN_INPUT_MAX_BYTES];
};

struct answer {
	size_t size;
	unsigned char signature[TLS_SIGNATURE_MAX_BYTES];
};

struct remote {
	int fd;
	unsigned asked; /* bits of enum tls_sign */
};

static bool
ask_remote(void *context, const unsigned char key_id[TLS_KEY_ID_BYTES], enum tls_sign algorithm,
		struct span input, unsigned char signature_out[TLS_SIGNATURE_MAX_BYTES],
		size_t *size_out)
{
	struct remote *remote = context;
	struct question question = { .algorithm = algorithm, .length = input.length };
	struct answer answer;

	assert_true(input.length <= sizeof question.input);
	memcpy(question.key_id, key_id, TLS_KEY_ID_BYTES);
	memcpy(question.input, input.start, input.length);
	remote->asked |= 1u << algorithm;
	if (send(remote->fd, &question, sizeof question, 0) != sizeof question ||
			recv(remote->fd, &answer, sizeof answer, MSG_WAITALL) != sizeof answer)
		return false;
	memcpy(signature_out, answer.signature, answer.size);
	*size_out = answer.size;
	return answer.size > 0;
}

static void *
answer_questions(void *context)
{
	int fd = *(int *)context;
	struct question question;
	struct answer answer;

	while (recv(fd, &question, sizeof question, MSG_WAITALL) == sizeof question) {
		answer = (struct answer){ .size = 0 };
		if (!signer_sign(signer, question.key_id, question.algorithm,
				    span_of(question.input, question.length), answer.signature,
				    &answer.size, NULL))
			answer.size = 0;
		if (send(fd, &answer, sizeof answer, 0) != sizeof answer)
			break;
	}
	return NULL;
}

static void
shake_hands(struct tls_set *set, const char *priority, const char *wanted)
{
	const struct tls_settings settings = { .minimum = TLS_VERSION_1_2 };
	const struct tls_client_settings wish = { .priority = priority,
		.minimum = TLS_VERSION_1_2 };
	struct fault client_fault = FAULT_INIT;
	struct fault server_fault = FAULT_INIT;
	struct tls_server *server = tls_server_new(&settings, set, &server_fault);
	struct tls_client *client = tls_client_new(&wish, &client_fault);
	struct tls_session *from = tls_session_new_client(client, "mail.example.org");
	struct tls_session *to = tls_session_new_server(server);
	enum tls_io client_end;
	enum tls_io server_end;

	fixture_shake(from, to, &client_end, &server_end, &client_fault, &server_fault);
	if (wanted && (client_end != TLS_DONE || server_end != TLS_DONE))
		fail_msg("%s: client \"%s\", server \"%s\"", priority, client_fault.text,
				server_fault.text);
	if (wanted)
		assert_string_equal(tls_session_version(to), wanted);
	else
		assert_int_equal(server_end, TLS_FAILED);
	tls_session_free(&from);
	tls_session_free(&to);
	tls_client_free(&client);
	tls_server_free(&server);
}

struct remote_case {
	enum fixture_key key;
	const char *priority;
	const char *version;
	enum tls_sign asked;
};

static const struct remote_case remote_cases[] = {
	{ FIXTURE_P256, "NORMAL", "TLS1.3", TLS_SIGN_ECDSA_SHA256 },
	{ FIXTURE_P256, "NORMAL:-VERS-TLS1.3", "TLS1.2", TLS_SIGN_ECDSA_SHA256 },
	{ FIXTURE_P384, "NORMAL", "TLS1.3", TLS_SIGN_ECDSA_SHA384 },
	{ FIXTURE_RSA, "NORMAL", "TLS1.3", TLS_SIGN_RSA_PSS_SHA256 },
	{ FIXTURE_RSA, "NORMAL:-VERS-TLS1.3:-SIGN-ALL:+SIGN-RSA-SHA256", "TLS1.2",
			TLS_SIGN_RSA_PKCS1_SHA256 },
	{ FIXTURE_RSA, "NORMAL:-VERS-TLS1.3:-SIGN-ALL:+SIGN-RSA-SHA384", "TLS1.2",
			TLS_SIGN_RSA_PKCS1_SHA384 },
	{ FIXTURE_RSA, "NORMAL:-VERS-TLS1.3:-SIGN-ALL:+SIGN-RSA-SHA512", "TLS1.2",
			TLS_SIGN_RSA_PKCS1_SHA512 },
	{ FIXTURE_RSA, "NORMAL:-VERS-TLS1.3:-SIGN-ALL:+SIGN-RSA-PSS-RSAE-SHA512", "TLS1.2",
			TLS_SIGN_RSA_PSS_SHA512 },
	{ FIXTURE_ED25519, "NORMAL", "TLS1.3", TLS_SIGN_ED25519 },
	{ FIXTURE_ED25519, "NORMAL:-VERS-TLS1.3", "TLS1.2", TLS_SIGN_ED25519 },
};

static struct tls_set *
remote_set(enum fixture_key key, struct remote *remote)
{
	struct fixture_pair pair = pair_of(key);
	struct tls_certificate *certificate =
			tls_certificate_load(span_text(pair.chain_pem), &fault);
	struct tls_set *set = tls_set_new();

	tls_certificate_set_signer(certificate, ask_remote, remote);
	assert_true(tls_set_add(set, certificate, NULL, 0, &fault));
	tls_certificate_free(&certificate);
	fixture_pair_free(&pair);
	return set;
}

static void
handshakes_are_signed_from_afar(void **state)
{
	pthread_t thread;
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(pthread_create(&thread, NULL, answer_questions, &fds[1]), 0);
	for (size_t i = 0; i < sizeof remote_cases / sizeof *remote_cases; i++) {
		struct remote remote = { .fd = fds[0] };
		struct tls_set *set = remote_set(remote_cases[i].key, &remote);

		/* Loading a certificate asks for nothing, raw or not. */
		assert_int_equal(remote.asked, 0);
		shake_hands(set, remote_cases[i].priority, remote_cases[i].version);
		assert_int_equal(remote.asked, 1u << remote_cases[i].asked);
		tls_set_free(&set);
	}
	close(fds[0]);
	pthread_join(thread, NULL);
	close(fds[1]);
}

static void
handshake_fails_when_nobody_signs(void **state)
{
	struct remote remote = { .fd = -1 };
	struct tls_set *set = remote_set(FIXTURE_P256, &remote);
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	close(fds[1]);
	remote.fd = fds[0];
	shutdown(fds[0], SHUT_WR);
	signal(SIGPIPE, SIG_IGN);
	shake_hands(set, "NORMAL", NULL);
	close(fds[0]);
	tls_set_free(&set);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(only_what_fits_is_signed),
		TEST(ed25519_signs_handshakes_only),
		TEST(pkcs1_is_padded_here),
		TEST(unknown_keys_and_wrong_pairs),
		TEST(rate_is_limited),
		TEST(handshakes_are_signed_from_afar),
		TEST(handshake_fails_when_nobody_signs),
		TEST(old_hashes_are_signed_only_where_allowed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
