/* SPDX-License-Identifier: BSD-2-Clause */
/* The channel to one front end: its logins under way, its sessions, what it charges. */
#ifndef AUTH_FRONT_LINK_H
#define AUTH_FRONT_LINK_H

#include "auth/auth.h"

/* In the list of auth->fronts. */
struct front_link;

enum { FRONT_LINK_EXCHANGES_MAX = 4096 }; /* at a time; more are put off */

void front_link_add(struct auth *auth, enum role peer, unsigned instance, int fd);
/* Its sessions are over: a front end that is gone has none. */
void front_link_drop(struct auth *auth, enum role peer, unsigned instance);
void front_link_free_all(struct auth *auth);
/* Have all of them said who is logged in? */
bool front_link_all_announced(const struct auth *auth);
/* Logins that waited until the sessions were known. */
void front_link_begin_waiting(struct auth *auth);

void front_link_revoke_all(struct auth *auth, const char *login, uint64_t epoch);
void front_link_kick(struct auth *auth, const struct login_session *session, const char *text);

#endif
