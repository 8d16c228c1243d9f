/* SPDX-License-Identifier: BSD-2-Clause */
/* Which roles talk to each other, and the socket pairs between their processes. */
#ifndef SUPER_LINKS_H
#define SUPER_LINKS_H

#include "ipc/message_super.h"
#include "super/child.h"

/* Do they talk, and how? Either order. */
bool links_find(enum role a, enum role b, enum link_kind *kind_out);
/* Gives the child, and each in the list that it talks to, their ends of new pairs. */
bool links_connect_all(struct child *first, struct child *child, struct fault *fault);
/* Tells all that talked to it that it has gone. */
void links_cut_all(struct child *first, const struct child *gone);
/*
 * Both live, so one of them refused the other: they are told that the link is gone, and get a new one.
 * Nothing if one of them does not serve.
 */
bool links_renew(struct child *first, struct child *child, enum role peer, unsigned instance,
	struct fault *fault);

#endif
