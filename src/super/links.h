/* SPDX-License-Identifier: BSD-2-Clause */
/* Which roles talk to each other, and the socket pairs between them. */
#ifndef SUPER_LINKS_H
#define SUPER_LINKS_H

#include "ipc/channel.h"
#include "ipc/message_super.h"

/* One process, as links see it. */
struct links_end {
	enum role role;
	unsigned instance;
	struct channel *channel;
};

/* Do they talk, and how? Either order. */
bool links_find(enum role a, enum role b, enum link_kind *kind_out);
/* Gives each its end of a new pair; nothing if they do not talk. False with a fault. */
bool links_connect(const struct links_end *a, const struct links_end *b, struct fault *fault);
/* Tells one that the other has gone; nothing if they do not talk. */
void links_cut(const struct links_end *told, const struct links_end *gone);

#endif
