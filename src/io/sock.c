/* SPDX-License-Identifier: BSD-2-Clause */
/* Sockets: listen, accept without spinning or starving others, connect within a time. */
#include "io/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"

enum {
	LOG_EVERY_MS = 10000,
	UNSENT_MAX_BYTES = 64 * 1024, /* written, and not yet in the window of who reads */
};

void
sock_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved;
}

static void
set_option(int fd, int level, int option, int value)
{
	/* Refused only where it has no meaning. */
	(void)setsockopt(fd, level, option, &value, sizeof value);
}

/* TCP_NODELAY: it is TCP. */
static void
set_nodelay(int fd)
{
	set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

void
sock_quick_ack(int fd)
{
	set_option(fd, IPPROTO_TCP, TCP_QUICKACK, 1);
}

static int
open_socket(int family)
{
	return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

bool
sock_pair(int fds_out[2], struct fault *fault_out)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) < 0)
		return fault_set_errno(fault_out, "socketpair");
	fds_out[0] = fds[0];
	fds_out[1] = fds[1];
	return true;
}

bool
sock_local(int fd, struct sock_address *address_out)
{
	struct sock_address address = { .length = sizeof address.of };

	if (getsockname(fd, &address.of.any, &address.length) < 0)
		return false;
	*address_out = address;
	return true;
}

/* --- listening */

/* A socket file without a server behind it is what a killed daemon left. */
static void
remove_stale(const struct sock_address *address)
{
	const char *path = address->of.local.sun_path;
	struct stat found;
	int fd;

	if (lstat(path, &found) < 0 || !S_ISSOCK(found.st_mode))
		return;
	fd = open_socket(AF_UNIX);
	if (fd < 0)
		return;
	if (connect(fd, &address->of.any, address->length) < 0 && errno == ECONNREFUSED)
		unlink(path);
	sock_close(&fd);
}

static int
bind_socket(const struct sock_address *address, bool shared)
{
	int fd = open_socket(address->of.any.sa_family);

	if (fd < 0)
		return -1;
	if (address->of.any.sa_family == AF_INET6)
		set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, !address->dual);
	if (sock_address_is_unix(address)) {
		remove_stale(address);
	} else {
		/* Accepted sockets inherit it: who does not read costs the kernel no 4 MiB. */
		set_option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, UNSENT_MAX_BYTES);
		/* A written port may linger from before; a free one is to be nobody else's. */
		if (sock_address_port(address) != 0)
			set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	}
	if (shared)
		sock_set_shared(fd, true);
	if (bind(fd, &address->of.any, address->length) < 0 ||
		(!shared && listen(fd, SOCK_BACKLOG) < 0))
		sock_close(&fd);
	return fd;
}

static int
bind_anyhow(const struct sock_address *address, bool shared, struct fault *fault_out)
{
	char text[SOCK_TEXT_MAX_BYTES];
	struct sock_address v4;
	int fd = bind_socket(address, shared);

	if (fd < 0 && address->dual && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL)) {
		/* This machine has no IPv6. */
		sock_address_parse_host(SPAN_LITERAL("0.0.0.0"), sock_address_port(address), &v4);
		fd = bind_socket(&v4, shared);
	}
	if (fd < 0) {
		int error = errno;

		fault_set_errno(fault_out, "listen on %s", sock_address_format(address, text));
		errno = error;
	}
	return fd;
}

int
sock_listen(const struct sock_address *address, struct fault *fault_out)
{
	return bind_anyhow(address, false, fault_out);
}

int
sock_bind_shared(const struct sock_address *address, struct fault *fault_out)
{
	return bind_anyhow(address, true, fault_out);
}

/* It is looked at when another socket is bound or begins to listen; at no other time. */
void
sock_set_shared(int fd, bool shared)
{
	set_option(fd, SOL_SOCKET, SO_REUSEPORT, shared);
}

bool
sock_begin(int fd, struct fault *fault_out)
{
	bool done = listen(fd, SOCK_BACKLOG) == 0 || fault_set_errno(fault_out, "listen");

	sock_set_shared(fd, false);
	return done;
}

/* --- accepting */

struct sock_acceptor {
	struct loop *loop;
	int fd;
	int reserve;           /* given up to take and close a connection when there are no more fds */
	struct loop_watch *watch;
	struct loop_timer pause;
	struct loop_defer free_later;
	bool freed;
	uint64_t shed;
	uint64_t shed_logged;
	uint64_t logged_ms;
	sock_accept_fn *on_accept;
	void (*on_shed)(int fd, void *context);
	void *context;
};

