/* SPDX-License-Identifier: BSD-2-Clause */
/* The control socket. */
#include "super/control.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "io/sock.h"
#include "super/local_socket.h"
#include "super/verbs.h"

enum {
	CLIENTS_MAX = 32,
	READ_BYTES = 16 * 1024,
	REQUEST_WAIT_MS = 30 * 1000, /* for a whole request, and for output to be taken */
	OUTPUT_MAX_BYTES = 32 * 1024 * 1024,
	OUTPUT_LAST_BYTES = 64 * 1024, /* beyond it, for the words that it is too much */
};

struct control_client {
	struct control *control;
	struct control_client *next;
	int fd;
	struct loop_watch *watch;
	struct loop_timer deadline;
	struct loop_defer end;   /* it is freed at the end of the turn */
	struct buf input;
	struct buf output;
	bool busy;               /* a verb is at work for it, and will answer */
	bool cut;                /* its answer was ended early; what still comes of it is dropped */
	bool gone;
};

struct control {
	struct super *super;
	char *path;
	int fd;
	struct sock_acceptor *acceptor;
	struct control_client *clients;
	unsigned count;
	uid_t *users; /* beside root and our own */
	size_t user_count;
};

struct super *
control_client_super(struct control_client *client)
{
	return client->control->super;
}

/* ---- the end of a client ---------------------------------------------------------------------- */

static void
free_client(struct control_client *client)
{
	struct control_client **place = &client->control->clients;

	while (*place != client)
		place = &(*place)->next;
	*place = client->next;
	client->control->count--;
	loop_timer_stop(&client->deadline);
	loop_defer_cancel(&client->end);
	loop_watch_free(&client->watch);
	sock_close(&client->fd);
	/* Requests and answers may hold a password. */
	buf_wipe(&client->input);
	buf_wipe(&client->output);
	buf_fini(&client->input);
	buf_fini(&client->output);
	mem_free(&client);
}

static void
on_end(void *context)
{
	struct control_client *client = context;

	if (!client->busy)
		free_client(client);
}

static void
drop(struct control_client *client, const char *why)
{
	if (client->gone)
		return;
	client->gone = true;
	if (why)
		log_event(EV_CONTROL_REFUSED, kv_str("reason", why));
	loop_watch_set(client->watch, 0);
	loop_timer_stop(&client->deadline);
	loop_defer(&client->end);
}

/* ---- output ----------------------------------------------------------------------------------- */

static void
flush(struct control_client *client)
{
	while (buf_length(&client->output)) {
		struct span bytes = buf_span(&client->output);
		ssize_t size = send(client->fd, bytes.start, bytes.length,
			MSG_NOSIGNAL | MSG_DONTWAIT);

		if (size > 0) {
			buf_consume(&client->output, (size_t)size);
			loop_timer_start(&client->deadline, REQUEST_WAIT_MS);
		} else if (errno == EAGAIN) {
			break;
		} else if (errno != EINTR) {
			drop(client, NULL);
			return;
		}
	}
	loop_watch_set(client->watch,
		(client->busy ? 0 : LOOP_READABLE) |
			(buf_length(&client->output) ? LOOP_WRITABLE : 0));
}

static void take_requests(struct control_client *client);

/* Pages come as fast as the role makes them, and go as fast as they are read. */
static void
cut_answer(struct control_client *client)
{
	struct buf json = BUF_INIT(0);

	client->cut = true;
	log_event(EV_CONTROL_REFUSED, kv_str("reason", "answers are not read"));
	client->output.cap = OUTPUT_MAX_BYTES + OUTPUT_LAST_BYTES;
	if (!control_error_pack(&json, "busy",
		    "the answer is cut off here: it was not read as fast as it came") ||
		!control_frame_add(&client->output, buf_span(&json)))
		drop(client, NULL);
	buf_fini(&json);
}

static void
add_page(struct control_client *client, struct span json)
{
	if (client->cut)
		return;
	if (buf_length(&client->output) + CONTROL_HEAD_BYTES + json.length > OUTPUT_MAX_BYTES)
		cut_answer(client);
	else if (!control_frame_add(&client->output, json))
		drop(client, "an answer of impossible length");
}

void
control_client_pass(struct control_client *client, struct span json, bool more)
{
	if (!more)
		client->busy = false;
	if (client->gone) {
		loop_defer(&client->end);
		return;
	}
	add_page(client, json);
	if (!more)
		client->cut = false;
	if (client->gone)
		return;
	flush(client);
	if (!more && !client->gone)
		take_requests(client);
}

void
control_client_answer(struct control_client *client, struct span data, bool more)
{
	struct buf json = BUF_INIT(0);

	if (control_answer_pack(&json, data, more))
		control_client_pass(client, buf_span(&json), more);
	else
		control_client_error(client, "failed", "answer is too long");
	buf_fini(&json);
}

void
control_client_error(struct control_client *client, const char *kind, const char *text)
{
	struct buf json = BUF_INIT(0);

	control_error_pack(&json, kind, text);
	control_client_pass(client, buf_span(&json), false);
	buf_fini(&json);
}

/* ---- input ------------------------------------------------------------------------------------ */

static void
take_request(struct control_client *client, struct span json)
{
	struct control_request request;
	struct fault fault = FAULT_INIT;

	client->busy = true;
	loop_watch_set(client->watch, 0);
	loop_timer_stop(&client->deadline);
	if (!control_request_unpack(json, &request, &fault)) {
		control_client_error(client, control_kind_name(fault.kind), fault.text);
		return;
	}
	log_event(EV_CONTROL_VERB, kv_str("verb", request.verb));
	verbs_run(client, &request, json);
	control_request_fini(&request);
}

