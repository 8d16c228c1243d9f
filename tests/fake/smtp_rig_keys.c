/* SPDX-License-Identifier: BSD-2-Clause */
/* What super and keys do for the front end of the rig: a certificate, and signatures by its key. */
#include "smtp_rig_parts.h"

#include "../unit/tls_fixture.h"
#include "client/signer.h"
#include "ipc/message_login.h"
#include "ipc/sync_call.h"

#include <gnutls/abstract.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- super: the files and secrets it passes ------------------------------------------------ */

static struct fixture_pair pair;

void
rig_make_pair(void)
{
	static const struct fixture_wish wish = { .key = FIXTURE_P256,
		.names = { "mail.example.org" } };

	if (!pair.chain_pem)
		pair = fixture_certificate(&wish);
}

int
role_take_file(struct role_context *context, enum file_kind kind, const char *name, unsigned index)
{
	int fd;

	(void)context;
	(void)name;
	(void)index;
	if (kind != FILE_CERTIFICATE)
		return -1;
	fd = memfd_create("certificate", MFD_CLOEXEC);
	assert_true(write(fd, pair.chain_pem, strlen(pair.chain_pem)) > 0);
	return fd;
}

struct span
role_secret(const struct role_context *context, enum secret_kind kind, const char *name)
{
	(void)context;
	(void)kind;
	(void)name;
	return SPAN_EMPTY;
}

/* ---- keys: signs on a thread of its own ---------------------------------------------------- */

static struct span
sign_hash(gnutls_privkey_t key, struct span hash, gnutls_datum_t *signature)
{
	gnutls_datum_t bytes = { (unsigned char *)(uintptr_t)hash.start, (unsigned)hash.length };

	if (gnutls_privkey_sign_hash(key, GNUTLS_DIG_SHA256, 0, &bytes, signature) < 0)
		return SPAN_EMPTY;
	return span_of((const char *)signature->data, signature->size);
}

static void *
keep_keys(void *context)
{
	int fd = *(int *)context;
	gnutls_datum_t pem = { (unsigned char *)pair.key_pem, (unsigned)strlen(pair.key_pem) };
	struct buf asked = BUF_INIT(IPC_SHORT_MAX_BYTES);
	enum message_id id;
	gnutls_privkey_t key;

	mem_free_at((void **)&context);
	gnutls_privkey_init(&key);
	gnutls_privkey_import_x509_raw(key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0);
	while (sync_call_wait(fd, &id, &asked, NULL)) {
		struct arena *arena = arena_new(0);
		struct buf answer = BUF_INIT(IPC_SHORT_MAX_BYTES);
		gnutls_datum_t signature = { NULL, 0 };
		struct message_signed answered = { .signature = SPAN_EMPTY };
		struct message_sign question;

		if (message_sign_unpack(buf_span(&asked), arena, &question))
			answered.signature = sign_hash(key, question.hash, &signature);
		message_signed_pack(&answer, &answered);
		sync_call_answer(fd, MSG_SIGNED, buf_span(&answer), NULL);
		gnutls_free(signature.data);
		buf_fini(&answer);
		buf_clear(&asked);
		arena_free(&arena);
	}
	gnutls_privkey_deinit(key);
	buf_fini(&asked);
	close(fd);
	return NULL;
}

void
rig_link_keys(struct rig *rig)
{
	int *end = mem_alloc(sizeof *end);
	pthread_t thread;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	*end = fds[1];
	assert_int_equal(pthread_create(&thread, NULL, keep_keys, end), 0);
	pthread_detach(thread);
	signer_link(rig->service.signer, fds[0]);
}
