/* SPDX-License-Identifier: BSD-2-Clause */
/* Socket addresses: text, and the key that limits count by. */
#include "io/sock_address.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { HOST_MAX_BYTES = 255 };

static const unsigned char mapped_prefix[12] = { [10] = 0xff, [11] = 0xff };

/* --- parts of the text */

static bool
has_blank_or_control(struct span text)
{
	for (size_t i = 0; i < text.length; i++) {
		if ((unsigned char)text.start[i] <= ' ' || text.start[i] == 0x7f)
			return true;
	}
	return false;
}

static bool
cut_prefix(struct span *text, const char *prefix)
{
	if (!span_starts_nocase(*text, prefix))
		return false;
	*text = span_from(*text, strlen(prefix));
	return true;
}

/*
 * Splits "host:port" and "[v6]:port". Without a port, *port_out stays. An IPv6 address without
 * brackets is refused: where does its port begin?
 */
static bool
split_port(struct span text, struct span *host_out, struct span *port_out, bool *bracketed_out)
{
	size_t end;

	*bracketed_out = text.length && text.start[0] == '[';
	if (*bracketed_out) {
		end = span_find(text, ']');
		if (end == text.length)
			return false;
		*host_out = span_first(span_from(text, 1), end - 1);
		text = span_from(text, end + 1);
	} else {
		end = span_find(text, ':');
		*host_out = span_first(text, end);
		text = span_from(text, end);
	}
	if (!text.length)
		return true;
	if (text.start[0] != ':')
		return false;
	*port_out = span_from(text, 1);
	return port_out->length > 0;
}

static bool
copy_text(struct span text, char *to, size_t size)
{
	if (text.length >= size || span_has_byte(text, '\0'))
		return false;
	memcpy(to, text.start, text.length);
	to[text.length] = '\0';
	return true;
}

bool
sock_address_parse_host(struct span host, uint16_t port, struct sock_address *address_out)
{
	struct sock_address address = { 0 };
	char text[INET6_ADDRSTRLEN + 1];

	if (host.length > 2 && host.start[0] == '[' && host.start[host.length - 1] == ']')
		host = span_first(span_from(host, 1), host.length - 2);
	if (!host.length || !copy_text(host, text, sizeof text))
		return false;
	if (inet_pton(AF_INET, text, &address.of.v4.sin_addr) == 1) {
		address.of.v4.sin_family = AF_INET;
		address.length = sizeof address.of.v4;
	} else if (inet_pton(AF_INET6, text, &address.of.v6.sin6_addr) == 1) {
		address.of.v6.sin6_family = AF_INET6;
		address.length = sizeof address.of.v6;
	} else {
		return false;
	}
	sock_address_set_port(&address, port);
	*address_out = address;
	return true;
}

static bool
parse_path(struct span path, struct sock_address *address_out, struct fault *fault_out)
{
	struct sock_address address = { 0 };

	if (!span_starts(path, "/"))
		return fault_set(fault_out, FAULT_CONFIG, "a socket path must begin with /");
	if (!copy_text(path, address.of.local.sun_path, sizeof address.of.local.sun_path))
		return fault_set(fault_out, FAULT_CONFIG, "a socket path has at most %zu bytes",
				sizeof address.of.local.sun_path - 1);
	address.of.local.sun_family = AF_UNIX;
	address.length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.length + 1);
	*address_out = address;
	return true;
}

static bool
parse_port(struct span text, uint16_t *port_out, struct fault *fault_out)
{
	uint64_t number;

	if (!text_parse_number(text, UINT16_MAX, &number))
		return fault_set(fault_out, FAULT_CONFIG, "\"%.*s\" is not a port from 0 to 65535",
				SPAN_PRINT(span_first(text, 16)));
	*port_out = (uint16_t)number;
	return true;
}

/* --- addresses */

