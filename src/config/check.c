/* SPDX-License-Identifier: BSD-2-Clause */
/* Do settings that are right one by one also fit together? */
#include "config/check.h"

#include <string.h>
#include <sys/un.h>

#include "config/complete.h"
#include "config/config.h"

bool
check_title(const struct load *load, const void *item, const char *setting, size_t index,
	const struct schema_section *schema, const char *title, struct fault *fault)
{
	struct suggest suggest = { .best = NULL };

	if (load_is_titled(load, schema, title, &suggest))
		return true;
	return load_fault(load, item, setting, index, fault, "there is no %s section \"%s\"%s%s%s",
		schema->name, title, suggest.best ? "; did you mean \"" : "",
		suggest.best ? suggest.best : "", suggest.best ? "\"?" : "");
}

/* A socket's path has to fit sun_path: how many bytes it is too long. */
static size_t
bytes_beyond(size_t length)
{
	struct sockaddr_un address;

	return length < sizeof address.sun_path ? 0 : length - sizeof address.sun_path + 1;
}

static bool
check_run_dir(const struct load *load, struct fault *fault)
{
	size_t beyond = bytes_beyond(
		strlen(load->settings->run_dir) + strlen("/" CONFIG_SOCKET_NAME));

	if (beyond)
		return load_fault(load, load->settings, "run-dir", 0, fault,
			"is %zu bytes too long for the path of the control socket", beyond);
	return true;
}

bool
check_socket_path(const struct load *load, const void *item, const char *setting, const char *path,
	struct fault *fault)
{
	size_t beyond = bytes_beyond(strlen(path));

	if (beyond)
		return load_fault(load, item, setting, 0, fault,
			"is %zu bytes too long for the path of a socket", beyond);
	return true;
}

static bool
check_lookup(const struct load *load, struct fault *fault)
{
	const struct settings_lookup *lookup = &load->settings->lookup;

	if (!check_socket_path(load, lookup, "socket", lookup->socket, fault))
		return false;
	if (lookup->socket[0] == '\0' && lookup->users.count > 0)
		return load_fault(load, lookup, "users", 0, fault, "has no use without socket");
	return true;
}

static bool
check_certificates(const struct load *load, struct fault *fault)
{
	for (size_t i = 0; i < load->settings->tls.count; i++) {
		const struct settings_tls *tls = &load->settings->tls.items[i];

		if (tls->certificate.count == 0)
			return load_fault(load, tls, "certificate", 0, fault, "is empty");
		if (tls->certificate.count != tls->key.count)
			return load_fault(load, tls, "key", 0, fault,
				"%zu for %zu certificates; each has its own", tls->key.count,
				tls->certificate.count);
	}
	return true;
}

static bool
check_sasl(const struct load *load, struct fault *fault)
{
	const struct settings_sasl *sasl = &load->settings->sasl;

	for (size_t i = 0; i < sasl->mechanisms.count; i++) {
		if (strcmp(sasl->mechanisms.items[i], "GSSAPI") == 0 && sasl->keytab[0] == '\0')
			return load_fault(load, sasl, "mechanisms", i, fault,
				"GSSAPI needs a keytab");
	}
	if (sasl->answer_wait > sasl->exchange_wait)
		return load_fault(load, sasl, "answer-wait", 0, fault, "is more than exchange-wait");
	return true;
}

static bool
check_directories(const struct load *load, struct fault *fault)
{
	const struct settings_directories *all = &load->settings->directory;

	for (size_t i = 1; i < all->count; i++) {
		if (all->items[i].type == DIRECTORY_LOCAL)
			return load_fault(load, &all->items[i], "type", 0, fault,
				"there is one local directory, and \"%s\" is it",
				all->items[0].title);
	}
	return true;
}

/* Everybody may relay: what every list of open relays is made of. */
static bool
is_everybody(const struct principal *principal)
{
	enum { V4_BITS = 96 };

	return principal->kind == PRINCIPAL_ANONYMOUS ||
		(principal->kind == PRINCIPAL_NETWORK && principal->network.bits <= V4_BITS &&
			(principal->network.bits == 0 || principal->network.address[10] == 0xff));
}

/* Neither rights nor, in a permit, a word on limits or on what becomes of others' senders. */
static bool
is_empty(const struct settings_permit *permit, bool deny)
{
	return permit->rights == 0 && permit->send_as.count == 0 && permit->on_behalf.count == 0 &&
		(deny ||
			(permit->limits[0] == '\0' && permit->wrong_sender == WRONG_SENDER_NEXT &&
				permit->posing_name == POSING_NAME_NEXT));
}

/* Whoever logs in as "alice@REALM" is called alice, so such a section would meet nobody. */
static bool
has_realm(const struct settings *settings, const struct principal *principal)
{
	struct span realm = span_text(settings_realm(settings));
	struct span name = span_text(principal->name);
	size_t local;

	if (principal->kind != PRINCIPAL_LOGIN || name.length < realm.length + 2)
		return false;
	local = name.length - realm.length - 1;
	return name.start[local] == '@' && span_equal_nocase(span_from(name, local + 1), realm);
}

