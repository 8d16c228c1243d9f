/* SPDX-License-Identifier: BSD-2-Clause */
/* Other programs of this machine ask who a login is. */
#include "auth/lookup_server.h"

#include <errno.h>
#include <pwd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "auth/directory.h"
#include "auth/login_name.h"
#include "base/clock.h"
#include "base/log.h"
#include "io/sock.h"
#include "ipc/lookup.h"

enum {
	INPUT_MAX_BYTES = 2 * (LOOKUP_HEAD_BYTES + LOOKUP_QUESTION_MAX_BYTES),
	REFUSALS_QUIET_MS = 60 * 1000, /* in which further ones are not logged */
};

enum waiting {
	WAITING_ANEW, /* it begins something */
	WAITING_FOR_QUESTION,
	WAITING_FOR_REST,
	WAITING_FOR_READER,
};

struct lookup_client {
	struct lookup_server *server;
	struct lookup_client *next;
	uid_t uid;
	int fd;
	struct loop_watch *watch;
	struct loop_timer deadline;
	enum waiting waiting;
	struct loop_defer end; /* it is freed at the end of the turn */
	struct buf input;
	struct buf output;     /* of one answer */
	struct directory_question *question;
	bool busy;             /* a question is with the directory */
	bool gone;
};

struct lookup_server {
	struct auth *auth;
	int fd;
	struct sock_acceptor *acceptor;
	struct lookup_client *clients;
	unsigned count;
	uid_t *users; /* beside root and our own */
	size_t user_count;
	uint64_t quiet_until_ms;
};

/* ---- the end of a client ---------------------------------------------------------------------- */

static void
free_client(struct lookup_client *client)
{
	struct lookup_client **place = &client->server->clients;

	while (*place != client)
		place = &(*place)->next;
	*place = client->next;
	client->server->count--;
	directory_cancel(&client->question);
	loop_timer_stop(&client->deadline);
	loop_defer_cancel(&client->end);
	loop_watch_free(&client->watch);
	sock_close(&client->fd);
	buf_fini(&client->input);
	buf_fini(&client->output);
	mem_free(&client);
}

static void
on_end(void *context)
{
	free_client(context);
}

/* Whoever is refused could else write our log. */
static void
log_refusal(struct lookup_server *server, const char *why, uid_t uid)
{
	uint64_t now = loop_now_ms(server->auth->loop);

	if (now < server->quiet_until_ms)
		return;
	server->quiet_until_ms = now + REFUSALS_QUIET_MS;
	log_event(EV_LOOKUP_REFUSED, kv_str("reason", why), kv_int("uid", (int64_t)uid));
}

static void
drop(struct lookup_client *client, const char *why)
{
	if (client->gone)
		return;
	client->gone = true;
	if (why)
		log_refusal(client->server, why, client->uid);
	loop_watch_set(client->watch, 0);
	loop_timer_stop(&client->deadline);
	directory_cancel(&client->question);
	loop_defer(&client->end);
}

/* ---- answers ---------------------------------------------------------------------------------- */

/* First that an answer is read, then for the next question. A deadline holds for the whole of it. */
static void
wait_on(struct lookup_client *client)
{
	enum waiting waiting = buf_length(&client->output)  ? WAITING_FOR_READER
			       : buf_length(&client->input) ? WAITING_FOR_REST
							    : WAITING_FOR_QUESTION;

	loop_watch_set(client->watch,
		waiting == WAITING_FOR_READER ? LOOP_WRITABLE : LOOP_READABLE);
	if (waiting != client->waiting)
		loop_timer_start(&client->deadline, waiting == WAITING_FOR_QUESTION
				? LOOKUP_IDLE_WAIT_MS
				: LOOKUP_TURN_WAIT_MS);
	client->waiting = waiting;
}

