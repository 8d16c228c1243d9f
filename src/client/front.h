/* SPDX-License-Identifier: BSD-2-Clause */
/* One front-end process: its listeners, its sessions, and what they share. */
#ifndef CLIENT_FRONT_H
#define CLIENT_FRONT_H

#include "proc/journal.h"
#include "client/serial.h"
#include "client/session.h"
#include "io/sock.h"
#include "io/worker.h"

enum {
	FRONT_PROTOCOLS = LISTENER_POP3 + 1,
	FRONT_GENERATIONS = 3, /* of settings in use at the same time; sessions of older ones leave */
};

/* Read by the sessions and by the service that the front belongs to; written by front.c alone. */
struct front {
	struct loop *loop;
	enum role role;                /* SMTP or MAILBOX */
	void *service;                 /* whose front it is */
	const struct session_protocol *protocols[FRONT_PROTOCOLS];
	struct gate *gate;
	struct journal *journal;       /* NULL: off */
	struct worker_pool *pool;      /* RSA handshakes; NULL: on the loop */
	struct auth_link *auth;
	struct serial serial;
	struct setup *setup;           /* for sessions from now on */
	struct front_socket *sockets;
	size_t socket_count;
	struct setup *next;            /* made ready by front_prepare(), with its sockets */
	struct front_socket *next_sockets;
	size_t next_count;
	struct session *sessions;      /* the newest first */
	size_t session_count;
	void (*on_empty)(void *service); /* the last session is gone, after front_stop() */
	struct loop_timer grace;
};

/*
 * protocols: by enum listener_protocol, NULL where not served. Takes gate and journal; pool is
 * borrowed.
 */
struct front *front_new(struct loop *loop, enum role role,
	const struct session_protocol *const *protocols, struct gate *gate, struct journal *journal,
	struct worker_pool *pool, void *service);
void front_free(struct front **front); /* ends all sessions at once */
/*
 * What will hold for sessions from front_use() on; takes the setup. Its listening sockets are taken
 * with role_take_file(); role NULL: there are none. False with a reason if one is missing, and nothing
 * is made ready.
 */
bool front_prepare(struct front *front, struct setup *setup, struct role_context *role,
	struct fault *fault_out);
void front_use(struct front *front);    /* puts it to use, and closes the sockets from before */
void front_forget(struct front *front); /* throws it away; free if there is nothing */
/* Both steps in one. */
bool front_serve(struct front *front, struct setup *setup, struct role_context *role,
	struct fault *fault_out);
/* A connection of this listener; takes fd. */
void front_accept(struct front *front, const struct listener *listener, int fd,
	const struct sock_address *client);
/*
 * Accepts no more. Sessions end as soon as nothing of them is under way, and all of them after
 * grace_ms; then on_empty is called.
 */
void front_stop(struct front *front, uint64_t grace_ms, void (*on_empty)(void *service));

/* For session.c: the list. */
void front_add(struct front *front, struct session *session);
void front_take(struct front *front, struct session *session);

#endif
