/* SPDX-License-Identifier: BSD-2-Clause */
/* The PROXY protocol header, version 2, that a load balancer puts in front of a connection. */
#ifndef WIRE_PROXY_HEADER_H
#define WIRE_PROXY_HEADER_H

#include <sys/socket.h>

#include "base/text.h"
#include "wire/parse.h"

enum { PROXY_HEADER_MAX_BYTES = 16 + 4096 };

/* The addresses are AF_INET or AF_INET6, or AF_UNSPEC where there is none (LOCAL, UNSPEC). */
struct proxy_header {
	size_t bytes;     /* length of the whole header: what to consume */
	bool local;       /* the balancer's own check: use the socket's addresses */
	struct sockaddr_storage client;
	struct sockaddr_storage server;
};

/*
 * in holds all that was read so far, from the first byte of the connection. PARSE_MORE asks for
 * more; PARSE_BAD comes at the first byte that cannot be right, so version 1 text is refused at
 * once. Only STREAM over IPv4, IPv6 or UNSPEC; TLVs are checked for length and skipped.
 */
enum parse proxy_header_parse(struct span in, struct proxy_header *header_out);

#endif
