/* SPDX-License-Identifier: BSD-2-Clause */
/* Signing in a TLS handshake by asking the keys process. */
#include "client/signer.h"

#include <pthread.h>
#include <string.h>

#include "base/log.h"
#include "io/sock.h"
#include "ipc/message_login.h"
#include "ipc/sync_call.h"

struct signer {
	pthread_mutex_t lock; /* around the pair: one question at a time */
	int fd;		      /* -1: none */
};

struct signer *
signer_new(void)
{
	struct signer *signer = mem_alloc(sizeof *signer);

	pthread_mutex_init(&signer->lock, NULL);
	signer->fd = -1;
	return signer;
}

void
signer_free(struct signer **signer)
{
	struct signer *old = *signer;

	if (!old)
		return;
	*signer = NULL;
	sock_close(&old->fd);
	pthread_mutex_destroy(&old->lock);
	mem_free(&old);
}

void
signer_link(struct signer *signer, int fd)
{
	pthread_mutex_lock(&signer->lock);
	sock_close(&signer->fd);
	signer->fd = fd;
	pthread_mutex_unlock(&signer->lock);
}

bool
signer_is_linked(struct signer *signer)
{
	bool linked;

	pthread_mutex_lock(&signer->lock);
	linked = signer->fd >= 0;
	pthread_mutex_unlock(&signer->lock);
	return linked;
}

static bool
ask(struct signer *signer, struct span question, struct buf *answer, struct fault *fault)
{
	enum message_id id;
	bool good;

	pthread_mutex_lock(&signer->lock);
	good = signer->fd >= 0 ? sync_call_ask(signer->fd, MSG_SIGN, question, SIGNER_WAIT_MS, &id,
					 answer, fault)
			       : fault_set(fault, FAULT_MISSING, "keys is away");
	/* An answer that came late would be taken for the next one. */
	if (!good)
		sock_close(&signer->fd);
	pthread_mutex_unlock(&signer->lock);
	return good && (id == MSG_SIGNED || fault_set(fault, FAULT_DENIED, "keys refused"));
}

static bool
sign(void *context, const unsigned char key_id[TLS_KEY_ID_BYTES], enum tls_sign algorithm,
	struct span input, unsigned char signature_out[TLS_SIGNATURE_MAX_BYTES], size_t *size_out)
{
	struct message_sign question = {
		.key_id = span_of(key_id, TLS_KEY_ID_BYTES), .algorithm = algorithm, .hash = input
	};
	struct message_signed answer = { .signature = SPAN_EMPTY };
	struct buf asked = BUF_INIT(IPC_SHORT_MAX_BYTES);
	struct buf answered = BUF_INIT(IPC_SHORT_MAX_BYTES);
	struct arena *arena = arena_new(0);
	struct fault fault = FAULT_INIT;
	char text[2 * TLS_KEY_ID_BYTES + 1];
	bool good;

	message_sign_pack(&asked, &question);
	good = ask(context, buf_span(&asked), &answered, &fault) &&
	       (message_signed_unpack(buf_span(&answered), arena, &answer) ||
		       fault_set(&fault, FAULT_PEER, "malformed answer")) &&
	       ((answer.signature.length > 0 &&
			answer.signature.length <= TLS_SIGNATURE_MAX_BYTES) ||
		       fault_set(&fault, FAULT_DENIED, "keys refused"));
	if (good) {
		memcpy(signature_out, answer.signature.start, answer.signature.length);
		*size_out = answer.signature.length;
	} else {
		text_hex(key_id, TLS_KEY_ID_BYTES, text, sizeof text);
		log_event(EV_CLIENT_SIGN_FAILED, kv_str("key", text), kv_fault(&fault));
	}
	buf_fini(&asked);
	buf_fini(&answered);
	arena_free(&arena);
	return good;
}

void
signer_attach(struct signer *signer, struct tls_certificate *certificate)
{
	tls_certificate_set_signer(certificate, sign, signer);
}
