/* SPDX-License-Identifier: BSD-2-Clause */
/* An SMTP front end in this process. */
#include "smtp_rig.h"

#include <gnutls/abstract.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../unit/tls_fixture.h"

#include "base/digest.h"
#include "client/auth_link.h"
#include "client/signer.h"
#include "config/config.h"
#include "io/sock.h"
#include "ipc/message_login.h"
#include "ipc/sync_call.h"
#include "smtp/smtp.h"

/* ---- super: the files and secrets it passes -------------------------------------------------- */

static struct fixture_pair pair;

static void
make_pair(void)
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

/* ---- keys: signs on a thread of its own ------------------------------------------------------ */

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

static void
link_keys(struct rig *rig)
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

/* ---- auth ------------------------------------------------------------------------------------ */

static void
pack_identity(struct rig *rig, struct buf *to, const char *login)
{
	static const char *const alice[] = { "alice@example.org", "ali@example.org" };
	static const char *const bob[] = { "bob@example.org" };
	bool is_alice = strcmp(login, "alice") == 0;
	struct identity identity = { .login = login,
		.mechanism = "PLAIN",
		.addresses = { is_alice ? alice : bob, is_alice ? 2 : 1 },
		.limits = "",
		.protocols = IDENTITY_SMTP,
		.epoch = is_alice ? rig->epoch : 1 };

	identity_pack(to, &identity);
}

static void
answer_done(struct rig *rig, uint32_t request, const char *login)
{
	struct buf identity = BUF_INIT(0);
	struct buf content = BUF_INIT(0);
	struct message_login_done done = { .grant = SPAN_LITERAL("granted") };

	pack_identity(rig, &identity, login);
	done.identity = buf_span(&identity);
	message_login_done_pack(&content, &done);
	channel_answer(rig->auth, request, MSG_LOGIN_DONE, &content, -1);
	buf_fini(&identity);
	buf_fini(&content);
}

static void
answer_failed(struct rig *rig, uint32_t request, enum login_failure failure)
{
	struct buf content = BUF_INIT(0);
	struct message_login_failed failed = { .failure = failure,
		.delay_ms = rig->login_delay_ms,
		.login = "alice",
		.text = failure == LOGIN_LIMIT ? "Too many sessions of this login" : "wrong" };

	message_login_failed_pack(&content, &failed);
	channel_answer(rig->auth, request, MSG_LOGIN_FAILED, &content, -1);
	buf_fini(&content);
}

static void
answer_challenge(struct rig *rig, uint32_t request, struct span bytes)
{
	struct buf content = BUF_INIT(0);
	struct message_login_challenge challenge = { .challenge = bytes };

	message_login_challenge_pack(&content, &challenge);
	channel_answer(rig->auth, request, MSG_LOGIN_CHALLENGE, &content, -1);
	buf_fini(&content);
}

static void
check_plain(struct rig *rig, uint32_t request, struct span message)
{
	if (span_equal(message, span_of("\0alice\0alicepw", 14)))
		answer_done(rig, request, "alice");
	else if (span_equal(message, span_of("\0bob\0bobpw", 10)))
		answer_done(rig, request, "bob");
	else if (span_equal(message, span_of("\0limit\0x", 8)))
		answer_failed(rig, request, LOGIN_LIMIT);
	else
		answer_failed(rig, request, LOGIN_BAD_CREDENTIALS);
}

static bool
on_login_start(struct rig *rig, struct channel_message *message, struct arena *arena)
{
	struct message_login_start start;

	assert_true(message_login_start_unpack(message->bytes, arena, &start));
	rig->logins++;
	snprintf(rig->last_session, sizeof rig->last_session, "%s", start.session);
	snprintf(rig->last_mechanism, sizeof rig->last_mechanism, "%s", start.mechanism);
	rig->last_tls = start.tls;
	rig->last_exporter = start.bind_exporter.length;
	if (rig->auth_mode == RIG_AUTH_SILENT)
		return true;
	if (rig->auth_mode == RIG_AUTH_GARBAGE) {
		channel_answer(rig->auth, message->request, MSG_LOGIN_DONE, NULL, -1);
	} else if (rig->auth_mode == RIG_AUTH_DOWN) {
		answer_failed(rig, message->request, LOGIN_TEMPORARY);
	} else if (strcmp(start.mechanism, "PLAIN") == 0 || strcmp(start.mechanism, "LOGIN") == 0) {
		check_plain(rig, message->request, start.initial);
	} else {
		rig->scram_request = message->request;
		answer_challenge(rig, message->request,
			start.has_initial ? SPAN_LITERAL("two") : SPAN_EMPTY);
	}
	return true;
}

