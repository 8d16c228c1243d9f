/* SPDX-License-Identifier: BSD-2-Clause */
/* Host names to addresses, by libunbound: /etc/hosts first, then the DNS of /etc/resolv.conf. */
#ifndef IO_RESOLVE_H
#define IO_RESOLVE_H

#include "io/loop.h"
#include "io/sock_address.h"

enum { RESOLVE_ADDRESSES_MAX = 32, RESOLVE_HALF_WAIT_MS = 1000 };

enum resolve_result {
	RESOLVE_FOUND,
	RESOLVE_NONE,     /* the name does not exist, or has no address */
	RESOLVE_TEMPORARY, /* no answer, a broken one, or the deadline passed */
};

struct resolver;
struct resolve_query;

/* On the loop, never from resolver_find() itself. The addresses have the port asked for. */
typedef void resolve_fn(enum resolve_result result, const struct sock_address *addresses,
	size_t count, const struct fault *fault, void *context);

/*
 * Reads the two files. servers ("192.0.2.1:53", "[::1]:53") are asked in place of those of
 * /etc/resolv.conf if there are any. The first question starts a thread.
 */
struct resolver *resolver_new(struct loop *loop, const char *const *servers, size_t count,
	struct fault *fault_out);
struct resolver *resolver_hold(struct resolver *resolver); /* one more who must free it */
/* By the last who holds it: queries end without their callback. */
void resolver_free(struct resolver **resolver);
/*
 * A literal address is answered as it is. IPv6 and IPv4 addresses come in turn, IPv6 first. When one
 * kind is known, the other is waited for RESOLVE_HALF_WAIT_MS at most.
 */
struct resolve_query *resolver_find(struct resolver *resolver, const char *host, uint16_t port,
	uint64_t wait_ms, resolve_fn *on_result, void *context);
void resolve_cancel(struct resolve_query **query); /* no callback; nulls the pointer */

#endif
