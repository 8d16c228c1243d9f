/* SPDX-License-Identifier: BSD-2-Clause */
/* A look-up socket that a thread serves as a test says, well or badly. */
#ifndef LOOKUP_SERVER_FIXTURE_H
#define LOOKUP_SERVER_FIXTURE_H

#include "table_fixture.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "ipc/lookup.h"

/* What is said to a question; false ends the connection. */
typedef bool lookup_reply_fn(struct span login, struct buf *answer);

struct lookup_fixture {
	char path[100];
	int fd;
	lookup_reply_fn *reply;
	pthread_t thread;
	atomic_uint connections; /* that were ever made */
	atomic_uint most;        /* that asked at the same time */
	atomic_uint asking;
};

struct lookup_fixture_client {
	struct lookup_fixture *fixture;
	int fd;
};

static inline void
lookup_fixture_answer(struct lookup_fixture *fixture, int fd, struct buf *input)
{
	struct buf answer = BUF_INIT(0);
	struct span content;
	struct span login;
	size_t size;
	bool more = true;

	while (more && lookup_frame_next(buf_span(input), LOOKUP_QUESTION_MAX_BYTES, &content, &size) ==
			LOOKUP_FRAME_DONE) {
		unsigned asking = ++fixture->asking;

		if (asking > fixture->most)
			fixture->most = asking;
		more = lookup_question_unpack(content, &login) && fixture->reply(login, &answer);
		fixture->asking--;
		buf_consume(input, size);
		if (buf_length(&answer))
			(void)!send(fd, buf_span(&answer).start, buf_length(&answer), MSG_NOSIGNAL);
		buf_clear(&answer);
	}
	if (!more)
		shutdown(fd, SHUT_RDWR);
	buf_fini(&answer);
}

static inline void *
lookup_fixture_serve_one(void *context)
{
	struct lookup_fixture_client *client = context;
	struct buf input = BUF_INIT(0);
	char bytes[512];
	ssize_t size;

	while ((size = recv(client->fd, bytes, sizeof bytes, 0)) > 0) {
		buf_add(&input, bytes, (size_t)size);
		lookup_fixture_answer(client->fixture, client->fd, &input);
	}
	buf_fini(&input);
	close(client->fd);
	free(client);
	return NULL;
}

/* Until the socket is shut down. Each connection has a thread that ends with it. */
static inline void *
lookup_fixture_serve(void *context)
{
	struct lookup_fixture *fixture = context;
	int fd;

	while ((fd = accept(fixture->fd, NULL, NULL)) >= 0) {
		struct lookup_fixture_client *client = malloc(sizeof *client);
		pthread_t thread;

		*client = (struct lookup_fixture_client){ fixture, fd };
		fixture->connections++;
		pthread_create(&thread, NULL, lookup_fixture_serve_one, client);
		pthread_detach(thread);
	}
	return NULL;
}

static inline void
lookup_fixture_start(struct lookup_fixture *fixture, lookup_reply_fn *reply)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(fixture->path, sizeof fixture->path, "%s", table_path("lookup.sock"));
	snprintf(address.sun_path, sizeof address.sun_path, "%s", fixture->path);
	unlink(fixture->path);
	fixture->reply = reply;
	fixture->fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fixture->fd, (const struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(fixture->fd, 100), 0);
	assert_int_equal(pthread_create(&fixture->thread, NULL, lookup_fixture_serve, fixture), 0);
}

static inline void
lookup_fixture_stop(struct lookup_fixture *fixture)
{
	shutdown(fixture->fd, SHUT_RDWR);
	pthread_join(fixture->thread, NULL);
	close(fixture->fd);
}

#endif