/* A mechanism of three messages, the last of which tells who it is. */
static bool
on_login_step(struct rig *rig, struct span bytes, struct arena *arena)
{
	struct message_login_step step;

	assert_true(message_login_step_unpack(bytes, arena, &step));
	assert_int_equal(step.exchange, rig->scram_request);
	if (span_is(step.response, "one"))
		answer_challenge(rig, step.exchange, SPAN_LITERAL("two"));
	else if (span_is(step.response, "alice"))
		answer_done(rig, step.exchange, "alice");
	else
		answer_failed(rig, step.exchange, LOGIN_BAD_CREDENTIALS);
	return true;
}

static void
on_charge(struct rig *rig, const struct channel_message *message)
{
	struct buf content = BUF_INIT(0);
	struct message_charged charged = { .verdict = rig->charge,
		.text = "messages-per-hour of limits \"default\"" };

	rig->charges++;
	message_charged_pack(&content, &charged);
	channel_answer(rig->auth, message->request, MSG_CHARGED, &content, -1);
	buf_fini(&content);
}

static void
on_identity_get(struct rig *rig, const struct channel_message *message, struct arena *arena)
{
	struct message_session session;

	assert_true(message_session_unpack(message->bytes, arena, &session));
	assert_true(span_is(session.grant, "granted"));
	if (rig->forget_alice)
		answer_failed(rig, message->request, LOGIN_BAD_CREDENTIALS);
	else
		answer_done(rig, message->request, session.login);
}

static void
tell_recipient(struct rig *rig, struct channel *channel, const struct channel_message *message,
	struct arena *arena)
{
	const struct message_recipient_told told = { rig->finding,
		rig->finding_code ? rig->finding_code : "", "as the test says" };
	struct message_recipient_ask asked;
	struct buf content = BUF_INIT(0);

	assert_true(message_recipient_ask_unpack(message->bytes, arena, &asked));
	snprintf(rig->asked_path, sizeof rig->asked_path, "%s", asked.path);
	if (rig->finding_silent)
		return;
	message_recipient_told_pack(&content, &told);
	channel_answer(channel, message->request, MSG_RECIPIENT_TOLD, &content, -1);
	buf_fini(&content);
}

static bool
on_auth_message(void *context, struct channel_message *message)
{
	struct rig *rig = context;
	struct arena *arena = arena_new(0);
	struct message_session session;

	if (message->id == MSG_LOGIN_START)
		on_login_start(rig, message, arena);
	else if (message->id == MSG_LOGIN_STEP)
		on_login_step(rig, message->bytes, arena);
	else if (message->id == MSG_LOGIN_CANCEL)
		rig->cancels++;
	else if (message->id == MSG_SESSION_END)
		rig->ends++;
	else if (message->id == MSG_SESSIONS_ANNOUNCED)
		rig->announcements_done++;
	else if (message->id == MSG_CHARGE)
		on_charge(rig, message);
	else if (message->id == MSG_RECIPIENT_ASK && ++rig->asked_auth)
		tell_recipient(rig, rig->auth, message, arena);
	else if (message->id == MSG_IDENTITY_GET)
		on_identity_get(rig, message, arena);
	else if (message->id == MSG_SESSION_ANNOUNCE)
		rig->announced += message_session_unpack(message->bytes, arena, &session) &&
				  strcmp(session.login, "alice") == 0;
	else
		fail_msg("auth got %s", message_rule(message->id)->name);
	arena_free(&arena);
	return true;
}

static void
on_auth_closed(void *context, const struct fault *why)
{
	struct rig *rig = context;

	(void)why;
	channel_free(&rig->auth);
}

