/* SPDX-License-Identifier: BSD-2-Clause */
/* One front-end process: its listeners, its sessions, and what they share. */
#include "client/front.h"

#include <string.h>

#include "base/digest.h"
#include "base/log.h"
#include "client/auth_link.h"
#include "client/session_private.h"
#include "proc/role.h"

struct front_socket {
	struct front *front;
	const struct listener *listener;
	int fd;
	struct sock_acceptor *acceptor;
};

static void on_grace(void *context);

struct front *
front_new(struct loop *loop, enum role role, const struct session_protocol *const *protocols,
	struct gate *gate, struct journal *journal, struct worker_pool *pool, void *service)
{
	struct front *front = mem_alloc(sizeof *front);
	uint32_t random;

	front->loop = loop;
	front->role = role;
	front->service = service;
	memcpy(front->protocols, protocols, sizeof front->protocols);
	front->gate = gate;
	front->journal = journal;
	front->pool = pool;
	front->auth = auth_link_new(front);
	digest_random(&random, sizeof random);
	serial_init(&front->serial, random);
	loop_timer_init(&front->grace, loop, on_grace, front);
	return front;
}

static void
close_sockets(struct front_socket *sockets, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		sock_acceptor_free(&sockets[i].acceptor);
		sock_close(&sockets[i].fd);
	}
	mem_free(&sockets);
}

static void
stop_accepting(struct front *front)
{
	close_sockets(front->sockets, front->socket_count);
	front->sockets = NULL;
	front->socket_count = 0;
}

void
front_free(struct front **front)
{
	struct front *old = *front;

	if (!old)
		return;
	*front = NULL;
	loop_timer_stop(&old->grace);
	stop_accepting(old);
	front_forget(old);
	old->on_empty = NULL;
	while (old->sessions) {
		struct session *session = old->sessions;

		session_unlink(session, &old->sessions);
		session_free(&session);
	}
	auth_link_free(&old->auth);
	setup_free(&old->setup);
	gate_close(&old->gate);
	journal_free(&old->journal);
	mem_free(&old);
}

/* ---- accepting ------------------------------------------------------------------------------- */

static void
on_accept(int fd, const struct sock_address *peer, void *context)
{
	struct front_socket *socket = context;

	front_accept(socket->front, socket->listener, fd, peer);
}

static void
on_shed(int fd, void *context)
{
	struct front_socket *socket = context;

	admission_turn_away(socket->front, socket->listener, fd);
}

void
front_accept(struct front *front, const struct listener *listener, int fd,
	const struct sock_address *client)
{
	session_new(front, front->setup, listener, fd, client);
}

static size_t
count_addresses(const struct setup *setup)
{
	size_t count = 0;

	for (size_t i = 0; i < setup->count; i++)
		count += setup->listeners[i].settings->address.count;
	return count;
}

/* NULL and a reason if super did not pass one of them. */
static struct front_socket *
take_sockets(struct front *front, const struct setup *setup, struct role_context *role,
	size_t count, struct fault *fault_out)
{
	struct front_socket *sockets = mem_alloc_array(count, sizeof *sockets);
	size_t taken = 0;

	for (size_t i = 0; i < setup->count; i++) {
		const struct listener *listener = &setup->listeners[i];

		for (unsigned k = 0; k < listener->settings->address.count; k++) {
			struct front_socket *socket = &sockets[taken];

			socket->front = front;
			socket->listener = listener;
			socket->fd =
				role_take_file(role, FILE_LISTENER, listener->settings->title, k);
			if (socket->fd < 0) {
				close_sockets(sockets, taken);
				fault_set(fault_out, FAULT_MISSING,
					"no socket for address %u of listener \"%s\"", k,
					listener->settings->title);
				return NULL;
			}
			taken++;
		}
	}
	return sockets;
}

/* Nobody connects to a filter any more that the settings no longer name. */
static bool
lost_a_filter(const struct front *front, struct session *session)
{
	const struct settings *settings = session_setup(session)->settings;
	const struct settings_policy *policy =
		settings_find_policy(settings, session_listener(session)->settings);

	for (size_t i = 0; policy && i < policy->milters.count; i++)
		if (!settings_find_milter(front->setup->settings, policy->milters.items[i]))
			return true;
	return false;
}

