/* SPDX-License-Identifier: BSD-2-Clause */
/* Connections to the look-up socket of sallyportd. */
#include "filter/lookup_pool.h"

#include <errno.h>
#include <libgen.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

enum { CROWDED_PAUSE_MS = 20 }; /* before a socket whose line is full is tried again */

struct lookup_pool {
	char *path;
	pthread_mutex_t lock;
	pthread_cond_t freed;
	int idle[LOOKUP_POOL_CONNECTIONS_MAX];
	unsigned idle_count;
	unsigned busy_count; /* with somebody who asks */
};

struct lookup_pool *
lookup_pool_new(const char *path)
{
	struct lookup_pool *pool = mem_alloc(sizeof *pool);
	pthread_condattr_t steady;

	pool->path = mem_strdup(path);
	pthread_mutex_init(&pool->lock, NULL);
	pthread_condattr_init(&steady);
	pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
	pthread_cond_init(&pool->freed, &steady);
	pthread_condattr_destroy(&steady);
	return pool;
}

void
lookup_pool_free(struct lookup_pool **pool)
{
	struct lookup_pool *freed = *pool;

	if (!freed)
		return;
	while (freed->idle_count)
		close(freed->idle[--freed->idle_count]);
	pthread_cond_destroy(&freed->freed);
	pthread_mutex_destroy(&freed->lock);
	mem_free(&freed->path);
	mem_free(pool);
}

/* ---- places ----------------------------------------------------------------------------------- */

/* Takes a place, and a connection if one is idle, else *fd_out is -1. False: none came free in time. */
static bool
enter(struct lookup_pool *pool, uint64_t deadline_ms, int *fd_out)
{
	struct timespec end = { .tv_sec = (time_t)(deadline_ms / 1000),
		.tv_nsec = (long)(deadline_ms % 1000) * 1000000 };
	int late = 0;
	bool room;

	pthread_mutex_lock(&pool->lock);
	while (!(room = pool->busy_count < LOOKUP_POOL_CONNECTIONS_MAX) && !late)
		late = pthread_cond_timedwait(&pool->freed, &pool->lock, &end);
	if (room) {
		pool->busy_count++;
		*fd_out = pool->idle_count ? pool->idle[--pool->idle_count] : -1;
	}
	pthread_mutex_unlock(&pool->lock);
	return room;
}

/* Gives the place back; fd is kept for the next, unless it is -1. */
static void
leave(struct lookup_pool *pool, int fd)
{
	pthread_mutex_lock(&pool->lock);
	pool->busy_count--;
	if (fd >= 0)
		pool->idle[pool->idle_count++] = fd;
	pthread_cond_signal(&pool->freed);
	pthread_mutex_unlock(&pool->lock);
}

/* ---- one connection --------------------------------------------------------------------------- */

static int
left_ms(uint64_t deadline_ms)
{
	uint64_t now = clock_steady_ms();

	return now < deadline_ms ? (int)(deadline_ms - now) : 0;
}

static bool
wait_ready(int fd, short events, uint64_t deadline_ms, struct fault *fault)
{
	struct pollfd wait = { .fd = fd, .events = events };
	int count;

	do
		count = poll(&wait, 1, left_ms(deadline_ms));
	while (count < 0 && errno == EINTR);
	if (count == 0)
		return fault_set(fault, FAULT_LIMIT, "no answer in time");
	return count > 0 || fault_set_errno(fault, "poll");
}

/* In a folder where all may write, somebody else might have been there first. */
static bool
check_server(const struct lookup_pool *pool, int fd, struct fault *fault)
{
	struct ucred who = { 0, (uid_t)-1, (gid_t)-1 };
	socklen_t size = sizeof who;
	char *copy = mem_strdup(pool->path);
	struct stat folder;
	bool known = stat(dirname(copy), &folder) == 0 &&
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0;

	mem_free(&copy);
	if (!known)
		return fault_set_errno(fault, "%s", pool->path);
	return who.uid == 0 || who.uid == folder.st_uid ||
		fault_set(fault, FAULT_DENIED, "%s is served by user %lu, whose it should not be",
			pool->path, (unsigned long)who.uid);
}

static bool
connect_fd(const struct lookup_pool *pool, int fd, uint64_t deadline_ms, struct fault *fault)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct span path = span_text(pool->path);

	if (path.length >= sizeof address.sun_path)
		return fault_set(fault, FAULT_CONFIG, "%s is too long for a socket", pool->path);
	memcpy(address.sun_path, path.start, path.length);
	while (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
		struct pollfd pause = { .fd = -1 };

		if (errno != EAGAIN && errno != EINTR)
			return fault_set_errno(fault, "%s", pool->path);
		/* Its line is full, and there is nothing to wait for but time. */
		if (left_ms(deadline_ms) == 0)
			return fault_set(fault, FAULT_LIMIT, "%s: no answer in time", pool->path);
		poll(&pause, 1, CROWDED_PAUSE_MS);
	}
	return check_server(pool, fd, fault);
}

