/* SPDX-License-Identifier: BSD-2-Clause */
/* The channel to auth as all sessions use it: announcements, kicks, revocations, renewal. */
#ifndef CLIENT_AUTH_LINK_H
#define CLIENT_AUTH_LINK_H

#include "ipc/channel.h"

struct front;
struct auth_link;

enum {
	AUTH_LINK_RENEW_MS = 15 * 60 * 1000, /* how old an identity may get */
	AUTH_LINK_SWEEP_MS = 30 * 1000,
};

struct auth_link *auth_link_new(struct front *front);
void auth_link_free(struct auth_link **link);
/* auth is (again) there: takes fd, and tells it who is logged in here. */
void auth_link_set(struct auth_link *link, int fd);
/* NULL while auth is away. */
struct channel *auth_link_channel(const struct auth_link *link);
/* Whoever asked auth something forgets it before it is gone; 0 is free. */
void auth_link_forget(struct auth_link *link, uint32_t request);

#endif
