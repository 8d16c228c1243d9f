/* SPDX-License-Identifier: BSD-2-Clause */
/* What all connections of one route share: settings, means, and whether TLS is tried just now. */
#ifndef RELAY_HOP_ROUTE_H
#define RELAY_HOP_ROUTE_H

#include "base/secret.h"
#include "config/settings.h"
#include "io/connector.h"
#include "io/tls.h"
#include "proc/journal.h"
#include "relay/offer.h"

/* Outlives the hops; the owner fills it. */
struct hop_route {
	const struct settings_route *settings;
	const struct settings_relay *relay;
	const struct settings_listeners *listeners; /* our own; NULL: none */
	const char *helo;
	struct loop *loop;
	struct resolver *resolver;
	struct tls_client *tls;
	const struct secret *password; /* NULL: no login */
	struct journal *const *journal; /* the relay's protocol log; NULL: none, ever */
	uint64_t clear_until_ms;       /* tls = may: TLS failed, so no STARTTLS until then */
};

const char *hop_route_host(const struct hop_route *route);     /* or the path of a unix socket */
const char *hop_route_tls_name(const struct hop_route *route); /* what the certificate must say */
bool hop_route_is_lmtp(const struct hop_route *route);
bool hop_route_is_implicit_tls(const struct hop_route *route);
bool hop_route_needs_tls(const struct hop_route *route);       /* tls = encrypt or verify */
/* Should STARTTLS be said to a hop with this offer? Where TLS is needed: whatever it offers. */
bool hop_route_wants_starttls(const struct hop_route *route, const struct offer *offer);
/* tls = may is for hops that cannot: after a failure connections go in clear for ten minutes. */
void hop_route_rest_in_clear(struct hop_route *route);
/* Is what we are connected to one of our own listeners? Mail would go round and round. */
bool hop_route_leads_back(const struct hop_route *route, int fd, const struct sock_address *peer);
struct connector *hop_route_connect(const struct hop_route *route, connector_fn *on_done,
	void *context);

#endif
