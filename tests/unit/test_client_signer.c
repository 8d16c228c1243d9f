/* SPDX-License-Identifier: BSD-2-Clause */
/* Handshakes whose signatures come from another process: it answers, refuses, talks rubbish, or is
 * gone. */
#include "tls_fixture.h"

#include <gnutls/abstract.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/signer.h"
#include "ipc/message_login.h"
#include "ipc/sync_call.h"

enum manner {
	MANNER_SIGNS,
	MANNER_REFUSES, /* an empty signature */
	MANNER_RUBBISH, /* content that does not unpack */
	MANNER_OTHER,	/* another message */
	MANNER_LEAVES,	/* closes instead of answering */
};

struct keys {
	int fd;
	enum manner manner;
	const char *key_pem;
	unsigned asked;
	pthread_t thread;
};

static void
answer(struct keys *keys, const struct message_sign *question)
{
	gnutls_datum_t pem = { (unsigned char *)(uintptr_t)keys->key_pem,
		(unsigned)strlen(keys->key_pem) };
	gnutls_datum_t hash = { (unsigned char *)(uintptr_t)question->hash.start,
		(unsigned)question->hash.length };
	gnutls_datum_t signature = { NULL, 0 };
	struct message_signed message = { .signature = SPAN_EMPTY };
	struct buf content = BUF_INIT(IPC_SHORT_MAX_BYTES);
	gnutls_privkey_t key;

	gnutls_privkey_init(&key);
	gnutls_privkey_import_x509_raw(key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0);
	gnutls_privkey_sign_hash(key, GNUTLS_DIG_SHA256, 0, &hash, &signature);
	if (keys->manner == MANNER_SIGNS)
		message.signature = span_of((const char *)signature.data, signature.size);
	message_signed_pack(&content, &message);
	sync_call_answer(keys->fd, MSG_SIGNED, buf_span(&content), NULL);
	gnutls_free(signature.data);
	gnutls_privkey_deinit(key);
	buf_fini(&content);
}

static void *
serve(void *context)
{
	struct keys *keys = context;
	struct buf asked = BUF_INIT(IPC_SHORT_MAX_BYTES);
	enum message_id id;

	while (sync_call_wait(keys->fd, &id, &asked, NULL)) {
		struct arena *arena = arena_new(0);
		struct message_sign question;

		keys->asked++;
		if (keys->manner == MANNER_LEAVES) {
			arena_free(&arena);
			break;
		}
		if (keys->manner == MANNER_RUBBISH)
			sync_call_answer(keys->fd, MSG_SIGNED, SPAN_LITERAL("rubbish"), NULL);
		else if (keys->manner == MANNER_OTHER)
			sync_call_answer(keys->fd, MSG_REFUSED, SPAN_EMPTY, NULL);
		else if (message_sign_unpack(buf_span(&asked), arena, &question))
			answer(keys, &question);
		buf_clear(&asked);
		arena_free(&arena);
	}
	buf_fini(&asked);
	close(keys->fd);
	return NULL;
}

static void
link_to(struct signer *signer, struct keys *keys, enum manner manner)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	keys->fd = fds[1];
	keys->manner = manner;
	keys->asked = 0;
	assert_int_equal(pthread_create(&keys->thread, NULL, serve, keys), 0);
	signer_link(signer, fds[0]);
}

/* Did the handshake with this server come about? */
static bool
shake(struct tls_server *server)
{
	static const struct tls_client_settings wants = { .verify = TLS_VERIFY_NONE };
	struct tls_client *client = tls_client_new(&wants, NULL);
	struct tls_session *there = tls_session_new_server(server);
	struct tls_session *here = tls_session_new_client(client, "mail.example.org");
	enum tls_io of_client = TLS_FAILED;
	enum tls_io of_server = TLS_FAILED;
	struct fault client_fault = FAULT_INIT;
	struct fault server_fault = FAULT_INIT;

	fixture_shake(here, there, &of_client, &of_server, &client_fault, &server_fault);
	tls_session_free(&here);
	tls_session_free(&there);
	tls_client_free(&client);
	return of_client == TLS_DONE && of_server == TLS_DONE;
}

static void
test_manners(void **state)
{
	static const struct {
		enum manner manner;
		bool shakes;
		bool stays; /* the pair may be used again */
	} rows[] = { { MANNER_SIGNS, true, true }, { MANNER_REFUSES, false, true },
		{ MANNER_RUBBISH, false, true }, { MANNER_OTHER, false, true },
		{ MANNER_LEAVES, false, false } };
	struct fixture_pair pair = fixture_certificate(
		&(struct fixture_wish){ .key = FIXTURE_P256, .names = { "mail.example.org" } });
	struct tls_certificate *certificate = tls_certificate_load(span_text(pair.chain_pem), NULL);
	struct tls_settings settings = { .minimum = TLS_VERSION_1_2 };
	struct signer *signer = signer_new();
	struct tls_set *set = tls_set_new();
	struct tls_server *server;

	(void)state;
	signer_attach(signer, certificate);
	assert_true(tls_set_add(set, certificate, NULL, 0, NULL));
	server = tls_server_new(&settings, set, NULL);
	/* nobody is there: it fails at once, and nothing else */
	assert_false(signer_is_linked(signer));
	assert_false(shake(server));
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct keys keys = { .key_pem = pair.key_pem };

		link_to(signer, &keys, rows[i].manner);
		assert_int_equal(shake(server), rows[i].shakes);
		assert_int_equal(signer_is_linked(signer), rows[i].stays);
		assert_int_equal(keys.asked, 1);
		signer_link(signer, -1);
		pthread_join(keys.thread, NULL);
	}
	tls_server_free(&server);
	tls_set_free(&set);
	tls_certificate_free(&certificate);
	signer_free(&signer);
	fixture_pair_free(&pair);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_manners),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
