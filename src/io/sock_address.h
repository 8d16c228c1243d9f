/* SPDX-License-Identifier: BSD-2-Clause */
/* Socket addresses: their text in the configuration and in the log. Names are never resolved here. */
#ifndef IO_SOCK_ADDRESS_H
#define IO_SOCK_ADDRESS_H

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/fault.h"
#include "base/text.h"

struct sock_address {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
		struct sockaddr_un local;
	} of;
	socklen_t length;
	bool dual;       /* "*": one IPv6 socket that serves IPv4 as well */
};

enum {
	SOCK_TEXT_MAX_BYTES = 128, /* any address as text, with its NUL */
	SOCK_KEY_BYTES = 16,
};

/*
 * To listen on or connect to: "*:587" "127.0.0.1:0" "[::1]:25" "unix:/path" and, with "inet:" or
 * "inet6:" before it, the same. The port is required; 0 means any free one. A path is absolute.
 */
bool sock_address_parse(struct span text, struct sock_address *address_out, struct fault *fault_out);
/* An address alone, "192.0.2.1" or "2001:db8::1" (brackets allowed), and a port beside it. */
bool sock_address_parse_host(struct span host, uint16_t port, struct sock_address *address_out);

/* "192.0.2.1:25" "[2001:db8::1]:25" "unix:/path"; IPv4 in IPv6 clothes shows as IPv4. */
const char *sock_address_format(const struct sock_address *address, char to[SOCK_TEXT_MAX_BYTES]);
/* Without port and brackets; "local" for a unix socket. */
const char *sock_address_format_host(const struct sock_address *address, char to[SOCK_TEXT_MAX_BYTES]);
uint16_t sock_address_port(const struct sock_address *address);       /* 0 for a unix socket */
void sock_address_set_port(struct sock_address *address, uint16_t port);
bool sock_address_is_unix(const struct sock_address *address);
bool sock_address_is_loopback(const struct sock_address *address);    /* a unix socket too */

/*
 * What per-address limits count by: an IPv4 address, or the /64 of an IPv6 address, in 16 bytes
 * (IPv4 as ::ffff:a.b.c.d). All unix sockets are one.
 */
void sock_address_key(const struct sock_address *address, unsigned char key_out[SOCK_KEY_BYTES]);

#endif
