/* SPDX-License-Identifier: BSD-2-Clause */
/* The tool's end of the control protocol. */
#include "ctl/control_client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "ipc/control.h"

struct control_client {
	int fd;
	pid_t child;
	struct buf in;
};

enum { FRAME_MAX_BYTES = CONTROL_HEAD_BYTES + CONTROL_JSON_MAX_BYTES };

struct control_client *
control_client_new(int fd, pid_t child)
{
	struct control_client *client = mem_alloc(sizeof *client);

	client->fd = fd;
	client->child = child;
	buf_init(&client->in, FRAME_MAX_BYTES + 65536);
	return client;
}

static struct control_client *
refuse(int fd, const char *path, struct fault *fault_out)
{
	enum fault_kind kind = FAULT_SYSTEM;

	if (errno == ENOENT || errno == ECONNREFUSED || errno == ENOTDIR)
		kind = FAULT_MISSING;
	else if (errno == EACCES || errno == EPERM)
		kind = FAULT_DENIED;
	fault_set(fault_out, kind, "%s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return NULL;
}

struct control_client *
control_client_open(const char *socket_path, struct fault *fault_out)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(socket_path) >= sizeof address.sun_path) {
		fault_set(fault_out, FAULT_CONFIG, "%s: the path is too long for a socket",
			socket_path);
		return NULL;
	}
	strcpy(address.sun_path, socket_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) != 0)
		return refuse(fd, socket_path, fault_out);
	return control_client_new(fd, 0);
}

void
control_client_free(struct control_client **client)
{
	struct control_client *old = *client;

	*client = NULL;
	if (!old)
		return;
	close(old->fd);
	/* The end of its input is what tells a child to end. */
	if (old->child > 0)
		while (waitpid(old->child, NULL, 0) < 0 && errno == EINTR)
			continue;
	buf_wipe(&old->in);
	buf_fini(&old->in);
	mem_free(&old);
}

static bool
wait_for(int fd, short events, uint64_t until_ms, struct fault *fault_out)
{
	for (;;) {
		struct pollfd poll_fd = { .fd = fd, .events = events };
		uint64_t now_ms = clock_steady_ms();
		int ready = poll(&poll_fd, 1, now_ms < until_ms ? (int)(until_ms - now_ms) : 0);

		if (ready > 0)
			return true;
		if (ready == 0)
			return fault_set(fault_out, FAULT_LIMIT, "no answer in time");
		if (errno != EINTR)
			return fault_set_errno(fault_out, "control connection");
	}
}

static bool
send_frame(struct control_client *client, struct span frame, uint64_t until_ms,
	struct fault *fault_out)
{
	while (frame.length > 0) {
		ssize_t sent;

		if (!wait_for(client->fd, POLLOUT, until_ms, fault_out))
			return false;
		sent = send(client->fd, frame.start, frame.length, MSG_NOSIGNAL);
		if (sent < 0 && errno != EINTR && errno != EAGAIN)
			return fault_set_errno(fault_out, "control connection");
		frame = span_from(frame, sent > 0 ? (size_t)sent : 0);
	}
	return true;
}

/* The JSON stays valid until it is consumed, size bytes in all. */
static bool
receive_frame(struct control_client *client, uint64_t until_ms, struct span *json_out,
	size_t *size_out, struct fault *fault_out)
{
	for (;;) {
		char *room;
		ssize_t got;

		switch (control_frame_next(buf_span(&client->in), json_out, size_out)) {
		case CONTROL_DONE:
			return true;
		case CONTROL_BAD:
			return fault_set(fault_out, FAULT_PEER, "the answer is malformed");
		case CONTROL_MORE:
			break;
		}
		if (!wait_for(client->fd, POLLIN, until_ms, fault_out))
			return false;
		room = buf_reserve(&client->in, 65536);
		if (!room)
			return fault_set(fault_out, FAULT_PEER, "the answer is too long");
		got = recv(client->fd, room, 65536, 0);
		if (got == 0)
			return fault_set(fault_out, FAULT_PEER, "the connection ended before the answer");
		if (got < 0 && errno != EINTR && errno != EAGAIN)
			return fault_set_errno(fault_out, "control connection");
		buf_claim(&client->in, got > 0 ? (size_t)got : 0);
	}
}

/* Joins a page to what came before it: lists grow, other members are replaced. */
static json_t *
join(json_t *whole, json_t *page)
{
	const char *key;
	json_t *value;

	if (!json_is_object(whole) || !json_is_object(page)) {
		json_decref(whole);
		return json_incref(page);
	}
	json_object_foreach(page, key, value)
	{
		json_t *before = json_object_get(whole, key);

		if (json_is_array(before) && json_is_array(value))
			json_array_extend(before, value);
		else
			json_object_set(whole, key, value);
	}
	return whole;
}

static enum control_call
receive_pages(struct control_client *client, uint64_t wait_ms, json_t **data_out,
	struct fault *fault_out)
{
	json_t *whole = NULL;
	bool more = true;

	while (more) {
		struct control_answer answer;
		struct span json;
		size_t size;
		bool right;

		if (!receive_frame(client, clock_steady_ms() + wait_ms, &json, &size, fault_out))
			goto lost;
		right = control_answer_unpack(json, &answer, fault_out);
		buf_consume(&client->in, size);
		if (!right)
			goto lost;
		if (!answer.ok) {
			fault_set(fault_out, control_kind_find(answer.kind), "%s", answer.error);
			control_answer_fini(&answer);
			json_decref(whole);
			return CONTROL_CALL_REFUSED;
		}
		whole = join(whole, answer.data);
		more = answer.more;
		control_answer_fini(&answer);
	}
	*data_out = whole;
	return CONTROL_CALL_DONE;
lost:
	json_decref(whole);
	return CONTROL_CALL_LOST;
}

enum control_call
control_client_call(struct control_client *client, const char *verb, json_t *args,
	uint64_t wait_ms, json_t **data_out, struct fault *fault_out)
{
	struct buf request = BUF_INIT(CONTROL_JSON_MAX_BYTES);
	struct buf frame = BUF_INIT(FRAME_MAX_BYTES);
	bool sent;

	sent = control_request_pack(&request, verb, args) &&
		control_frame_add(&frame, buf_span(&request));
	if (!sent)
		fault_set(fault_out, FAULT_CONFIG, "the request is too long");
	else
		sent = send_frame(client, buf_span(&frame), clock_steady_ms() + wait_ms, fault_out);
	/* A request may hold a password. */
	buf_wipe(&request);
	buf_fini(&request);
	buf_wipe(&frame);
	buf_fini(&frame);
	return sent ? receive_pages(client, wait_ms, data_out, fault_out) : CONTROL_CALL_LOST;
}
