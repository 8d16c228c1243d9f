/* SPDX-License-Identifier: BSD-2-Clause */
/* An owner of a stream that records what happens to it, and peers on the bare fd. */
#ifndef STREAM_FIXTURE_H
#define STREAM_FIXTURE_H

#include "io_fixture.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buffer.h"
#include "io/sock.h"
#include "io/stream.h"

struct owner {
	struct loop *loop;
	struct stream *stream;
	struct buf got;          /* what on_input took */
	int inputs;
	int drained;
	int secured;
	int late;
	bool closed;
	enum stream_end end;
	struct fault fault;
	size_t left;             /* bytes not taken at the end */
	size_t stop_at;          /* stop the loop once so many bytes were taken */
	void (*on_input)(struct owner *owner);
	void (*on_secure)(struct owner *owner);
};

static const struct stream_limits fixture_limits = {
	.input_max_bytes = 4096,
	.output_max_bytes = 1024 * 1024,
	.output_high_bytes = 256 * 1024,
	.output_low_bytes = 64 * 1024,
	.linger_ms = 500,
	.handshake_ms = 5000,
};

static inline void
owner_take_all(struct owner *owner)
{
	struct span bytes = stream_peek(owner->stream);

	buf_add_span(&owner->got, bytes);
	stream_consume(owner->stream, bytes.length);
}

/* As on_input of an owner; the loop stops. */
static inline void
owner_take_a_line_and_pause(struct owner *owner)
{
	struct span line;

	while (stream_read_line(owner->stream, 512, &line) == STREAM_LINE_DONE) {
		buf_add_span(&owner->got, line);
		stream_pause(owner->stream);
		loop_stop(owner->loop);
		return;
	}
}

static inline void
owner_on_input(struct stream *stream, void *context)
{
	struct owner *owner = context;

	assert_ptr_equal(stream, owner->stream);
	assert_false(owner->closed);
	assert_true(stream_peek(stream).length > 0);
	owner->inputs++;
	if (owner->on_input)
		owner->on_input(owner);
	else
		owner_take_all(owner);
	if (owner->stop_at && buf_length(&owner->got) >= owner->stop_at)
		loop_stop(owner->loop);
}

static inline void
owner_on_drained(struct stream *stream, void *context)
{
	struct owner *owner = context;

	(void)stream;
	assert_false(owner->closed);
	owner->drained++;
	loop_stop(owner->loop);
}

static inline void
owner_on_secure(struct stream *stream, void *context)
{
	struct owner *owner = context;

	assert_true(stream_is_secure(stream));
	owner->secured++;
	if (owner->on_secure)
		owner->on_secure(owner);
	else
		loop_stop(owner->loop);
}

static inline void
owner_on_close(struct stream *stream, enum stream_end end, const struct fault *fault, void *context)
{
	struct owner *owner = context;

	assert_false(owner->closed);
	owner->closed = true;
	owner->end = end;
	owner->fault = *fault;
	owner->left = stream_peek(stream).length;
	assert_int_equal(stream_fd(stream), -1);
	assert_true(fault->text[0]);
	loop_stop(owner->loop);
}

static inline void
owner_on_deadline(struct stream *stream, void *context)
{
	struct owner *owner = context;

	owner->late++;
	stream_write(stream, SPAN_LITERAL("421 late\r\n"));
	stream_close(stream);
}

static const struct stream_hooks owner_hooks = {
	.on_input = owner_on_input,
	.on_drained = owner_on_drained,
	.on_secure = owner_on_secure,
	.on_deadline = NULL,
	.on_close = owner_on_close,
};

static const struct stream_hooks owner_hooks_with_deadline = {
	.on_input = owner_on_input,
	.on_drained = owner_on_drained,
	.on_secure = owner_on_secure,
	.on_deadline = owner_on_deadline,
	.on_close = owner_on_close,
};

static inline void
owner_init(struct owner *owner, struct loop *loop, int fd)
{
	*owner = (struct owner){ .loop = loop };
	owner->stream = stream_new(loop, fd, &owner_hooks, &fixture_limits, owner);
}

static inline void
owner_fini(struct owner *owner)
{
	stream_free(&owner->stream);
	buf_fini(&owner->got);
}

/* --- the peer, on its fd */

static inline void
peer_write(int fd, struct span bytes)
{
	assert_int_equal(send(fd, bytes.start, bytes.length, MSG_NOSIGNAL), bytes.length);
}

/* What is there now. */
static inline size_t
peer_read(int fd, char *to, size_t size)
{
	ssize_t got = recv(fd, to, size - 1, MSG_DONTWAIT);

	if (got < 0)
		assert_int_equal(errno, EAGAIN);
	to[got > 0 ? got : 0] = '\0';
	return got > 0 ? (size_t)got : 0;
}

static inline bool
peer_sees_end(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_DONTWAIT) == 0;
}

#endif