static void
take_reserve(struct sock_acceptor *acceptor)
{
	/* Another descriptor of the same socket: a sandbox may forbid to open anything. */
	if (acceptor->reserve < 0)
		acceptor->reserve = fcntl(acceptor->fd, F_DUPFD_CLOEXEC, 0);
}

static void
log_shortage(struct sock_acceptor *acceptor, int error)
{
	uint64_t now = loop_now_ms(acceptor->loop);

	if (acceptor->logged_ms && now - acceptor->logged_ms < LOG_EVERY_MS)
		return;
	acceptor->logged_ms = now;
	log_event(EV_ACCEPT_SHORT, kv_str("reason", strerror(error)),
			kv_int("shed", (int64_t)(acceptor->shed - acceptor->shed_logged)));
	acceptor->shed_logged = acceptor->shed;
}

/* Closes one connection that cannot be served; false if even that was not possible. */
static bool
shed_one(struct sock_acceptor *acceptor)
{
	int fd;

	if (acceptor->reserve < 0)
		return false;
	sock_close(&acceptor->reserve);
	fd = accept4(acceptor->fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0) {
		acceptor->shed++;
		if (acceptor->on_shed)
			acceptor->on_shed(fd, acceptor->context);
	}
	sock_close(&fd);
	take_reserve(acceptor);
	return true;
}

static void
wait_a_while(struct sock_acceptor *acceptor)
{
	loop_watch_set(acceptor->watch, 0);
	loop_timer_start(&acceptor->pause, SOCK_ACCEPT_PAUSE_MS);
}

/* True if there may be more to take at once. */
static bool
accept_one(struct sock_acceptor *acceptor)
{
	struct sock_address peer = { .length = sizeof peer.of };
	int fd = accept4(acceptor->fd, &peer.of.any, &peer.length, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0) {
		if (!sock_address_is_unix(&peer))
			set_nodelay(fd);
		acceptor->on_accept(fd, &peer, acceptor->context);
		return true;
	}
	switch (errno) {
	case EAGAIN:
		return false;
	case EINTR:
	case ECONNABORTED:
	case EPROTO:
	case EPERM: /* a packet filter took it away */
		return true;
	case EMFILE:
		log_shortage(acceptor, EMFILE);
		if (shed_one(acceptor))
			return true;
		break;
	default:
		log_shortage(acceptor, errno);
		break;
	}
	wait_a_while(acceptor);
	return false;
}

static void
on_connection(unsigned events, void *context)
{
	struct sock_acceptor *acceptor = context;

	(void)events;
	for (int i = 0; i < SOCK_ACCEPTS_PER_WAKE; i++) {
		if (acceptor->freed || !accept_one(acceptor))
			return;
	}
}

void
sock_acceptor_drain(struct sock_acceptor *acceptor)
{
	for (int i = 0; i < SOCK_BACKLOG && !acceptor->freed && accept_one(acceptor); i++)
		;
}

static void
on_pause_over(void *context)
{
	struct sock_acceptor *acceptor = context;

	take_reserve(acceptor);
	loop_watch_set(acceptor->watch, LOOP_READABLE);
}

static void
on_acceptor_free(void *context)
{
	mem_free(&context);
}

struct sock_acceptor *
sock_acceptor_new(struct loop *loop, int listen_fd, sock_accept_fn *on_accept, void *context)
{
	struct sock_acceptor *acceptor = mem_alloc(sizeof(*acceptor));

	acceptor->loop = loop;
	acceptor->fd = listen_fd;
	acceptor->reserve = -1;
	acceptor->on_accept = on_accept;
	acceptor->context = context;
	take_reserve(acceptor);
	loop_timer_init(&acceptor->pause, loop, on_pause_over, acceptor);
	loop_defer_init(&acceptor->free_later, loop, on_acceptor_free, acceptor);
	acceptor->watch = loop_watch_new(loop, listen_fd, on_connection, acceptor);
	loop_watch_set(acceptor->watch, LOOP_READABLE);
	return acceptor;
}

void
sock_acceptor_on_shed(struct sock_acceptor *acceptor, void (*on_shed)(int fd, void *context))
{
	acceptor->on_shed = on_shed;
}

