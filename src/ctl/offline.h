/* SPDX-License-Identifier: BSD-2-Clause */
/* Accounts while the daemon is down: the program of auth itself, under its own user. */
#ifndef CTL_OFFLINE_H
#define CTL_OFFLINE_H

#include "ctl/control_client.h"

/*
 * Starts "sallyport-auth --offline -c FILE" and speaks the control protocol over its standard input
 * and output. As root it runs under the user that the configuration names for auth, so that no file
 * changes its owner. Freeing the client ends it. NULL and a fault if it cannot be started.
 */
struct control_client *offline_start(const char *config, struct fault *fault_out);

#endif
