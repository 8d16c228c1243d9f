/* SPDX-License-Identifier: BSD-2-Clause */
/* From a named endpoint to a connected fd. */
#include "io/connector.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "io/sock.h"

struct connector {
	struct loop *loop;
	connector_fn *on_done;
	void *context;
	uint64_t wait_ms;
	struct resolve_query *query;
	struct sock_connect *connect;
	struct loop_defer failed; /* what is known to be in vain at once */
	struct fault fault;
	bool bound;
	struct sock_address source;
	struct sock_address addresses[RESOLVE_ADDRESSES_MAX];
	size_t count;
	size_t next;
};

static void connect_next(struct connector *connector);

/* The connector is gone before its owner hears. */
static void
finish(struct connector *connector, int fd)
{
	struct sock_address address = { 0 };
	struct fault fault = connector->fault;
	connector_fn *on_done = connector->on_done;
	void *context = connector->context;

	if (connector->next)
		address = connector->addresses[connector->next - 1];
	connector_free(&connector);
	on_done(fd, &address, &fault, context);
}

static void
on_failed(void *context)
{
	finish(context, -1);
}

static void
on_connect(int fd, const struct fault *fault, void *context)
{
	struct connector *connector = context;

	/* The fault lives in what is freed here. */
	if (fd < 0)
		connector->fault = *fault;
	sock_connect_free(&connector->connect);
	if (fd >= 0)
		finish(connector, fd);
	else
		connect_next(connector);
}

static void
connect_next(struct connector *connector)
{
	const struct sock_address *to;

	if (connector->next >= connector->count) {
		loop_defer(&connector->failed);
		return;
	}
	to = &connector->addresses[connector->next++];
	connector->connect = sock_connect_new(connector->loop, to,
		connector->bound && !sock_address_is_unix(to) ? &connector->source : NULL,
		connector->wait_ms, on_connect, connector);
}

static void
on_resolved(enum resolve_result result, const struct sock_address *addresses, size_t count,
	const struct fault *fault, void *context)
{
	struct connector *connector = context;

	connector->query = NULL;
	if (result != RESOLVE_FOUND)
		connector->fault = *fault;
	memcpy(connector->addresses, addresses, count * sizeof *addresses);
	connector->count = count;
	connect_next(connector);
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
	connector->wait_ms = wait_ms;
	loop_defer_init(&connector->failed, loop, on_failed, connector);
	connector->bound = place->source && place->source[0] &&
		sock_address_parse_host(span_text(place->source), 0, &connector->source);
	if (place->path && place->path[0]) {
		snprintf(text, sizeof text, "unix:%s", place->path);
		if (sock_address_parse(
			    span_text(text), &connector->addresses[0], &connector->fault))
			connector->count = 1;
		connect_next(connector);
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
	sock_connect_free(&(*connector)->connect);
	loop_defer_cancel(&(*connector)->failed);
	mem_free(connector);
}