static void
flush(struct lookup_client *client)
{
	while (buf_length(&client->output)) {
		struct span bytes = buf_span(&client->output);
		ssize_t size =
			send(client->fd, bytes.start, bytes.length, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (size > 0)
			buf_consume(&client->output, (size_t)size);
		else if (errno == EAGAIN)
			return;
		else if (errno != EINTR) {
			drop(client, NULL);
			return;
		}
	}
	buf_release(&client->output);
}

static void
answer(struct lookup_client *client, const struct lookup_answer *answer)
{
	lookup_answer_pack(&client->output, answer);
	flush(client);
}

static void
answer_word(struct lookup_client *client, enum lookup_result result, const char *reason)
{
	answer(client, &(const struct lookup_answer){ result, .reason = span_text(reason) });
}

static void
answer_account(struct lookup_client *client, const struct account *account)
{
	struct buf identity = BUF_INIT(LOOKUP_IDENTITY_MAX_BYTES);

	identity_pack(&identity, &account->identity);
	if (!identity.overflow) {
		answer(client,
			&(const struct lookup_answer){ LOOKUP_FOUND, .identity = buf_span(&identity) });
	} else {
		log_event(EV_ACCOUNT_TOO_LARGE, kv_str("login", account->identity.login));
		answer_word(client, LOOKUP_UNSURE,
			"the account has too many addresses, groups and grants");
	}
	buf_fini(&identity);
}

/* ---- questions -------------------------------------------------------------------------------- */

static void take_questions(struct lookup_client *client);

/* Who may not send is not there, for what those programs want to know. */
static void
answer_found(struct lookup_client *client, enum directory_result result,
	const struct account *account)
{
	if (result == DIRECTORY_DOWN)
		answer_word(client, LOOKUP_UNSURE, "the directory does not answer");
	else if (result == DIRECTORY_FOUND &&
		!account_refusal(account, IDENTITY_SMTP, clock_wall_ms()))
		answer_account(client, account);
	else
		answer_word(client, LOOKUP_UNKNOWN, "");
}

static void
on_found(void *context, enum directory_result result, struct account *account)
{
	struct lookup_client *client = context;
	bool later = client->question;

	client->question = NULL;
	client->busy = false;
	answer_found(client, result, account);
	if (later)
		take_questions(client);
}

static void
ask(struct lookup_client *client, struct span login)
{
	struct auth *auth = client->server->auth;
	const struct settings *settings = auth->settings;
	const char *realm = settings_realm(settings);
	char name[LOGIN_NAME_SIZE];

	if (!login_name_parse(login, realm, name)) {
		answer_word(client, LOOKUP_UNKNOWN, "");
		return;
	}
	client->busy = true;
	client->question = directory_find(auth->directory, name, false, on_found, client);
	if (!client->busy)
		return;
	loop_watch_set(client->watch, 0);
	loop_timer_stop(&client->deadline);
}

/* False: none is whole, or it is not one. */
static bool
take_question(struct lookup_client *client)
{
	struct span content;
	struct span login;
	size_t size;

	switch (lookup_frame_next(buf_span(&client->input), LOOKUP_QUESTION_MAX_BYTES, &content,
		&size)) {
	case LOOKUP_FRAME_DONE:
		if (!lookup_question_unpack(content, &login))
			break;
		client->waiting = WAITING_ANEW;
		ask(client, login);
		buf_consume(&client->input, size);
		return true;
	case LOOKUP_FRAME_MORE:
		return false;
	case LOOKUP_FRAME_BAD:
		break;
	}
	drop(client, "asks what is no question");
	return false;
}

/* One answer at a time: whoever does not read is not answered further. */
static void
take_questions(struct lookup_client *client)
{
	while (!client->busy && !client->gone && buf_length(&client->output) == 0 &&
		take_question(client))
		;
	if (!client->busy && !client->gone)
		wait_on(client);
}

static void
take_bytes(struct lookup_client *client)
{
	size_t room = buf_room(&client->input);
	/* read(), not recvmsg(): descriptors that come along are dropped by the kernel. */
	ssize_t size = read(client->fd, buf_reserve(&client->input, room), room);

	if (size > 0)
		buf_claim(&client->input, (size_t)size);
	else if (size == 0 || (errno != EAGAIN && errno != EINTR))
		drop(client, buf_length(&client->input) ? "ends in a question" : NULL);
}

static void
on_ready(unsigned events, void *context)
{
	struct lookup_client *client = context;

	if (client->busy || client->gone)
		return;
	if (events & LOOP_WRITABLE)
		flush(client);
	else
		take_bytes(client);
	take_questions(client);
}

static void
on_deadline(void *context)
{
	struct lookup_client *client = context;

	drop(client,
		client->waiting == WAITING_FOR_READER ? "does not read answers"
		: client->waiting == WAITING_FOR_REST ? "does not end a question"
						      : NULL);
}

/* ---- who may ---------------------------------------------------------------------------------- */

static bool
may_ask(const struct lookup_server *server, uid_t uid)
{
	if (uid == 0 || uid == geteuid())
		return true;
	for (size_t i = 0; i < server->user_count; i++) {
		if (server->users[i] == uid)
			return true;
	}
	return false;
}

static bool
has_room(const struct lookup_server *server, uid_t uid)
{
	unsigned same = 0;

	for (const struct lookup_client *client = server->clients; client; client = client->next)
		same += client->uid == uid;
	return server->count < LOOKUP_CLIENTS_MAX && same < LOOKUP_CLIENTS_PER_USER_MAX;
}

/* Why this connection is not served; NULL: it is. */
static const char *
refusal_of(const struct lookup_server *server, int fd, uid_t *uid_out)
{
	struct ucred who = { 0, (uid_t)-1, (gid_t)-1 };
	socklen_t size = sizeof who;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0)
		return "the kernel does not say who it is";
	*uid_out = who.uid;
	if (!may_ask(server, who.uid))
		return "may not ask";
	return has_room(server, who.uid) ? NULL : "too many at once";
}

