/* SPDX-License-Identifier: BSD-2-Clause */
/* From a named endpoint to a connected fd: resolves the name and tries its addresses, one deadline for all. */
#ifndef IO_CONNECTOR_H
#define IO_CONNECTOR_H

#include "io/resolve.h"

struct connector;

/* An address that does not answer so soon is joined by the next one (RFC 8305 5). */
enum { CONNECTOR_STAGGER_MS = 250 };

/*
 * Once, from the loop, never from connector_new() itself. With fd -1 the fault is of the last
 * address that failed. The connector is gone by then; address is what was connected to.
 */
typedef void connector_fn(int fd, const struct sock_address *address, const struct fault *fault,
	void *context);

struct connector_place {
	const char *path;       /* of a unix socket; NULL or "" if there is a host */
	const char *host;       /* a name or a literal address */
	uint16_t port;
	const char *source;     /* local address for TCP; NULL or "": any */
};

/*
 * wait_ms is the time for all: the name, and its addresses, which are tried beside each other. The
 * place is copied.
 */
struct connector *connector_new(struct loop *loop, struct resolver *resolver,
	const struct connector_place *place, uint64_t wait_ms, connector_fn *on_done, void *context);
void connector_free(struct connector **connector); /* no callback; nulls the pointer */

#endif
