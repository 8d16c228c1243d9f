/* SPDX-License-Identifier: BSD-2-Clause */
/* The keys role: one thread for each front end, which waits for questions on its own pair. */
#include "keys/keys.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "io/tls.h"
#include "ipc/message_login.h"
#include "ipc/sync_call.h"
#include "keys/signer.h"

enum {
	KEYS_FILE_MAX_BYTES = 256 * 1024,
	KEYS_STACK_BYTES = 256 * 1024,
};

/*
 * Front ends reload in their own time, and the older of them serve their older certificates to the
 * end: so the keys of as many generations are kept as super keeps of front ends.
 */
enum { KEYS_GENERATIONS = 3 };

struct keys {
	struct role_context *context;
	pthread_mutex_t lock;    /* around signers: changed by a reload, used by the threads */
	struct signer *signers[KEYS_GENERATIONS]; /* newest first; NULL behind the last */
	struct signer *next;     /* checked, not yet in use */
};

/* What one thread needs; its own from the start. */
struct desk {
	struct keys *keys;
	int fd;
	struct signer_rate rate;
};

/* ---- keys ----------------------------------------------------------------------------------------- */

static bool
add_pair(struct keys *keys, struct signer *signer, const struct settings_tls *tls, unsigned index,
	struct fault *fault)
{
	struct buf certificate = BUF_INIT(KEYS_FILE_MAX_BYTES);
	struct buf key = BUF_INIT(KEYS_FILE_MAX_BYTES);
	bool good;

	if (!role_read_file(keys->context, FILE_CERTIFICATE, tls->title, index, &certificate))
		good = fault_set(fault, FAULT_CONFIG, "%s: cannot be read",
			tls->certificate.items[index]);
	else if (!role_read_file(keys->context, FILE_KEY, tls->title, index, &key))
		good = fault_set(fault, FAULT_CONFIG, "%s: cannot be read", tls->key.items[index]);
	else
		good = signer_add(signer, tls->title, index, buf_span(&certificate), buf_span(&key),
			clock_wall_ms() / 1000, fault) ||
			fault_add(fault, "%s", tls->certificate.items[index]);
	if (!good)
		fault_add(fault, "%s", tls->where);
	buf_wipe(&key);
	buf_fini(&key);
	buf_fini(&certificate);
	return good;
}

/* Each pair of a section is for all the names that the section is offered for. */
static bool
check_names(const struct signer *signer, const struct settings_tls *tls, unsigned index,
	struct fault *fault)
{
	for (size_t i = 0; i < tls->names.count; i++) {
		if (!signer_fits_name(signer, tls->title, index, span_text(tls->names.items[i])))
			return fault_set(fault, FAULT_CONFIG, "%s: %s: the certificate is not for the name %s",
				tls->where, tls->certificate.items[index], tls->names.items[i]);
	}
	return true;
}

static bool
load_section(struct keys *keys, struct signer *signer, const struct settings_tls *tls,
	bool *hostname_found, struct fault *fault)
{
	struct span hostname = span_text(role_settings(keys->context)->hostname);

	for (unsigned index = 0; index < tls->certificate.count; index++) {
		if (!add_pair(keys, signer, tls, index, fault) ||
			!check_names(signer, tls, index, fault))
			return false;
		*hostname_found |= signer_fits_name(signer, tls->title, index, hostname);
	}
	return true;
}

static const enum tls_version minimums[] = { [LISTENER_TLS_1_0] = TLS_VERSION_1_0,
	[LISTENER_TLS_1_1] = TLS_VERSION_1_1,
	[LISTENER_TLS_1_2] = TLS_VERSION_1_2,
	[LISTENER_TLS_1_3] = TLS_VERSION_1_3 };

/* Here, because keys is the first to be asked, and one of the few that know the library. */
static bool
check_priorities(const struct settings *settings, struct fault *fault)
{
	for (size_t i = 0; i < settings->listener.count; i++) {
		const struct settings_listener *listener = &settings->listener.items[i];
		if (listener->tls_priority[0] &&
			!tls_priority_check(
				listener->tls_priority, minimums[listener->tls_minimum], fault))
			return fault_add(fault, "%s: listener \"%s\"", listener->where,
				listener->title);
	}
	return true;
}

