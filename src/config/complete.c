/* SPDX-License-Identifier: BSD-2-Clause */
/* Defaults that depend on other settings. */
#include "config/complete.h"

/* The settings are const for their readers; they are ours until they are handed out. */
#define OURS(pointer) ((void *)(uintptr_t)(pointer))

/* The setting of item with this name, unless written, is at most most. */
static void
cap(const struct load *load, const void *item, const char *name, uint64_t *value, uint64_t most)
{
	if (*value > most && !load_is_written(load, item, name))
		*value = most;
}

static void
complete_listeners(const struct load *load)
{
	for (size_t i = 0; i < load->settings->listener.count; i++) {
		struct settings_listener *listener = OURS(&load->settings->listener.items[i]);

		cap(load, listener, "connections-per-address", &listener->connections_per_address,
			listener->connections);
		cap(load, listener, "connections-before-login", &listener->connections_before_login,
			listener->connections);
		cap(load, listener, "header-size", &listener->header_size, listener->message_size);
	}
}

static void
complete_queue(const struct load *load)
{
	struct settings_queue *queue = &load->settings->queue;

	cap(load, queue, "concurrency-per-destination", &queue->concurrency_per_destination,
		queue->concurrency);
	if (queue->free_space_resume < queue->free_space &&
		!load_is_written(load, queue, "free-space-resume"))
		queue->free_space_resume = queue->free_space + queue->free_space / 2;
}

/* A route that logs in, or speaks TLS from the first byte, verifies; but for this machine itself. */
static void
complete_routes(const struct load *load)
{
	for (size_t i = 0; i < load->settings->route.count; i++) {
		struct settings_route *route = OURS(&load->settings->route.items[i]);
		bool smtps = route->to.scheme == ROUTE_SMTPS;

		if ((route->user[0] || smtps) && !load_is_written(load, route, "tls") &&
			(smtps || !endpoint_is_local(&route->to.endpoint)))
			route->tls = ROUTE_TLS_VERIFY;
	}
}

static void
complete_milters(const struct load *load)
{
	for (size_t i = 0; i < load->settings->milter.count; i++) {
		struct settings_milter *milter = OURS(&load->settings->milter.items[i]);

		cap(load, milter, "connect-wait", &milter->connect_wait, milter->budget);
		cap(load, milter, "command-wait", &milter->command_wait, milter->budget);
		cap(load, milter, "content-wait", &milter->content_wait, milter->budget);
		cap(load, milter, "end-wait", &milter->end_wait, milter->budget);
	}
}

/* Postfix looks a login up as it is. */
static void
complete_filter(const struct load *load)
{
	struct settings_filter *filter = &load->settings->filter;

	if (filter->source == FILTER_SOURCE_MAPS && !load_is_written(load, filter, "login-realm"))
		filter->login_realm = FILTER_REALM_KEEP;
}

void
complete_defaults(const struct load *load)
{
	struct settings_sasl *sasl = &load->settings->sasl;

	cap(load, sasl, "answer-wait", &sasl->answer_wait, sasl->exchange_wait);
	complete_listeners(load);
	complete_milters(load);
	complete_queue(load);
	complete_routes(load);
	complete_filter(load);
}