static void
take_requests(struct control_client *client)
{
	struct span json;
	size_t size;

	if (client->busy || client->gone)
		return;
	switch (control_frame_next(buf_span(&client->input), &json, &size)) {
	case CONTROL_DONE: {
		/* Its own copy: the verb may answer at once, and the next request follow. */
		struct buf own = BUF_INIT(0);

		buf_add_span(&own, json);
		mem_wipe((void *)(uintptr_t)json.start, json.length);
		buf_consume(&client->input, size);
		take_request(client, buf_span(&own));
		buf_wipe(&own);
		buf_fini(&own);
		return;
	}
	case CONTROL_MORE:
		loop_watch_set(client->watch, LOOP_READABLE |
				(buf_length(&client->output) ? LOOP_WRITABLE : 0));
		loop_timer_start(&client->deadline, REQUEST_WAIT_MS);
		return;
	case CONTROL_BAD:
		drop(client, "a request of impossible length");
	}
}

static void
on_ready(unsigned events, void *context)
{
	struct control_client *client = context;
	ssize_t size;

	if (events & LOOP_WRITABLE)
		flush(client);
	if (!(events & LOOP_READABLE) || client->busy || client->gone)
		return;
	/* read(), not recvmsg(): descriptors that come along are dropped by the kernel. */
	size = read(client->fd, buf_reserve(&client->input, READ_BYTES), READ_BYTES);
	if (size > 0) {
		buf_claim(&client->input, (size_t)size);
		take_requests(client);
	} else if (size == 0 || (errno != EAGAIN && errno != EINTR)) {
		drop(client, buf_length(&client->input) ? "ended in a request" : NULL);
	}
}

static void
on_deadline(void *context)
{
	struct control_client *client = context;

	drop(client, buf_length(&client->input) || buf_length(&client->output)
			? "did not go on in time"
			: NULL);
}

/* ---- who may ---------------------------------------------------------------------------------- */

/* root, our own user, and those whom the settings name. */
static bool
may_control(const struct control *control, uid_t uid)
{
	if (uid == 0 || uid == geteuid())
		return true;
	for (size_t i = 0; i < control->user_count; i++) {
		if (control->users[i] == uid)
			return true;
	}
	return false;
}

void
control_set_users(struct control *control, const struct settings *settings)
{
	const struct settings_texts *names = &settings->control_users;

	mem_free(&control->users);
	control->users = mem_alloc_array(names->count, sizeof *control->users);
	control->user_count = 0;
	for (size_t i = 0; i < names->count; i++) {
		const struct passwd *user = getpwnam(names->items[i]);

		if (user)
			control->users[control->user_count++] = user->pw_uid;
		else
			log_event(EV_CONTROL_REFUSED,
				kv_str("reason", "control-users names nobody"),
				kv_str("user", names->items[i]));
	}
}

static void
on_accept(int fd, const struct sock_address *peer, void *context)
{
	struct control *control = context;
	struct control_client *client;
	struct ucred who = { 0, (uid_t)-1, (gid_t)-1 };
	socklen_t size = sizeof who;

	(void)peer;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0) {
		log_event(EV_CONTROL_REFUSED, kv_str("reason", "the kernel does not say who it is"));
		close(fd);
		return;
	}
	if (!may_control(control, who.uid)) {
		log_event(EV_CONTROL_REFUSED, kv_str("reason", "not an administrator"),
			kv_int("uid", (int64_t)who.uid));
		close(fd);
		return;
	}
	if (control->count == CLIENTS_MAX) {
		log_event(EV_CONTROL_REFUSED, kv_str("reason", "too many at once"));
		close(fd);
		return;
	}
	client = mem_alloc(sizeof *client);
	client->control = control;
	client->fd = fd;
	client->output.cap = OUTPUT_MAX_BYTES;
	client->watch = loop_watch_new(control->super->loop, fd, on_ready, client);
	loop_timer_init(&client->deadline, control->super->loop, on_deadline, client);
	loop_defer_init(&client->end, control->super->loop, on_end, client);
	client->next = control->clients;
	control->clients = client;
	control->count++;
	loop_watch_set(client->watch, LOOP_READABLE);
	loop_timer_start(&client->deadline, REQUEST_WAIT_MS);
}

/* ---- the socket ------------------------------------------------------------------------------- */

struct control *
control_open(struct super *super, struct fault *fault)
{
	struct control *control = mem_alloc(sizeof *control);

	control->super = super;
	control->path = mem_printf("%s/control.sock", super->now.settings->run_dir);
	control->fd = local_socket_listen(control->path, fault);
	if (control->fd < 0) {
		control_close(&control);
		return NULL;
	}
	control_set_users(control, super->now.settings);
	control->acceptor = sock_acceptor_new(super->loop, control->fd, on_accept, control);
	return control;
}

void
control_close(struct control **control)
{
	struct control *old = *control;

	if (!old)
		return;
	while (old->clients)
		free_client(old->clients);
	sock_acceptor_free(&old->acceptor);
	if (old->fd >= 0)
		unlink(old->path);
	sock_close(&old->fd);
	mem_free(&old->path);
	mem_free(&old->users);
	mem_free(control);
}