void
rig_link_auth(struct rig *rig)
{
	static const struct channel_events events = { .on_message = on_auth_message,
		.on_closed = on_auth_closed };
	int fds[2];

	assert_true(sock_pair(fds, NULL));
	channel_free(&rig->auth);
	rig->auth = channel_new(rig->loop, fds[0], ROLE_AUTH, ROLE_SMTP, &events, rig);
	auth_link_set(rig->service.front->auth, fds[1]);
}

void
rig_kill_auth(struct rig *rig)
{
	channel_free(&rig->auth);
}

void
rig_revoke(struct rig *rig, const char *login, uint64_t epoch)
{
	struct message_revoke revoke = { .login = login, .epoch = epoch };
	struct buf content = BUF_INIT(0);

	message_revoke_pack(&content, &revoke);
	channel_send(rig->auth, MSG_REVOKE, &content, -1);
	buf_fini(&content);
	rig_turns(rig, 4);
}

void
rig_kick(struct rig *rig, const char *text)
{
	struct message_session_kick kick = { .session = rig->last_session, .text = text };
	struct buf content = BUF_INIT(0);

	message_session_kick_pack(&content, &kick);
	channel_send(rig->auth, MSG_SESSION_KICK, &content, -1);
	buf_fini(&content);
	rig_turns(rig, 4);
}

/* ---- the queue ------------------------------------------------------------------------------- */

static void
answer_committed(struct rig *rig, uint32_t request, const char *id)
{
	struct message_committed committed = { .id = id };
	struct buf content = BUF_INIT(0);

	message_committed_pack(&content, &committed);
	channel_answer(rig->queue, request, MSG_COMMITTED, &content, -1);
	buf_fini(&content);
}

void
rig_answer_commit(struct rig *rig)
{
	answer_committed(rig, rig->waiting_commit, rig_last(rig)->id);
	rig->waiting_commit = 0;
}

static void
read_body(struct rig *rig, struct rig_message *to, const struct message_content *content)
{
	unsigned char hash[DIGEST_BYTES];
	struct digest digest;

	if (!content->in_file) {
		assert_int_equal(content->body.length, content->body_length);
		buf_add_span(&to->body, content->body);
		return;
	}
	char *room = buf_reserve(&to->body, content->body_length + 1);
	ssize_t length = pread(rig->body_fds[content->file % 8], room, content->body_length + 1, 0);

	assert_int_equal(length, content->body_length);
	buf_claim(&to->body, (size_t)length);
	digest_init(&digest);
	digest_add(&digest, buf_span(&to->body));
	digest_final(&digest, hash);
	to->hash_good = memcmp(hash, content->body_hash, sizeof hash) == 0;
}

static void
keep_message(struct rig *rig, const struct message_commit *commit)
{
	struct rig_message *to = &rig->messages[rig->count++ % RIG_MESSAGES_MAX];
	const struct message_envelope *envelope = &commit->envelope;

	buf_fini(&to->header);
	buf_fini(&to->body);
	*to = (struct rig_message){ .recipients = envelope->recipient_count,
		.in_file = commit->content.in_file,
		.hold = commit->hold,
		.eightbit = envelope->body_kind == BODY_8BITMIME,
		.ret = (uint8_t)envelope->ret,
		.notify = envelope->recipients[0].notify };
	snprintf(to->id, sizeof to->id, "%s", commit->id);
	snprintf(to->sender, sizeof to->sender, "%s", envelope->sender);
	snprintf(to->first_recipient, sizeof to->first_recipient, "%s",
		envelope->recipients[0].path);
	snprintf(to->login, sizeof to->login, "%s", commit->login);
	snprintf(to->protocol, sizeof to->protocol, "%s", commit->protocol);
	snprintf(to->envid, sizeof to->envid, "%s", envelope->envid);
	snprintf(to->orcpt, sizeof to->orcpt, "%s", envelope->recipients[0].orcpt);
	snprintf(to->grant, sizeof to->grant, "%.*s", SPAN_PRINT(commit->grant));
	buf_add_span(&to->header, commit->content.header);
	read_body(rig, to, &commit->content);
}

