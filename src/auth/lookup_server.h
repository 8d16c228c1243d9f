/* SPDX-License-Identifier: BSD-2-Clause */
/* Other programs of this machine ask who a login is: read-only, each question answered by itself. */
#ifndef AUTH_LOOKUP_SERVER_H
#define AUTH_LOOKUP_SERVER_H

#include <sys/types.h>

#include "auth/auth.h"

struct lookup_server;

enum {
	LOOKUP_CLIENTS_MAX = 64,
	LOOKUP_CLIENTS_PER_USER_MAX = 32,    /* so that one user cannot keep out another */
	LOOKUP_IDLE_WAIT_MS = 5 * 60 * 1000, /* without a question; then it is cut off */
	LOOKUP_TURN_WAIT_MS = 5 * 1000,      /* for the rest of a question, and for an answer to be read */
};

/*
 * Serves nobody until it has a socket. Names are looked up now, which takes files that a confined
 * process may not have; one that nobody has is logged.
 */
struct lookup_server *lookup_server_new(struct auth *auth, const struct settings_texts *users);
void lookup_server_free(struct lookup_server **server);
/* Takes fd, which listens; -1: everybody is cut off, and nobody else is let in. */
void lookup_server_set_socket(struct lookup_server *server, int fd);

#endif
