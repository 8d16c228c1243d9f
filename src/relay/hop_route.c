/* SPDX-License-Identifier: BSD-2-Clause */
/* What all connections of one route share. */
#include "relay/hop_route.h"

#include <string.h>

#include "io/sock.h"

enum { HOP_ROUTE_CLEAR_MS = 10 * 60 * 1000 };

const char *
hop_route_host(const struct hop_route *route)
{
	const struct endpoint *endpoint = &route->settings->to.endpoint;

	return endpoint->kind == ENDPOINT_UNIX ? endpoint->path : endpoint->host;
}

const char *
hop_route_tls_name(const struct hop_route *route)
{
	return route->settings->tls_name[0] ? route->settings->tls_name : hop_route_host(route);
}

bool
hop_route_is_lmtp(const struct hop_route *route)
{
	return route->settings->to.scheme == ROUTE_LMTP;
}

bool
hop_route_is_implicit_tls(const struct hop_route *route)
{
	return route->settings->to.scheme == ROUTE_SMTPS;
}

bool
hop_route_needs_tls(const struct hop_route *route)
{
	return route->settings->tls == ROUTE_TLS_ENCRYPT || route->settings->tls == ROUTE_TLS_VERIFY;
}

bool
hop_route_wants_starttls(const struct hop_route *route, const struct offer *offer)
{
	if (route->settings->tls != ROUTE_TLS_MAY)
		return hop_route_needs_tls(route);
	return offer->starttls && loop_now_ms(route->loop) >= route->clear_until_ms;
}

void
hop_route_rest_in_clear(struct hop_route *route)
{
	if (!hop_route_needs_tls(route))
		route->clear_until_ms = loop_now_ms(route->loop) + HOP_ROUTE_CLEAR_MS;
}

/* Does the listener serve this address of ours? */
static bool
is_served(const struct endpoint *endpoint, const char *host, uint16_t port)
{
	struct span served = span_text(endpoint->host);

	return endpoint->kind == ENDPOINT_INET && endpoint->port == port &&
		(span_is(served, "*") || span_is(served, "0.0.0.0") || span_is(served, "::") ||
			span_is(served, host));
}

bool
hop_route_leads_back(const struct hop_route *route, int fd, const struct sock_address *peer)
{
	char there[SOCK_TEXT_MAX_BYTES];
	char here[SOCK_TEXT_MAX_BYTES];
	struct sock_address local;

	if (!route->listeners || sock_address_is_unix(peer) || !sock_local(fd, &local))
		return false;
	sock_address_format_host(peer, there);
	/* Whoever connects to an address of this machine does so from that address, or from loopback. */
	if (!sock_address_is_loopback(peer) &&
		strcmp(sock_address_format_host(&local, here), there) != 0)
		return false;
	for (size_t i = 0; i < route->listeners->count; i++) {
		const struct settings_endpoints *addresses = &route->listeners->items[i].address;

		for (size_t k = 0; k < addresses->count; k++)
			if (is_served(&addresses->items[k], there, sock_address_port(peer)))
				return true;
	}
	return false;
}

struct connector *
hop_route_connect(const struct hop_route *route, connector_fn *on_done, void *context)
{
	const struct endpoint *endpoint = &route->settings->to.endpoint;
	bool is_unix = endpoint->kind == ENDPOINT_UNIX;
	struct connector_place place = {
		.path = is_unix ? endpoint->path : NULL,
		.host = is_unix ? NULL : endpoint->host,
		.port = endpoint->port,
		.source = route->relay->source,
	};

	return connector_new(route->loop, route->resolver, &place, route->relay->connect_wait,
		on_done, context);
}