static void
on_commit(struct rig *rig, struct channel_message *message, struct arena *arena)
{
	struct message_commit commit;

	assert_true(message_commit_unpack(message->bytes, arena, &commit));
	rig->commits++;
	if (rig->queue_mode == RIG_QUEUE_REFUSES) {
		channel_refuse(rig->queue, message->request, 452, "4.3.1", "The disk is full");
		return;
	}
	keep_message(rig, &commit);
	if (rig->queue_mode == RIG_QUEUE_SILENT)
		rig->waiting_commit = message->request;
	else
		answer_committed(rig, message->request,
			rig->queue_mode == RIG_QUEUE_OTHER_ID ? "other" : commit.id);
}

static void
answer_body(struct rig *rig, uint32_t request)
{
	struct message_body body = { .file = ++rig->body_count };
	struct buf content = BUF_INIT(0);
	int fd = memfd_create("body", MFD_CLOEXEC);

	rig->body_fds[rig->body_count % 8] = dup(fd);
	message_body_pack(&content, &body);
	channel_answer(rig->queue, request, MSG_BODY_FILE, &content, fd);
	buf_fini(&content);
}

void
rig_answer_body(struct rig *rig)
{
	answer_body(rig, rig->waiting_body);
	rig_turns(rig, 4);
}

static void
open_body(struct rig *rig, const struct channel_message *message)
{
	if (rig->queue_mode == RIG_QUEUE_NO_FILES)
		channel_refuse(rig->queue, message->request, 452, "4.3.1", "No room");
	else if (rig->queue_mode == RIG_QUEUE_LATE_FILES)
		rig->waiting_body = message->request;
	else
		answer_body(rig, message->request);
}

static bool
on_queue_message(void *context, struct channel_message *message)
{
	struct rig *rig = context;
	struct arena *arena = arena_new(0);

	if (message->id == MSG_COMMIT)
		on_commit(rig, message, arena);
	else if (message->id == MSG_BODY_OPEN)
		open_body(rig, message);
	else if (message->id == MSG_BODY_DROP)
		rig->drops++;
	else if (message->id == MSG_RECIPIENT_ASK && ++rig->asked_queue)
		tell_recipient(rig, rig->queue, message, arena);
	else
		fail_msg("queue got %s", message_rule(message->id)->name);
	arena_free(&arena);
	return true;
}

static void
on_queue_closed(void *context, const struct fault *why)
{
	struct rig *rig = context;

	(void)why;
	channel_free(&rig->queue);
}

void
rig_link_queue(struct rig *rig)
{
	static const struct channel_events events = { .on_message = on_queue_message,
		.on_closed = on_queue_closed };
	int fds[2];

	assert_true(sock_pair(fds, NULL));
	channel_free(&rig->queue);
	rig->queue = channel_new(rig->loop, fds[0], ROLE_QUEUE, ROLE_SMTP, &events, rig);
	queue_link_set(rig->service.queue, fds[1]);
}

void
rig_kill_queue(struct rig *rig)
{
	channel_free(&rig->queue);
}

void
rig_press(struct rig *rig, bool is_short)
{
	struct message_pressure pressure = { .short_of_space = is_short, .text = "Disk full" };
	struct buf content = BUF_INIT(0);

	message_pressure_pack(&content, &pressure);
	channel_send(rig->queue, MSG_PRESSURE, &content, -1);
	buf_fini(&content);
	rig_turns(rig, 4);
}

/* ---- waiting --------------------------------------------------------------------------------- */

static void
stop_if_done(struct rig *rig)
{
	if (rig->until && rig->until(rig))
		loop_stop(rig->loop);
}

static void
on_timer(void *context)
{
	struct rig *rig = context;

	rig->late = true;
	loop_stop(rig->loop);
}

static void
on_turn(void *context)
{
	struct rig *rig = context;

	loop_stop(rig->loop);
}

void
rig_turns(struct rig *rig, unsigned turns)
{
	struct loop_defer defer;

	loop_defer_init(&defer, rig->loop, on_turn, rig);
	for (unsigned i = 0; i < turns; i++) {
		loop_defer(&defer);
		loop_run(rig->loop);
	}
}

