/* SPDX-License-Identifier: BSD-2-Clause */
/* Where something listens or is reached. */
#include "config/endpoint.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/un.h>

#include "wire/domain.h"

enum { PORT_MAX = 65535 };

static bool
is_ip(struct span host, int family)
{
	char plain[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (host.length >= sizeof plain || span_has_byte(host, '\0'))
		return false;
	snprintf(plain, sizeof plain, "%.*s", SPAN_PRINT(host));
	return inet_pton(family, plain, &address) == 1;
}

static bool
parse_unix(struct span path, struct arena *arena, struct endpoint *endpoint, struct fault *fault)
{
	struct sockaddr_un address;

	if (!span_starts(path, "/") || span_has_byte(path, '\0'))
		return fault_set(fault, FAULT_CONFIG, "has no absolute path behind unix:");
	if (path.length >= sizeof address.sun_path)
		return fault_set(fault, FAULT_CONFIG, "has a path longer than %zu bytes",
			sizeof address.sun_path - 1);
	endpoint->kind = ENDPOINT_UNIX;
	endpoint->host = "";
	endpoint->path = arena_strndup(arena, path.start, path.length);
	return true;
}

/* Cuts "[v6]:port", "host:port" or "host" in two; a bare IPv6 address without brackets is wrong. */
static bool
cut_port(struct span text, struct span *host_out, struct span *port_out, bool *bracketed_out)
{
	struct span rest;

	*bracketed_out = span_starts(text, "[");
	if (!*bracketed_out) {
		*host_out = span_cut(text, ':', &rest);
		*port_out = rest;
		return !span_has_byte(rest, ':') && (rest.length > 0 || host_out->length == text.length);
	}
	*host_out = span_from(span_cut(text, ']', &rest), 1);
	if (host_out->length + 2 > text.length)
		return false;
	*port_out = span_from(rest, 1);
	return rest.length == 0 || (rest.start[0] == ':' && rest.length > 1);
}

static bool
host_fits(struct span host, bool bracketed, enum endpoint_rule rule)
{
	char name[DOMAIN_SIZE];

	if (bracketed)
		return is_ip(host, AF_INET6);
	if (is_ip(host, AF_INET))
		return true;
	if (rule == ENDPOINT_LISTEN)
		return span_is(host, "*");
	return domain_parse(host, name);
}

/* As filters write it in their own files; what people copy from there is shown in our way. */
static bool
is_filters_way(struct span text, struct fault *fault)
{
	bool local = span_starts(text, "local:");
	struct span path = local ? span_from(text, 6) : text;
	struct span host;
	struct span port = span_cut(text, '@', &host);

	if (span_starts(path, "/"))
		fault_set(fault, FAULT_CONFIG, "is written \"unix:%.*s\" here", SPAN_PRINT(path));
	else if (text_parse_number(port, PORT_MAX, &(uint64_t){ 0 }) && is_ip(host, AF_INET6))
		fault_set(fault, FAULT_CONFIG, "is written \"inet:[%.*s]:%.*s\" here",
			SPAN_PRINT(host), SPAN_PRINT(port));
	else if (text_parse_number(port, PORT_MAX, &(uint64_t){ 0 }) && host.length > 0)
		fault_set(fault, FAULT_CONFIG, "is written \"inet:%.*s:%.*s\" here", SPAN_PRINT(host),
			SPAN_PRINT(port));
	else
		return false;
	return true;
}

bool
endpoint_parse(struct span text, enum endpoint_rule rule, uint16_t default_port,
	struct arena *arena, struct endpoint *endpoint_out, struct fault *fault)
{
	struct endpoint endpoint = { .kind = ENDPOINT_INET, .path = "" };
	struct span host;
	struct span port_text;
	uint64_t port = default_port;
	bool bracketed;

	if (span_starts(text, "inet:"))
		text = span_from(text, 5);
	else if (span_starts(text, "inet6:"))
		text = span_from(text, 6);
	endpoint.text = arena_strndup(arena, text.start, text.length);
	if (span_starts(text, "unix:")) {
		if (!parse_unix(span_from(text, 5), arena, &endpoint, fault))
			return false;
		*endpoint_out = endpoint;
		return true;
	}
	if (is_filters_way(text, fault))
		return false;
	if (!cut_port(text, &host, &port_text, &bracketed) || !host_fits(host, bracketed, rule))
		return fault_set(fault, FAULT_CONFIG, "%s",
			rule == ENDPOINT_LISTEN
				? "is not an address to listen on: \"*:25\", \"192.0.2.1:25\", "
				  "\"[2001:db8::1]:25\", \"unix:/path\""
				: "is not an address to connect to: \"host.example.org:25\", "
				  "\"192.0.2.1:25\", \"[2001:db8::1]:25\", \"unix:/path\"");
	if (port_text.length > 0 && !text_parse_number(port_text, PORT_MAX, &port))
		return fault_set(fault, FAULT_CONFIG, "has no port of 0 to 65535 behind the colon");
	if (port_text.length == 0 && default_port == 0)
		return fault_set(fault, FAULT_CONFIG, "has no port");
	if (port == 0 && rule == ENDPOINT_CONNECT)
		return fault_set(fault, FAULT_CONFIG, "has port 0, which nothing can be reached at");
	endpoint.host = arena_strndup(arena, host.start, host.length);
	endpoint.port = (uint16_t)port;
	*endpoint_out = endpoint;
	return true;
}

bool
endpoint_is_local(const struct endpoint *endpoint)
{
	struct span host = span_text(endpoint->host);

	return endpoint->kind == ENDPOINT_UNIX || (span_starts(host, "127.") && is_ip(host, AF_INET)) ||
		span_is(host, "::1") || span_is_nocase(host, "localhost");
}
