/* SPDX-License-Identifier: BSD-2-Clause */
/* The smtp role. */
#include "smtp/service.h"

#include "base/clock.h"
#include "base/log.h"
#include "client/auth_link.h"
#include "client/signer.h"
#include "io/sock.h"
#include "smtp/control.h"
#include "smtp/smtp.h"

enum {
	RSA_THREADS = 2,
	RSA_WAITING_MAX = 256,
	REPLY_MAX_BYTES = 48 * 1024, /* 32 lines of a filter are the longest, or a challenge */
	DAY_MS = 24 * 60 * 60 * 1000,
	LINKS_EVERY_MS = 5 * 1000,
};

static const struct session_protocol *const protocols[FRONT_PROTOCOLS] = {
	[LISTENER_SMTP] = &smtp_protocol,
};

/* Once a day, by one process for all of them. */
static void
on_expiry(void *context)
{
	struct service *service = context;

	loop_timer_start(&service->expiry, DAY_MS);
	if (role_instance(service->role) == 0)
		setup_warn(service->front->setup, clock_wall_ms() / 1000);
}

/* A pair to keys ends at the first answer that was late, and nobody but us knows. */
static void
on_look_at_links(void *context)
{
	struct service *service = context;

	loop_timer_start(&service->links, LINKS_EVERY_MS);
	if (!signer_is_linked(service->signer))
		role_link_lost(service->role, ROLE_KEYS, 0);
	if (!auth_link_channel(service->front->auth))
		role_link_lost(service->role, ROLE_AUTH, 0);
	if (!queue_link_channel(service->queue))
		role_link_lost(service->role, ROLE_QUEUE, 0);
	if (!dial_link_channel(service->dial))
		role_link_lost(service->role, ROLE_DIAL, 0);
}

static struct journal *
open_journal(struct role_context *role)
{
	enum log_protocol format = role_settings(role)->log.protocol_log;
	int fd = -1;

	if (format != LOG_PROTOCOL_OFF)
		fd = role_take_file(role, FILE_PROTOCOL_LOG, smtp_protocol.name, 0);
	return fd >= 0 ? journal_new(fd, format) : NULL;
}

static bool
on_check(void *private, struct fault *fault)
{
	struct service *service = private;
	struct setup *setup = setup_new(service->role, role_settings(service->role),
		1u << LISTENER_SMTP, service->signer, fault);

	return setup && front_prepare(service->front, setup, service->role, fault);
}

static void
use(struct service *service)
{
	front_use(service->front);
	filters_use(service->filters, service->front->setup->settings);
	loop_timer_start(&service->expiry, 0);
}

static void
free_service(void **private)
{
	struct service *service = *private;

	if (!service)
		return;
	*private = NULL;
	loop_timer_stop(&service->expiry);
	loop_timer_stop(&service->links);
	control_fini(service);
	front_free(&service->front);
	queue_link_free(&service->queue);
	filters_free(&service->filters);
	dial_link_free(&service->dial);
	worker_pool_free(&service->pool, 0);
	signer_free(&service->signer);
	buf_fini(&service->reply);
	mem_free(&service);
}

static void *
start(struct role_context *role, struct fault *fault)
{
	int table = role_take_file(role, FILE_GATE, "", 0);
	struct gate *gate = gate_open(table, role_instance(role), fault);
	struct worker_pool *pool =
		worker_pool_new(role_loop(role), "tls", RSA_THREADS, RSA_WAITING_MAX, fault);
	struct service *service;

	sock_close(&table);
	if (!gate || !pool) {
		gate_close(&gate);
		worker_pool_free(&pool, 0);
		return NULL;
	}
	service = mem_alloc(sizeof *service);
	service->role = role;
	service->pool = pool;
	service->signer = signer_new();
	service->queue = queue_link_new(role_loop(role));
	service->dial = dial_link_new(role_loop(role));
	service->filters = filters_new(role_loop(role), service->dial, service->queue, gate);
	buf_init(&service->reply, REPLY_MAX_BYTES);
	service->front = front_new(
		role_loop(role), ROLE_SMTP, protocols, gate, open_journal(role), pool, service);
	loop_timer_init(&service->expiry, role_loop(role), on_expiry, service);
	if (!on_check(service, fault)) {
		void *private = service;

		free_service(&private);
		return NULL;
	}
	use(service);
	loop_timer_init(&service->links, role_loop(role), on_look_at_links, service);
	loop_timer_start(&service->links, LINKS_EVERY_MS);
	return service;
}

static bool
on_link(void *private, const struct message_link *link, int fd)
{
	struct service *service = private;

	if (link->kind == LINK_SIGN && link->peer == ROLE_KEYS)
		signer_link(service->signer, fd);
	else if (link->kind == LINK_CHANNEL && link->peer == ROLE_AUTH)
		auth_link_set(service->front->auth, fd);
	else if (link->kind == LINK_CHANNEL && link->peer == ROLE_QUEUE)
		queue_link_set(service->queue, fd);
	else if (link->kind == LINK_CHANNEL && link->peer == ROLE_DIAL)
		dial_link_set(service->dial, fd);
	else
		sock_close(&fd); /* nothing here has use for it */
	return true;
}

static void
on_take(void *private)
{
	struct service *service = private;

	use(service);
	journal_free(&service->front->journal);
	service->front->journal = open_journal(service->role);
}

static void
on_forget(void *private)
{
	struct service *service = private;

	front_forget(service->front);
}

static void
on_secret(void *private, enum secret_kind kind, const char *name)
{
	struct service *service = private;
	const struct listener *listener = setup_find(service->front->setup, name);
	struct span key = role_secret(service->role, kind, name);

	if (kind == SECRET_TICKET_KEY && listener && listener->tls &&
		listener->settings->tls_ticket_life && key.length == TLS_TICKET_KEY_BYTES)
		tls_server_set_ticket_key(listener->tls, (const unsigned char *)key.start);
}

static void
on_file(void *private, enum file_kind kind, const char *name)
{
	struct service *service = private;
	int fd;

	if (kind != FILE_PROTOCOL_LOG || !service->front->journal)
		return;
	fd = role_take_file(service->role, kind, name, 0);
	if (fd >= 0)
		journal_reopen(service->front->journal, fd);
}

static void
on_control(void *private, uint32_t request, struct span json)
{
	control_run(private, request, json);
}

/* ---- the end --------------------------------------------------------------------------------- */

static void
on_empty(void *context)
{
	struct service *service = context;

	role_finished(service->role);
}

static void
on_stop(void *private, uint64_t grace_ms)
{
	struct service *service = private;

	loop_timer_stop(&service->expiry);
	loop_timer_stop(&service->links);
	front_stop(service->front, grace_ms, on_empty);
}

const struct role_program smtp_program = {
	.role = ROLE_SMTP,
	.start = start,
	.on_link = on_link,
	.on_check = on_check,
	.on_take = on_take,
	.on_forget = on_forget,
	.on_control = on_control,
	.on_stop = on_stop,
	.free = free_service,
	.on_secret = on_secret,
	.on_file = on_file,
};