void
rig_wait(struct rig *rig, bool (*until)(struct rig *rig))
{
	rig->late = false;
	loop_timer_start(&rig->timer, RIG_WAIT_MS);
	while (!until(rig) && !rig->late) {
		struct loop_timer poll;

		/* What changes in the fakes stops no loop by itself. */
		rig->until = until;
		loop_timer_init(&poll, rig->loop, on_turn, rig);
		loop_timer_start(&poll, 1);
		loop_run(rig->loop);
		loop_timer_stop(&poll);
	}
	rig->until = NULL;
	loop_timer_stop(&rig->timer);
	if (rig->late)
		print_error(
			"waited too long; heard so far: %.*s\n", SPAN_PRINT(buf_span(&rig->got)));
	assert_false(rig->late);
}

/* ---- the client ------------------------------------------------------------------------------ */

static void
on_input(struct stream *stream, void *context)
{
	struct rig *rig = context;
	struct span bytes = stream_peek(stream);

	buf_add_span(&rig->got, bytes);
	stream_consume(stream, bytes.length);
	stop_if_done(rig);
}

static void
on_secure(struct stream *stream, void *context)
{
	struct rig *rig = context;

	(void)stream;
	rig->secured = true;
	stop_if_done(rig);
}

static void
on_close(struct stream *stream, enum stream_end end, const struct fault *fault, void *context)
{
	struct rig *rig = context;

	(void)stream;
	(void)fault;
	rig->closed = true;
	rig->end = end;
	stop_if_done(rig);
}

static const struct stream_hooks hooks = {
	.on_input = on_input, .on_secure = on_secure, .on_close = on_close
};
static const struct stream_limits limits = { .input_max_bytes = 1 << 20,
	.output_max_bytes = 1 << 28,
	.output_high_bytes = 1 << 27,
	.output_low_bytes = 1 << 20,
	.linger_ms = 100 };

static void
ignore_input(struct stream *stream, void *context)
{
	(void)context;
	stream_consume(stream, stream_peek(stream).length);
}

static void
ignore_close(struct stream *stream, enum stream_end end, const struct fault *fault, void *context)
{
	(void)stream;
	(void)end;
	(void)fault;
	(void)context;
}

static const struct stream_hooks parked_hooks = { .on_input = ignore_input,
	.on_close = ignore_close };

void
rig_park(struct rig *rig, unsigned place)
{
	stream_set_owner(rig->client, &parked_hooks, &limits, rig);
	rig->parked[place] = rig->client;
	rig->client = NULL;
}

void
rig_take_up(struct rig *rig, unsigned place)
{
	rig_hang_up(rig);
	rig->closed = false;
	rig->client = rig->parked[place];
	rig->parked[place] = NULL;
	stream_set_owner(rig->client, &hooks, &limits, rig);
}

void
rig_hang_up(struct rig *rig)
{
	stream_free(&rig->client);
	buf_clear(&rig->got);
	rig_turns(rig, 8);
}

void
rig_connect_from(struct rig *rig, const char *from)
{
	struct sock_address address;
	int fds[2];

	rig_hang_up(rig);
	assert_true(sock_address_parse_host(span_text(from), 4000, &address));
	assert_true(sock_pair(fds, NULL));
	rig->closed = rig->secured = false;
	rig->client = stream_new(rig->loop, fds[0], &hooks, &limits, rig);
	front_accept(
		rig->service.front, &rig->service.front->setup->listeners[0], fds[1], &address);
}

void
rig_connect(struct rig *rig)
{
	rig_connect_from(rig, "192.0.2.1");
}

void
rig_say(struct rig *rig, struct span bytes)
{
	if (!rig->bytewise) {
		stream_write(rig->client, bytes);
		stream_flush(rig->client);
		return;
	}
	for (size_t i = 0; i < bytes.length && !rig->closed; i++) {
		stream_write(rig->client, span_of(bytes.start + i, 1));
		stream_flush(rig->client);
		rig_turns(rig, 2);
	}
}

static size_t wanted;

static bool
has_wanted(struct rig *rig)
{
	return buf_length(&rig->got) >= wanted || rig->closed;
}

void
rig_hear(struct rig *rig, const char *text)
{
	struct span got;

	wanted = strlen(text);
	rig_wait(rig, has_wanted);
	got = buf_span(&rig->got);
	if (!span_is(got, text))
		print_error("wanted: %s\nheard:  %.*s\n", text, SPAN_PRINT(got));
	assert_true(span_is(got, text));
	buf_clear(&rig->got);
}