static void
on_accept(int fd, const struct sock_address *peer, void *context)
{
	struct lookup_server *server = context;
	struct loop *loop = server->auth->loop;
	struct lookup_client *client;
	uid_t uid = (uid_t)-1;
	const char *why = refusal_of(server, fd, &uid);

	(void)peer;
	if (why) {
		log_refusal(server, why, uid);
		close(fd);
		return;
	}
	client = mem_alloc(sizeof *client);
	client->server = server;
	client->uid = uid;
	client->fd = fd;
	buf_init(&client->input, INPUT_MAX_BYTES);
	buf_init(&client->output, LOOKUP_HEAD_BYTES + LOOKUP_ANSWER_MAX_BYTES);
	client->watch = loop_watch_new(loop, fd, on_ready, client);
	loop_timer_init(&client->deadline, loop, on_deadline, client);
	loop_defer_init(&client->end, loop, on_end, client);
	client->next = server->clients;
	server->clients = client;
	server->count++;
	wait_on(client);
}

/* ---- the server ------------------------------------------------------------------------------- */

struct lookup_server *
lookup_server_new(struct auth *auth, const struct settings_texts *users)
{
	struct lookup_server *server = mem_alloc(sizeof *server);

	server->auth = auth;
	server->fd = -1;
	server->users = mem_alloc_array(users->count, sizeof *server->users);
	for (size_t i = 0; i < users->count; i++) {
		const struct passwd *user = getpwnam(users->items[i]);

		if (user)
			server->users[server->user_count++] = user->pw_uid;
		else
			log_event(EV_LOOKUP_REFUSED,
				kv_str("reason", "users of the lookup section: there is no such user"),
				kv_str("user", users->items[i]));
	}
	return server;
}

void
lookup_server_set_socket(struct lookup_server *server, int fd)
{
	sock_acceptor_free(&server->acceptor);
	sock_close(&server->fd);
	server->fd = fd;
	if (fd >= 0)
		server->acceptor =
			sock_acceptor_new(server->auth->loop, fd, on_accept, server);
	for (struct lookup_client *client = server->clients; client && fd < 0; client = client->next)
		drop(client, NULL);
}

void
lookup_server_free(struct lookup_server **server)
{
	struct lookup_server *freed = *server;

	if (!freed)
		return;
	lookup_server_set_socket(freed, -1);
	while (freed->clients)
		free_client(freed->clients);
	mem_free(&freed->users);
	mem_free(server);
}
