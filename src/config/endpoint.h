/* SPDX-License-Identifier: BSD-2-Clause */
/* Where something listens or is reached, as written: "*:587", "[::1]:25", "host:25", "unix:/path". */
#ifndef CONFIG_ENDPOINT_H
#define CONFIG_ENDPOINT_H

#include "base/fault.h"
#include "base/memory.h"
#include "base/text.h"

enum endpoint_kind {
	ENDPOINT_INET,
	ENDPOINT_UNIX,
};

/* All texts live in the arena that endpoint_parse() was given. */
struct endpoint {
	enum endpoint_kind kind;
	const char *text; /* as written, without "inet:" or "inet6:" */
	const char *host; /* INET: "*", an IPv4 or IPv6 address without brackets, or a host name */
	uint16_t port;    /* INET: 0 means any free port (listeners only) */
	const char *path; /* UNIX: absolute, fits sun_path */
};

/* What a context allows. */
enum endpoint_rule {
	ENDPOINT_LISTEN,  /* "*" or an address, port 0 allowed; no host name */
	ENDPOINT_CONNECT, /* an address or a host name; no "*", no port 0 */
};

/*
 * default_port is used where none is written; 0 means that one must be written. The fault names
 * what is wrong, without file and line.
 */
bool endpoint_parse(struct span text, enum endpoint_rule rule, uint16_t default_port,
	struct arena *arena, struct endpoint *endpoint_out, struct fault *fault);
/* Can nobody but this machine be meant: a unix socket, a loopback address, localhost? */
bool endpoint_is_local(const struct endpoint *endpoint);

#endif