bool
check_permits(const struct load *load, const struct settings_permits *permits, bool deny,
	struct fault *fault)
{
	for (size_t i = 0; i < permits->count; i++) {
		const struct settings_permit *permit = &permits->items[i];

		if (is_empty(permit, deny))
			return load_fault(load, permit, NULL, 0, fault, "%s nothing",
				deny ? "denies" : "permits");
		if (has_realm(load->settings, &permit->principal))
			return load_fault(load, permit, NULL, 0, fault,
				"logins have no realm behind their name, so this one is never met");
		if (deny)
			continue;
		if ((permit->rights & RIGHT_RELAY) && is_everybody(&permit->principal))
			return load_fault(load, permit, "rights", 0, fault,
				"relay for everybody makes an open relay, which others would abuse "
				"at once");
		if (permit->limits[0] && !check_title(load, permit, "limits", 0, &schema_limits,
						 permit->limits, fault))
			return false;
	}
	return true;
}

static bool
check_queue(const struct load *load, struct fault *fault)
{
	const struct settings_queue *queue = &load->settings->queue;

	if (queue->retry.count == 0)
		return load_fault(load, queue, "retry", 0, fault, "is empty");
	if (queue->free_space_resume < queue->free_space)
		return load_fault(load, queue, "free-space-resume", 0, fault,
			"is less than free-space");
	if (queue->concurrency_per_destination > queue->concurrency)
		return load_fault(load, queue, "concurrency-per-destination", 0, fault,
			"is more than concurrency");
	return true;
}

static bool
check_route_login(const struct load *load, const struct settings_route *route,
	struct fault *fault)
{
	if (route->user[0] && route->secret_file[0] == '\0')
		return load_fault(load, route, "user", 0, fault, "needs secret-file as well");
	if (route->user[0] == '\0' && route->secret_file[0])
		return load_fault(load, route, "secret-file", 0, fault, "has no use without user");
	if (route->user[0] && route->mechanisms.count == 0)
		return load_fault(load, route, "mechanisms", 0, fault, "is empty");
	if (route->user[0] && route->tls != ROUTE_TLS_VERIFY && !endpoint_is_local(&route->to.endpoint))
		return load_fault(load, route, "tls", 0, fault,
			"must be verify where a user is given: a password goes to nobody else");
	return true;
}

/* Is this next hop that listener's address? A name is known for ours if it is the host name. */
static bool
is_listener(const struct settings *settings, const struct endpoint *hop,
	const struct endpoint *listener)
{
	struct span host = span_text(listener->host);

	if (hop->kind == ENDPOINT_UNIX || listener->kind == ENDPOINT_UNIX)
		return hop->kind == listener->kind && strcmp(hop->path, listener->path) == 0;
	if (hop->port != listener->port)
		return false;
	return span_is_nocase(host, hop->host) ||
		(span_is(host, "*") && (endpoint_is_local(hop) ||
			span_is_nocase(span_text(hop->host), settings->hostname)));
}

/* Mail would come in as often as it goes out, until its hops are counted. */
static bool
check_circle(const struct load *load, const struct settings_route *route, struct fault *fault)
{
	const struct settings_listeners *listeners = &load->settings->listener;

	for (size_t i = 0; i < listeners->count; i++) {
		const struct settings_endpoints *addresses = &listeners->items[i].address;

		for (size_t k = 0; k < addresses->count; k++)
			if (is_listener(load->settings, &route->to.endpoint, &addresses->items[k]))
				return load_fault(load, route, "to", 0, fault,
					"leads back to listener \"%s\" of this server",
					listeners->items[i].title);
	}
	return true;
}

static bool
check_routes(const struct load *load, struct fault *fault)
{
	for (size_t i = 0; i < load->settings->route.count; i++) {
		const struct settings_route *route = &load->settings->route.items[i];

		if (route->to.scheme == ROUTE_SMTPS && route->tls != ROUTE_TLS_VERIFY &&
			route->tls != ROUTE_TLS_ENCRYPT)
			return load_fault(load, route, "tls", 0, fault,
				"smtps: has TLS from the first byte; write encrypt or verify");
		if (route->to.endpoint.kind == ENDPOINT_UNIX &&
			route->tls == ROUTE_TLS_VERIFY &&
			route->tls_name[0] == '\0')
			return load_fault(load, route, "tls", 0, fault,
				"verify needs tls-name where the next hop is a unix socket");
		if (route->tls == ROUTE_TLS_NONE && route->tls_name[0])
			return load_fault(load, route, "tls-name", 0, fault,
				"has no use where tls is none");
		if (route->tls == ROUTE_TLS_NONE && route->trust_file[0])
			return load_fault(load, route, "trust-file", 0, fault,
				"has no use where tls is none");
		if (!check_route_login(load, route, fault) || !check_circle(load, route, fault))
			return false;
	}
	return true;
}

static bool
check_log(const struct load *load, struct fault *fault)
{
	const struct settings_log *log = &load->settings->log;

	if (log->protocol_log != LOG_PROTOCOL_OFF && log->protocol_directory[0] == '\0')
		return load_fault(load, log, "protocol-log", 0, fault,
			"needs protocol-directory as well");
	return true;
}

bool
check_all(const struct load *load, struct fault *fault)
{
	complete_defaults(load);
	return check_run_dir(load, fault) && check_certificates(load, fault) && check_sasl(load, fault) &&
		check_directories(load, fault) && check_lookup(load, fault) &&
		check_listeners(load, fault) &&
		check_permits(load, &load->settings->permit, false, fault) &&
		check_permits(load, &load->settings->deny, true, fault) &&
		check_milters(load, fault) && check_queue(load, fault) &&
		check_routes(load, fault) && check_log(load, fault) &&
		check_filter(load, fault);
}