static bool
has_line(struct rig *rig)
{
	return span_has_byte(buf_span(&rig->got), '\n') || rig->closed;
}

void
rig_hear_line(struct rig *rig, const char *begin)
{
	struct span got;

	rig_wait(rig, has_line);
	got = buf_span(&rig->got);
	if (!span_starts(got, begin))
		print_error("wanted: %s\nheard:  %.*s\n", begin, SPAN_PRINT(got));
	assert_true(span_starts(got, begin));
	buf_consume(&rig->got, span_find(got, '\n') + 1);
}

void
rig_hear_until(struct rig *rig, const char *begin)
{
	bool found = false;

	while (!found) {
		rig_wait(rig, has_line);
		assert_true(buf_length(&rig->got) > 0);
		found = span_starts(buf_span(&rig->got), begin);
		rig_hear_line(rig, "");
	}
}

static bool
is_closed(struct rig *rig)
{
	return rig->closed;
}

void
rig_wait_close(struct rig *rig)
{
	rig_wait(rig, is_closed);
}

void
rig_hear_close(struct rig *rig)
{
	rig_wait_close(rig);
	if (buf_length(&rig->got))
		print_error("heard: %.*s\n", SPAN_PRINT(buf_span(&rig->got)));
	assert_int_equal(buf_length(&rig->got), 0);
}

void
rig_hear_silence(struct rig *rig)
{
	rig_turns(rig, 10);
	if (buf_length(&rig->got))
		print_error("heard: %.*s\n", SPAN_PRINT(buf_span(&rig->got)));
	assert_int_equal(buf_length(&rig->got), 0);
}

static bool
is_secured(struct rig *rig)
{
	return rig->secured || rig->closed;
}

void
rig_shake(struct rig *rig)
{
	static const struct tls_client_settings settings = { .verify = TLS_VERIFY_NONE };

	if (!rig->tls)
		rig->tls = tls_client_new(&settings, NULL);
	assert_true(stream_start_client(rig->client, rig->tls, "mail.example.org", NULL));
	rig_wait(rig, is_secured);
}

/* ---- scripts --------------------------------------------------------------------------------- */

void
rig_play(struct rig *rig, const char *script)
{
	struct span rest = span_text(script);
	struct buf said = BUF_INIT(0);
	struct buf heard = BUF_INIT(0);

	while (rest.length) {
		struct span line = span_cut(rest, '\n', &rest);
		struct buf *to = span_starts(line, "C: ") ? &said : &heard;

		assert_true(span_starts(line, "C: ") || span_starts(line, "S: "));
		buf_add_span(to, span_from(line, 3));
		buf_add_text(to, "\r\n");
		if (span_starts(line, "C: ") && !span_starts(rest, "C: ")) {
			rig_say(rig, buf_span(&said));
			buf_clear(&said);
		} else if (span_starts(line, "S: ") && !span_starts(rest, "S: ")) {
			rig_hear(rig, buf_text(&heard));
			buf_clear(&heard);
		}
	}
	buf_fini(&said);
	buf_fini(&heard);
}

void
rig_log_in(struct rig *rig)
{
	bool bytewise = rig->bytewise;

	rig->bytewise = false;
	rig_connect(rig);
	if (rig->service.front->setup->listeners[0].settings->tls == LISTENER_TLS_IMPLICIT) {
		rig_shake(rig);
		rig_hear_line(rig, "220 ");
	} else if (rig->service.front->setup->listeners[0].tls) {
		rig_hear_line(rig, "220 ");
		rig_say_text(rig, "STARTTLS\r\n");
		rig_hear(rig, "220 2.0.0 Go ahead\r\n");
		rig_shake(rig);
	} else {
		rig_hear_line(rig, "220 ");
	}
	rig_say_text(rig, "EHLO client.example.org\r\n");
	rig_hear_until(rig, "250 ");
	rig_say_text(rig, "AUTH PLAIN AGFsaWNlAGFsaWNlcHc=\r\n");
	rig_hear(rig, "235 2.7.0 Authentication successful\r\n");
	rig->bytewise = bytewise;
}