/*
 * The queue takes nothing more from a listener that is gone; and what many reloads have left behind is not
 * kept for ever.
 */
static void
leave_gone(struct front *front)
{
	struct session *next;

	for (struct session *session = front->sessions; session; session = next) {
		next = session_next(session);
		if (front->setup->generation - session_setup(session)->generation >= FRONT_GENERATIONS ||
			!setup_find(front->setup, session_listener(session)->settings->title) ||
			lost_a_filter(front, session))
			session_leave(session, SESSION_END_STOPPING, NULL);
	}
}

void
front_forget(struct front *front)
{
	close_sockets(front->next_sockets, front->next_count);
	front->next_sockets = NULL;
	front->next_count = 0;
	setup_free(&front->next);
}

bool
front_prepare(struct front *front, struct setup *setup, struct role_context *role,
	struct fault *fault_out)
{
	size_t count = role ? count_addresses(setup) : 0;

	front_forget(front);
	if (role) {
		front->next_sockets = take_sockets(front, setup, role, count, fault_out);
		if (!front->next_sockets) {
			setup_free(&setup);
			return false;
		}
	}
	front->next_count = count;
	front->next = setup;
	return true;
}

static bool
goes_on(const struct front *front, const struct front_socket *socket)
{
	struct sock_address own, other;

	if (!sock_local(socket->fd, &own))
		return false;
	for (size_t i = 0; i < front->next_count; i++) {
		if (sock_local(front->next_sockets[i].fd, &other) && own.length == other.length &&
			memcmp(&own.of, &other.of, own.length) == 0)
			return true;
	}
	return false;
}

/* Whoever has connected to an address that goes is let in, to be served or told why not. */
static void
take_last(struct front *front)
{
	for (size_t i = 0; front->setup && i < front->socket_count; i++) {
		if (!goes_on(front, &front->sockets[i]))
			sock_acceptor_drain(front->sockets[i].acceptor);
	}
}

void
front_use(struct front *front)
{
	take_last(front);
	stop_accepting(front);
	front->next->generation = front->setup ? front->setup->generation + 1 : 1;
	setup_free(&front->setup);
	front->setup = front->next;
	front->sockets = front->next_sockets;
	front->socket_count = front->next_count;
	front->next = NULL;
	front->next_sockets = NULL;
	front->next_count = 0;
	for (size_t i = 0; i < front->socket_count; i++) {
		struct front_socket *socket = &front->sockets[i];

		socket->acceptor = sock_acceptor_new(front->loop, socket->fd, on_accept, socket);
		sock_acceptor_on_shed(socket->acceptor, on_shed);
	}
	leave_gone(front);
}

bool
front_serve(struct front *front, struct setup *setup, struct role_context *role,
	struct fault *fault_out)
{
	if (!front_prepare(front, setup, role, fault_out))
		return false;
	front_use(front);
	return true;
}

/* ---- sessions -------------------------------------------------------------------------------- */

void
front_add(struct front *front, struct session *session)
{
	session_link(session, &front->sessions);
	front->session_count++;
}

void
front_take(struct front *front, struct session *session)
{
	session_unlink(session, &front->sessions);
	front->session_count--;
	session_free(&session);
	if (front->session_count == 0 && front->on_empty) {
		loop_timer_stop(&front->grace);
		front->on_empty(front->service);
	}
}

static void
on_grace(void *context)
{
	struct front *front = context;
	struct session *next;

	for (struct session *session = front->sessions; session; session = next) {
		next = session_next(session);
		session_bye(session, SESSION_END_STOPPING, NULL);
	}
}

void
front_stop(struct front *front, uint64_t grace_ms, void (*on_empty)(void *service))
{
	struct session *next;

	stop_accepting(front);
	front->on_empty = on_empty;
	for (struct session *session = front->sessions; session; session = next) {
		next = session_next(session);
		session_leave(session, SESSION_END_STOPPING, NULL);
	}
	loop_timer_start(&front->grace, grace_ms);
	if (front->session_count == 0) {
		loop_timer_stop(&front->grace);
		on_empty(front->service);
	}
}
