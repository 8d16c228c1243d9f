/* SPDX-License-Identifier: BSD-2-Clause */
/* Links to peers that came before the role could take them, and those that it has lost. */
#ifndef PROC_ROLE_LINKS_H
#define PROC_ROLE_LINKS_H

#include "ipc/message_super.h"

enum { ROLE_LINKS_MAX = 256 };

struct role_links {
	struct {
		struct message_link link;
		int fd;
	} items[ROLE_LINKS_MAX];
	size_t count;
};

/* Takes fd; false if there are too many. */
bool role_links_add(struct role_links *links, const struct message_link *link, int fd);
/* Closes and forgets those to this process of the peer. */
void role_links_drop(struct role_links *links, enum role peer, uint8_t instance);
/* The oldest; false if there is none. The descriptor is the caller's. */
bool role_links_take(struct role_links *links, struct message_link *link_out, int *fd_out);

struct role_lost {
	struct message_lost items[ROLE_LINKS_MAX];
	size_t count;
};

/* True if it was not there. */
bool role_lost_add(struct role_lost *lost, enum role peer, uint8_t instance);
void role_lost_remove(struct role_lost *lost, enum role peer, uint8_t instance);

#endif