uint64_t
sock_acceptor_shed(const struct sock_acceptor *acceptor)
{
	return acceptor->shed;
}

void
sock_acceptor_free(struct sock_acceptor **acceptor)
{
	struct sock_acceptor *old = *acceptor;

	if (!old)
		return;
	*acceptor = NULL;
	old->freed = true;
	loop_watch_free(&old->watch);
	loop_timer_stop(&old->pause);
	sock_close(&old->reserve);
	loop_defer(&old->free_later);
}

/* --- connecting */

struct sock_connect {
	int fd;
	struct loop_watch *watch;
	struct loop_timer deadline;
	struct loop_defer failed; /* what failed at once is still told from the loop */
	struct fault fault;
	char text[SOCK_TEXT_MAX_BYTES];
	sock_connect_fn *on_connect;
	void *context;
};

static void
release_connect(struct sock_connect *connecting)
{
	loop_watch_free(&connecting->watch);
	loop_timer_stop(&connecting->deadline);
	loop_defer_cancel(&connecting->failed);
}

/* The callback may free the connect, so this is the last that is done with it. */
static void
tell(struct sock_connect *connecting, bool connected)
{
	int fd = -1;

	release_connect(connecting);
	if (connected) {
		fd = connecting->fd;
		connecting->fd = -1;
	}
	sock_close(&connecting->fd);
	connecting->on_connect(fd, connected ? NULL : &connecting->fault, connecting->context);
}

static void
on_connect_failed(void *context)
{
	tell(context, false);
}

static void
on_connect_late(void *context)
{
	struct sock_connect *connecting = context;

	fault_set(&connecting->fault, FAULT_LIMIT, "connect to %s: no answer in time",
			connecting->text);
	tell(connecting, false);
}

/* Told by its kind: nobody is there, or nobody has time just now. */
static bool
fail_connect(struct sock_connect *connecting)
{
	int error = errno;

	fault_set_errno(&connecting->fault, "connect to %s", connecting->text);
	if (error == ECONNREFUSED || error == ENOENT)
		connecting->fault.kind = FAULT_MISSING;
	else if (error == EAGAIN)
		connecting->fault.kind = FAULT_BUSY;
	return false;
}

static void
on_connect_ready(unsigned events, void *context)
{
	struct sock_connect *connecting = context;
	int error = 0;
	socklen_t size = sizeof error;

	(void)events;
	if (getsockopt(connecting->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		error = errno;
	errno = error;
	if (error)
		fail_connect(connecting);
	tell(connecting, error == 0);
}

static bool
start_connect(struct sock_connect *connecting, const struct sock_address *to,
		const struct sock_address *from)
{
	connecting->fd = open_socket(to->of.any.sa_family);
	if (connecting->fd < 0)
		return fault_set_errno(&connecting->fault, "socket for %s", connecting->text);
	if (from && bind(connecting->fd, &from->of.any, from->length) < 0)
		return fault_set_errno(&connecting->fault, "local address for %s", connecting->text);
	if (!sock_address_is_unix(to))
		set_nodelay(connecting->fd);
	if (connect(connecting->fd, &to->of.any, to->length) < 0 && errno != EINPROGRESS)
		return fail_connect(connecting);
	return true;
}

struct sock_connect *
sock_connect_new(struct loop *loop, const struct sock_address *to, const struct sock_address *from,
		uint64_t wait_ms, sock_connect_fn *on_connect, void *context)
{
	struct sock_connect *connecting = mem_alloc(sizeof(*connecting));

	connecting->on_connect = on_connect;
	connecting->context = context;
	sock_address_format(to, connecting->text);
	loop_timer_init(&connecting->deadline, loop, on_connect_late, connecting);
	loop_defer_init(&connecting->failed, loop, on_connect_failed, connecting);
	if (!start_connect(connecting, to, from)) {
		loop_defer(&connecting->failed);
		return connecting;
	}
	connecting->watch = loop_watch_new(loop, connecting->fd, on_connect_ready, connecting);
	loop_watch_set(connecting->watch, LOOP_WRITABLE);
	loop_timer_start(&connecting->deadline, wait_ms);
	return connecting;
}

void
sock_connect_free(struct sock_connect **connecting)
{
	if (!*connecting)
		return;
	release_connect(*connecting);
	sock_close(&(*connecting)->fd);
	mem_free(connecting);
}
