/* SPDX-License-Identifier: BSD-2-Clause */
/* The other end of a control connection: answers are laid down first, the request is read after. */
#ifndef CONTROL_FIXTURE_H
#define CONTROL_FIXTURE_H

#include "unit.h"

#include <sys/socket.h>
#include <unistd.h>

#include "base/buffer.h"
#include "ctl/control_client.h"
#include "ipc/control.h"

struct control_fixture {
	int fd;                        /* the server's end */
	struct control_client *client;
};

static inline void
control_fixture_open(struct control_fixture *fixture)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	fixture->fd = fds[0];
	fixture->client = control_client_new(fds[1], 0);
}

static inline void
control_fixture_close(struct control_fixture *fixture)
{
	control_client_free(&fixture->client);
	if (fixture->fd >= 0)
		close(fixture->fd);
	fixture->fd = -1;
}

static inline void
control_fixture_send(struct control_fixture *fixture, struct span bytes)
{
	assert_int_equal(write(fixture->fd, bytes.start, bytes.length), bytes.length);
}

/* The text of one answer, as it goes into a frame. */
static inline void
control_fixture_answer(struct control_fixture *fixture, const char *json)
{
	struct buf frame = BUF_INIT(0);

	assert_true(control_frame_add(&frame, span_text(json)));
	control_fixture_send(fixture, buf_span(&frame));
	buf_fini(&frame);
}

/* What the client has asked; to be freed. NULL: nothing. */
static inline json_t *
control_fixture_request(struct control_fixture *fixture)
{
	char bytes[65536];
	ssize_t got = recv(fixture->fd, bytes, sizeof bytes, MSG_DONTWAIT);
	struct span json;
	size_t size;

	if (got <= 0)
		return NULL;
	assert_int_equal(control_frame_next(span_of(bytes, (size_t)got), &json, &size),
		CONTROL_DONE);
	assert_int_equal(size, got);
	return json_loadb(json.start, json.length, 0, NULL);
}

#endif