bool
sock_address_parse(struct span text, struct sock_address *address_out, struct fault *fault_out)
{
	struct span host = SPAN_EMPTY;
	struct span port_text = SPAN_EMPTY;
	struct sock_address address;
	uint16_t port;
	bool bracketed;

	if (has_blank_or_control(text))
		return fault_set(fault_out, FAULT_CONFIG, "an address has no blanks");
	if (cut_prefix(&text, "unix:"))
		return parse_path(text, address_out, fault_out);
	if (!cut_prefix(&text, "inet6:"))
		cut_prefix(&text, "inet:");
	if (!split_port(text, &host, &port_text, &bracketed))
		return fault_set(fault_out, FAULT_CONFIG,
				"\"%.*s\" is not ADDRESS:PORT, [ADDRESS]:PORT, *:PORT or unix:/PATH",
				SPAN_PRINT(span_first(text, HOST_MAX_BYTES)));
	if (!port_text.length)
		return fault_set(fault_out, FAULT_CONFIG, "\"%.*s\" has no port",
				SPAN_PRINT(span_first(text, HOST_MAX_BYTES)));
	if (!parse_port(port_text, &port, fault_out))
		return false;
	if (span_is(host, "*") && !bracketed) {
		address = (struct sock_address){ .length = sizeof address.of.v6, .dual = true };
		address.of.v6.sin6_family = AF_INET6;
		sock_address_set_port(&address, port);
	} else if (!sock_address_parse_host(host, port, &address) ||
			bracketed != (address.of.any.sa_family == AF_INET6)) {
		return fault_set(fault_out, FAULT_CONFIG, "\"%.*s\" is not an IP address",
				SPAN_PRINT(span_first(host, HOST_MAX_BYTES)));
	}
	*address_out = address;
	return true;
}

static bool
is_v4(const unsigned char bits[16])
{
	return memcmp(bits, mapped_prefix, sizeof mapped_prefix) == 0;
}

bool
sock_address_is_unix(const struct sock_address *address)
{
	return address->of.any.sa_family == AF_UNIX;
}

/* All 16 bytes, IPv4 as ::ffff:a.b.c.d; zeros for a unix socket. */
static void
get_bits(const struct sock_address *address, unsigned char bits[16])
{
	memset(bits, 0, 16);
	if (address->of.any.sa_family == AF_INET) {
		memcpy(bits, mapped_prefix, sizeof mapped_prefix);
		memcpy(bits + 12, &address->of.v4.sin_addr, 4);
	} else if (address->of.any.sa_family == AF_INET6) {
		memcpy(bits, &address->of.v6.sin6_addr, 16);
	}
}

const char *
sock_address_format_host(const struct sock_address *address, char to[SOCK_TEXT_MAX_BYTES])
{
	unsigned char bits[16];

	if (sock_address_is_unix(address))
		return strcpy(to, "local");
	get_bits(address, bits);
	if (is_v4(bits))
		inet_ntop(AF_INET, bits + 12, to, SOCK_TEXT_MAX_BYTES);
	else
		inet_ntop(AF_INET6, bits, to, SOCK_TEXT_MAX_BYTES);
	return to;
}

const char *
sock_address_format(const struct sock_address *address, char to[SOCK_TEXT_MAX_BYTES])
{
	char host[SOCK_TEXT_MAX_BYTES];

	if (sock_address_is_unix(address)) {
		/* An unnamed socket has no path at all, not even an empty one. */
		bool named = address->length > offsetof(struct sockaddr_un, sun_path);

		snprintf(to, SOCK_TEXT_MAX_BYTES, "unix:%.*s",
				(int)sizeof address->of.local.sun_path,
				named ? address->of.local.sun_path : "");
		return to;
	}
	sock_address_format_host(address, host);
	if (address->dual)
		snprintf(to, SOCK_TEXT_MAX_BYTES, "*:%u", sock_address_port(address));
	else
		snprintf(to, SOCK_TEXT_MAX_BYTES, strchr(host, ':') ? "[%.64s]:%u" : "%.64s:%u",
				host, sock_address_port(address));
	return to;
}

uint16_t
sock_address_port(const struct sock_address *address)
{
	if (address->of.any.sa_family == AF_INET)
		return ntohs(address->of.v4.sin_port);
	if (address->of.any.sa_family == AF_INET6)
		return ntohs(address->of.v6.sin6_port);
	return 0;
}

void
sock_address_set_port(struct sock_address *address, uint16_t port)
{
	if (address->of.any.sa_family == AF_INET)
		address->of.v4.sin_port = htons(port);
	else if (address->of.any.sa_family == AF_INET6)
		address->of.v6.sin6_port = htons(port);
}

bool
sock_address_is_loopback(const struct sock_address *address)
{
	unsigned char bits[16];

	if (sock_address_is_unix(address))
		return true;
	get_bits(address, bits);
	if (is_v4(bits))
		return bits[12] == 127;
	return memcmp(bits, &in6addr_loopback, 16) == 0;
}

void
sock_address_key(const struct sock_address *address, unsigned char key_out[SOCK_KEY_BYTES])
{
	get_bits(address, key_out);
	if (!is_v4(key_out))
		memset(key_out + 8, 0, 8);
}
