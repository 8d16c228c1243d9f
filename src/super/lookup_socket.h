/* SPDX-License-Identifier: BSD-2-Clause */
/* The look-up socket: bound by super, kept across reloads and restarts, served by auth. */
#ifndef SUPER_LOOKUP_SOCKET_H
#define SUPER_LOOKUP_SOCKET_H

#include "config/settings.h"

struct lookup_socket;

/*
 * *socket_out is NULL where the settings want none. Shared with old (may be NULL) where that has the
 * same path. False with a fault, also where others may put something in its folder.
 */
bool lookup_socket_open(const struct settings *settings, const struct lookup_socket *old,
	struct lookup_socket **socket_out, struct fault *fault);
/* Closes; removes the file unless kept (may be NULL) has the same. */
void lookup_socket_free(struct lookup_socket **socket, const struct lookup_socket *kept);
int lookup_socket_fd(const struct lookup_socket *socket); /* borrowed */

#endif