/* What is signed for old TLS could be forged more easily: only keys that serve it sign such things. */
static void
allow_old(struct signer *signer, const struct settings *settings)
{
	for (size_t i = 0; i < settings->listener.count; i++) {
		const struct settings_listener *listener = &settings->listener.items[i];
		const struct settings_texts *names = &listener->certificates;

		if (minimums[listener->tls_minimum] >= TLS_VERSION_1_2)
			continue;
		for (size_t n = 0; n < names->count; n++)
			signer_allow_old(signer, names->items[n]);
		for (size_t n = 0; n < settings->tls.count && names->count == 0; n++)
			signer_allow_old(signer, settings->tls.items[n].title);
	}
}

/* All keys of the settings, or none: a half-loaded set would serve some names with errors. */
static struct signer *
load(struct keys *keys, struct fault *fault)
{
	const struct settings *settings = role_settings(keys->context);
	const struct settings_tls_list *list = &settings->tls;
	struct signer *signer = signer_new();
	bool hostname_found = list->count == 0;
	bool good = check_priorities(settings, fault);

	for (size_t i = 0; i < list->count && good; i++)
		good = load_section(keys, signer, &list->items[i], &hostname_found, fault);
	/* The name that people type: a client would turn away from any other. */
	if (good && !hostname_found)
		good = fault_set(fault, FAULT_CONFIG, "%s: %s: no certificate is for the name %s (hostname)",
			list->items[0].where, list->items[0].certificate.items[0],
			settings->hostname);
	if (good)
		allow_old(signer, settings);
	else
		signer_free(&signer);
	return signer;
}

/* ---- a front end's thread ------------------------------------------------------------------------- */

static struct signer *
signer_of(struct keys *keys, unsigned generation)
{
	struct signer *signer = NULL;

	pthread_mutex_lock(&keys->lock);
	if (keys->signers[generation])
		signer = signer_hold(keys->signers[generation]);
	pthread_mutex_unlock(&keys->lock);
	return signer;
}

/* With the newest generation that has the key. */
static bool
sign_with_any(struct keys *keys, const struct message_sign *question,
	unsigned char signature[TLS_SIGNATURE_MAX_BYTES], size_t *size_out, struct fault *fault)
{
	bool good = false;

	fault_set(fault, FAULT_MISSING, "no such key");
	for (unsigned i = 0; i < KEYS_GENERATIONS && !good && fault->kind == FAULT_MISSING; i++) {
		struct signer *signer = signer_of(keys, i);

		good = signer && signer_sign(signer, (const unsigned char *)question->key_id.start,
					 (enum tls_sign)question->algorithm, question->hash,
					 signature, size_out, fault);
		signer_free(&signer);
	}
	return good;
}

/* An empty signature is a refusal: the front end fails that one handshake. */
static void
sign(struct desk *desk, const struct message_sign *question,
	unsigned char signature[TLS_SIGNATURE_MAX_BYTES], size_t *size_out)
{
	struct fault fault = FAULT_INIT;
	char text[2 * TLS_KEY_ID_BYTES + 1];
	bool good;

	if (!signer_rate_take(&desk->rate, clock_steady_ms()))
		good = fault_set(&fault, FAULT_LIMIT, "too many signatures a second");
	else
		good = sign_with_any(desk->keys, question, signature, size_out, &fault);
	if (!good) {
		*size_out = 0;
		text_hex(question->key_id.start, question->key_id.length, text, sizeof text);
		log_event(EV_SIGN_REFUSED, kv_str("key", text),
			kv_int("algorithm", question->algorithm), kv_fault(&fault));
	}
}