/* -1 with a fault. */
static int
open_connection(const struct lookup_pool *pool, uint64_t deadline_ms, struct fault *fault)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0) {
		fault_set_errno(fault, "socket");
		return -1;
	}
	if (connect_fd(pool, fd, deadline_ms, fault))
		return fd;
	close(fd);
	return -1;
}

static bool
send_question(int fd, struct span login, uint64_t deadline_ms, struct fault *fault)
{
	struct buf bytes = BUF_INIT(LOOKUP_HEAD_BYTES + LOOKUP_QUESTION_MAX_BYTES);
	bool done = true;

	lookup_question_pack(&bytes, login);
	while (done && buf_length(&bytes)) {
		struct span rest = buf_span(&bytes);
		ssize_t size = send(fd, rest.start, rest.length, MSG_NOSIGNAL);

		if (size > 0)
			buf_consume(&bytes, (size_t)size);
		else if (errno == EAGAIN)
			done = wait_ready(fd, POLLOUT, deadline_ms, fault);
		else if (errno != EINTR)
			done = fault_set_errno(fault, "send");
	}
	buf_fini(&bytes);
	return done;
}

static bool
recv_some(int fd, struct buf *content, uint64_t deadline_ms, struct fault *fault)
{
	enum { PIECE_BYTES = 4096 };
	ssize_t size = recv(fd, buf_reserve(content, PIECE_BYTES), PIECE_BYTES, 0);

	if (size > 0)
		buf_claim(content, (size_t)size);
	else if (size == 0)
		return fault_set(fault, FAULT_MISSING, "the other end went away");
	else if (errno == EAGAIN)
		return wait_ready(fd, POLLIN, deadline_ms, fault);
	else if (errno != EINTR)
		return fault_set_errno(fault, "recv");
	return true;
}

/* The one question has one answer, and not a byte more. */
static bool
recv_answer(int fd, uint64_t deadline_ms, struct buf *content, struct lookup_answer *answer_out,
	struct fault *fault)
{
	enum lookup_frame frame;
	struct span bytes;
	size_t size;

	while ((frame = lookup_frame_next(
			buf_span(content), LOOKUP_ANSWER_MAX_BYTES, &bytes, &size)) == LOOKUP_FRAME_MORE) {
		if (!recv_some(fd, content, deadline_ms, fault))
			return false;
	}
	return (frame == LOOKUP_FRAME_DONE && size == buf_length(content) &&
		       lookup_answer_unpack(bytes, answer_out)) ||
		fault_set(fault, FAULT_PEER, "what came is no answer");
}

/* ---- a question ------------------------------------------------------------------------------- */

struct asking {
	struct span login;
	uint64_t deadline_ms;
	struct buf *content;
	struct lookup_answer *answer_out;
};

/* An idle connection may have lost its other end before it could say a word: that is no answer yet. */
static bool
ask_on(int fd, const struct asking *asking, bool *stale_out, struct fault *fault)
{
	bool done;

	buf_clear(asking->content);
	done = send_question(fd, asking->login, asking->deadline_ms, fault) &&
		recv_answer(fd, asking->deadline_ms, asking->content, asking->answer_out, fault);
	*stale_out = !done && buf_length(asking->content) == 0 && fault->kind != FAULT_LIMIT;
	return done;
}

/* With the connection that is at *fd, or a new one; -1 if none is left that could be used again. */
static bool
ask_somewhere(struct lookup_pool *pool, int *fd, const struct asking *asking, struct fault *fault)
{
	bool kept = *fd >= 0;
	bool stale = true;

	while (stale) {
		if (*fd < 0)
			*fd = open_connection(pool, asking->deadline_ms, fault);
		if (*fd < 0)
			return false;
		if (ask_on(*fd, asking, &stale, fault))
			return true;
		close(*fd);
		*fd = -1;
		stale = stale && kept;
		kept = false;
	}
	return fault_add(fault, "%s", pool->path);
}

bool
lookup_pool_ask(struct lookup_pool *pool, struct span login, uint64_t wait_ms, struct buf *content,
	struct lookup_answer *answer_out, struct fault *fault_out)
{
	struct asking asking = { login, clock_steady_ms() + wait_ms, content, answer_out };
	struct fault fault = FAULT_INIT;
	bool done = false;
	int fd = -1;

	if (login.length > LOOKUP_LOGIN_MAX_BYTES)
		fault_set(&fault, FAULT_PEER, "a login of %zu bytes", login.length);
	else if (!enter(pool, asking.deadline_ms, &fd))
		fault_set(&fault, FAULT_LIMIT, "%s: too many ask at once", pool->path);
	else {
		done = ask_somewhere(pool, &fd, &asking, &fault);
		leave(pool, fd);
	}
	if (!done && fault_out)
		*fault_out = fault;
	return done;
}
