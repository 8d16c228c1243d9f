/* SPDX-License-Identifier: BSD-2-Clause */
/* Links to peers that came too early, and those that were lost. */
#include "proc/role_links.h"

#include <string.h>
#include <unistd.h>

bool
role_links_add(struct role_links *links, const struct message_link *link, int fd)
{
	if (links->count == ROLE_LINKS_MAX) {
		close(fd);
		return false;
	}
	links->items[links->count].link = *link;
	links->items[links->count++].fd = fd;
	return true;
}

void
role_links_drop(struct role_links *links, enum role peer, uint8_t instance)
{
	size_t kept = 0;

	for (size_t i = 0; i < links->count; i++) {
		const struct message_link *link = &links->items[i].link;

		if (link->peer == peer && link->instance == instance)
			close(links->items[i].fd);
		else
			links->items[kept++] = links->items[i];
	}
	links->count = kept;
}

bool
role_links_take(struct role_links *links, struct message_link *link_out, int *fd_out)
{
	if (links->count == 0)
		return false;
	*link_out = links->items[0].link;
	*fd_out = links->items[0].fd;
	links->count--;
	memmove(links->items, links->items + 1, links->count * sizeof links->items[0]);
	return true;
}

bool
role_lost_add(struct role_lost *lost, enum role peer, uint8_t instance)
{
	for (size_t i = 0; i < lost->count; i++) {
		if (lost->items[i].peer == peer && lost->items[i].instance == instance)
			return false;
	}
	if (lost->count == ROLE_LINKS_MAX)
		return false;
	lost->items[lost->count++] = (struct message_lost){ peer, instance };
	return true;
}

void
role_lost_remove(struct role_lost *lost, enum role peer, uint8_t instance)
{
	size_t kept = 0;

	for (size_t i = 0; i < lost->count; i++) {
		if (lost->items[i].peer != peer || lost->items[i].instance != instance)
			lost->items[kept++] = lost->items[i];
	}
	lost->count = kept;
}