/* False ends the desk: the front end is gone, or said what it may not say. */
static bool
serve(struct desk *desk, struct arena *arena)
{
	struct buf asked = BUF_INIT(IPC_SHORT_MAX_BYTES);
	struct buf answered = BUF_INIT(IPC_SHORT_MAX_BYTES);
	unsigned char signature[TLS_SIGNATURE_MAX_BYTES];
	struct message_signed answer = { 0 };
	struct message_sign question;
	struct fault fault = FAULT_INIT;
	enum message_id id;
	bool good = sync_call_wait(desk->fd, &id, &asked, &fault);

	if (good && (id != MSG_SIGN || !message_sign_unpack(buf_span(&asked), arena, &question))) {
		log_event(EV_CHANNEL_REFUSED, kv_str("peer", "front end"),
			kv_str("reason", "not a question for a signature"));
		good = false;
	}
	if (good) {
		sign(desk, &question, signature, &answer.signature.length);
		answer.signature.start = (const char *)signature;
		message_signed_pack(&answered, &answer);
		good = sync_call_answer(desk->fd, MSG_SIGNED, buf_span(&answered), &fault);
	}
	buf_fini(&asked);
	buf_fini(&answered);
	return good;
}

static void *
desk_run(void *context)
{
	struct desk *desk = context;
	struct arena *arena = arena_new(1024);

	while (serve(desk, arena))
		arena_reset(arena);
	arena_free(&arena);
	close(desk->fd);
	mem_free(&desk);
	return NULL;
}

static bool
desk_start(struct keys *keys, int fd)
{
	struct desk *desk = mem_alloc(sizeof *desk);
	pthread_attr_t attributes;
	sigset_t all, before;
	pthread_t thread;
	bool started;

	desk->keys = keys;
	desk->fd = fd;
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, KEYS_STACK_BYTES);
	/* Signals are the loop's; but a forbidden system call is said by the thread that made it. */
	sigfillset(&all);
	sigdelset(&all, SIGSYS);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	started = pthread_create(&thread, &attributes, desk_run, desk) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	if (!started)
		mem_free(&desk);
	return started;
}

/* ---- role ----------------------------------------------------------------------------------------- */

static void *
keys_start(struct role_context *context, struct fault *fault)
{
	struct keys *keys = mem_alloc(sizeof *keys);

	keys->context = context;
	pthread_mutex_init(&keys->lock, NULL);
	keys->signers[0] = load(keys, fault);
	if (!keys->signers[0])
		mem_free(&keys);
	return keys;
}

/* The pair blocks: its thread has nothing else to do. */
static bool
keys_on_link(void *private, const struct message_link *link, int fd)
{
	if (link->kind == LINK_SIGN && desk_start(private, fd))
		return true;
	close(fd);
	return false;
}

static bool
keys_on_check(void *private, struct fault *fault)
{
	struct keys *keys = private;

	keys->next = load(keys, fault);
	return keys->next;
}

static void
keys_on_take(void *private)
{
	struct keys *keys = private;
	struct signer *oldest;

	pthread_mutex_lock(&keys->lock);
	oldest = keys->signers[KEYS_GENERATIONS - 1];
	memmove(&keys->signers[1], &keys->signers[0],
		(KEYS_GENERATIONS - 1) * sizeof keys->signers[0]);
	keys->signers[0] = keys->next;
	keys->next = NULL;
	pthread_mutex_unlock(&keys->lock);
	signer_free(&oldest);
}

static void
keys_on_forget(void *private)
{
	struct keys *keys = private;

	signer_free(&keys->next);
}

static void
keys_on_stop(void *private, uint64_t grace_ms)
{
	struct keys *keys = private;

	(void)grace_ms;
	role_finished(keys->context);
}

/* The threads may still be at work; they and what they use end with the process. */
static void
keys_free(void **private)
{
	*private = NULL;
}

const struct role_program keys_program = {
	.role = ROLE_KEYS,
	.start = keys_start,
	.on_link = keys_on_link,
	.on_check = keys_on_check,
	.on_take = keys_on_take,
	.on_forget = keys_on_forget,
	.on_stop = keys_on_stop,
	.free = keys_free,
};