struct rig_message *
rig_last(struct rig *rig)
{
	assert_true(rig->count > 0);
	return &rig->messages[(rig->count - 1) % RIG_MESSAGES_MAX];
}

char *
rig_read_journal(struct rig *rig)
{
	char *text = mem_alloc(1 << 16);

	assert_true(pread(rig->journal, text, (1 << 16) - 1, 0) >= 0);
	return text;
}

/* ---- set-up ---------------------------------------------------------------------------------- */

static struct settings *
load(const char *tls, const char *text, const char *more)
{
	char path[] = "/tmp/test-smtp-XXXXXX";
	int fd = mkstemp(path);
	struct fault fault = FAULT_INIT;
	struct settings *settings;

	assert_true(fd >= 0);
	dprintf(fd,
		"hostname = \"mail.example.org\"\n"
		"authoritative-domains = { \"example.org\" }\n"
		"tls \"main\" { certificate = \"/c.pem\" key = \"/k.pem\" }\n"
		"sasl { mechanisms = { PLAIN, LOGIN, \"SCRAM-SHA-256\", \"SCRAM-SHA-256-PLUS\" } "
		"answer-wait = 1s }\n"
		"listener \"in\" { address = \"127.0.0.1:0\" tls = %s\n%s }\n"
		"permit \"authenticated\" { rights = { submit, relay } }\n"
		"route \"*\" { to = \"smtp:hop.example.net:25\" }\n%s\n",
		tls, text, more);
	settings = config_load(path, &fault);
	if (!settings)
		print_error("%s\n", fault.text);
	assert_non_null(settings);
	close(fd);
	unlink(path);
	return settings;
}

struct setup *
rig_setup(struct rig *rig, const char *tls, const char *text, const char *more)
{
	struct settings *settings = load(tls, text, more);
	struct fault fault = FAULT_INIT;
	struct setup *setup =
		setup_new(NULL, settings, 1u << LISTENER_SMTP, rig->service.signer, &fault);

	if (!setup)
		print_error("%s\n", fault.text);
	assert_non_null(setup);
	settings_free(&settings);
	return setup;
}

struct rig *
rig_new(const char *tls, const char *text, const char *more)
{
	static const struct session_protocol *const protocols[FRONT_PROTOCOLS] = {
		[LISTENER_SMTP] = &smtp_protocol
	};
	struct rig *rig = mem_alloc(sizeof *rig);

	make_pair();
	rig->loop = loop_new();
	rig->epoch = 1;
	loop_timer_init(&rig->timer, rig->loop, on_timer, rig);
	rig->journal = memfd_create("journal", MFD_CLOEXEC);
	rig->service.signer = signer_new();
	rig->service.queue = queue_link_new(rig->loop);
	rig->service.front = front_new(rig->loop, ROLE_SMTP, protocols, gate_open(-1, 0, NULL),
		journal_new(dup(rig->journal), LOG_PROTOCOL_CSV), NULL, &rig->service);
	assert_true(front_serve(rig->service.front, rig_setup(rig, tls, text, more), NULL, NULL));
	link_keys(rig);
	rig_link_auth(rig);
	rig_link_queue(rig);
	rig_turns(rig, 2);
	return rig;
}

void
rig_free(struct rig **rig)
{
	struct rig *old = *rig;

	rig_hang_up(old);
	for (unsigned i = 0; i < sizeof old->parked / sizeof *old->parked; i++)
		stream_free(&old->parked[i]);
	front_free(&old->service.front);
	queue_link_free(&old->service.queue);
	signer_free(&old->service.signer);
	buf_fini(&old->service.reply);
	channel_free(&old->auth);
	channel_free(&old->queue);
	tls_client_free(&old->tls);
	for (unsigned i = 0; i < RIG_MESSAGES_MAX; i++) {
		buf_fini(&old->messages[i].header);
		buf_fini(&old->messages[i].body);
	}
	for (unsigned i = 1; i <= 8 && i <= old->body_count; i++)
		close(old->body_fds[i % 8]);
	close(old->journal);
	buf_fini(&old->got);
	loop_free(&old->loop);
	mem_free_at((void **)rig);
}
