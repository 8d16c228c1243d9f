/* SPDX-License-Identifier: BSD-2-Clause */
/* From a named endpoint to a connected fd. */
#include "io/connector.h"

#include <stdio.h>

#include "base/memory.h"
#include "io/sock.h"

/* One address on trial. */
struct attempt {
	struct connector *connector;
	struct sock_connect *connect; /* NULL: not begun, or failed */
	struct sock_address address;
};

struct connector {
	struct loop *loop;
	connector_fn *on_done;
	void *context;
	uint64_t until_ms;
	struct resolve_query *query;
	struct loop_timer stagger;
	struct loop_defer failed; /* what is known to be in vain at once */
	struct fault fault;
	bool bound;
	struct sock_address source;
	struct sock_address last; /* that failed */
	struct attempt attempts[RESOLVE_ADDRESSES_MAX];
	size_t count;
	size_t next;
	size_t open;
};

/* The connector is gone before its owner hears. */
static void
finish(struct connector *connector, int fd, const struct sock_address *address)
{
	struct sock_address copy = *address;
	struct fault fault = connector->fault;
	connector_fn *on_done = connector->on_done;
	void *context = connector->context;

	connector_free(&connector);
	on_done(fd, &copy, &fault, context);
}

static void
on_failed(void *context)
{
	struct connector *connector = context;

	finish(connector, -1, &connector->last);
}

static void try_next(void *context);

static void
on_connect(int fd, const struct fault *fault, void *context)
{
	struct attempt *attempt = context;
	struct connector *connector = attempt->connector;

	if (fd >= 0) {
		finish(connector, fd, &attempt->address);
		return;
	}
	/* The fault lives in what is freed here. */
	connector->fault = *fault;
	connector->last = attempt->address;
	sock_connect_free(&attempt->connect);
	connector->open--;
	try_next(connector);
}

/* The next address, if time is left; nobody answers the ones before. */
static void
try_next(void *context)
{
	struct connector *connector = context;
	uint64_t now_ms = loop_now_ms(connector->loop);
	struct attempt *attempt;

	if (connector->next == connector->count || now_ms >= connector->until_ms) {
		if (connector->open == 0)
			loop_defer(&connector->failed);
		return;
	}
	attempt = &connector->attempts[connector->next++];
	connector->open++;
	attempt->connector = connector;
	attempt->connect = sock_connect_new(connector->loop, &attempt->address,
		connector->bound && !sock_address_is_unix(&attempt->address) ? &connector->source
									      : NULL,
		connector->until_ms - now_ms, on_connect, attempt);
	loop_timer_start(&connector->stagger, CONNECTOR_STAGGER_MS);
}

static void
on_resolved(enum resolve_result result, const struct sock_address *addresses, size_t count,
	const struct fault *fault, void *context)
{
	struct connector *connector = context;

	connector->query = NULL;
	if (result != RESOLVE_FOUND)
		connector->fault = *fault;
	for (size_t i = 0; i < count; i++)
		connector->attempts[i].address = addresses[i];
	connector->count = count;
	try_next(connector);
}

struct connector *
connector_new(struct loop *loop, struct resolver *resolver, const struct connector_place *place,
	uint64_t wait_ms, connector_fn *on_done, void *context)
{
	struct connector *connector = mem_alloc(sizeof *connector);
	char text[SOCK_TEXT_MAX_BYTES + 8];

	connector->loop = loop;
	connector->on_done = on_done;
	connector->context = context;
	connector->until_ms = loop_now_ms(loop) + wait_ms;
	loop_timer_init(&connector->stagger, loop, try_next, connector);
	loop_defer_init(&connector->failed, loop, on_failed, connector);
	connector->bound = place->source && place->source[0] &&
		sock_address_parse_host(span_text(place->source), 0, &connector->source);
	if (place->path && place->path[0]) {
		snprintf(text, sizeof text, "unix:%s", place->path);
		if (sock_address_parse(
			    span_text(text), &connector->attempts[0].address, &connector->fault))
			connector->count = 1;
		try_next(connector);
		return connector;
	}
	connector->query = resolver_find(resolver, place->host, place->port, wait_ms, on_resolved,
		connector);
	return connector;
}

void
connector_free(struct connector **connector)
{
	if (!*connector)
		return;
	resolve_cancel(&(*connector)->query);
	for (size_t i = 0; i < (*connector)->next; i++)
		sock_connect_free(&(*connector)->attempts[i].connect);
	loop_timer_stop(&(*connector)->stagger);
	loop_defer_cancel(&(*connector)->failed);
	mem_free(connector);
}
