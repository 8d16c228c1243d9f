/* SPDX-License-Identifier: BSD-2-Clause */
/* Sockets: listen, accept, connect, pair. Every fd made here is non-blocking and close-on-exec. */
#ifndef IO_SOCK_H
#define IO_SOCK_H

#include "io/loop.h"
#include "io/sock_address.h"

enum {
	SOCK_BACKLOG = 4096,          /* the kernel cuts it to its own limit */
	SOCK_ACCEPTS_PER_WAKE = 32,
	SOCK_ACCEPT_PAUSE_MS = 100,   /* after an error that waiting may cure */
};

/* -1, errno and a fault that names the address. A unix path that nobody serves any more is replaced. */
int sock_listen(const struct sock_address *address, struct fault *fault_out);
/*
 * The same in two steps, beside a socket of ours that has the port at another address and was given
 * sock_set_shared(): bound now, and connections are taken from sock_begin() on.
 */
int sock_bind_shared(const struct sock_address *address, struct fault *fault_out);
bool sock_begin(int fd, struct fault *fault_out); /* not shared any more then */
void sock_set_shared(int fd, bool shared);
bool sock_local(int fd, struct sock_address *address_out);
bool sock_pair(int fds_out[2], struct fault *fault_out);   /* SOCK_STREAM */
void sock_close(int *fd);                                  /* sets it to -1; keeps errno */
/*
 * TCP: what is read next is acknowledged at once, so that a peer that waits for it before its next
 * small packet does not wait 40 ms. It does not last: again before and behind each read.
 */
void sock_quick_ack(int fd);

/*
 * Takes connections from a listening socket, at most SOCK_ACCEPTS_PER_WAKE a turn, so that others
 * are served and so that processes on one socket share. The listening fd stays the caller's. A lack
 * of fds does not spin: one fd is kept in reserve to take and close what cannot be served.
 */
struct sock_acceptor;

/* The fd is the callback's, non-blocking, close-on-exec, TCP_NODELAY set. */
typedef void sock_accept_fn(int fd, const struct sock_address *peer, void *context);

struct sock_acceptor *sock_acceptor_new(
	struct loop *loop, int listen_fd, sock_accept_fn *on_accept, void *context);
/* What is called with a connection that is closed unserved for want of fds: a word, no wait. */
void sock_acceptor_on_shed(
	struct sock_acceptor *acceptor, void (*on_shed)(int fd, void *context));
/* How many connections were closed so. */
uint64_t sock_acceptor_shed(const struct sock_acceptor *acceptor);
/* Takes what waits already, at most SOCK_BACKLOG: for a socket that is about to be closed. */
void sock_acceptor_drain(struct sock_acceptor *acceptor);
void sock_acceptor_free(struct sock_acceptor **acceptor);

/*
 * A connect under way. The callback comes once, from the loop, never from sock_connect() itself: with
 * a connected fd that is the callback's, or with -1 and the reason. Freeing it in time cancels it.
 */
struct sock_connect;

typedef void sock_connect_fn(int fd, const struct fault *fault, void *context);

/* from: the local address to use, or NULL. */
struct sock_connect *sock_connect_new(struct loop *loop, const struct sock_address *to,
	const struct sock_address *from, uint64_t wait_ms, sock_connect_fn *on_connect, void *context);
void sock_connect_free(struct sock_connect **connect);

#endif
