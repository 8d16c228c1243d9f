/* SPDX-License-Identifier: BSD-2-Clause */
/* libmilter: its callbacks turned into transactions, and the answers of those into its replies. */
#ifndef FILTER_MILTER_H
#define FILTER_MILTER_H

#include "config/endpoint.h"

/* Once in a process: listens; connections wait until milter_run(). */
bool milter_listen(const struct endpoint *socket, struct fault *fault_out);
/* Serves with threads of its own until SIGTERM; false if it ended by itself. */
bool milter_run(void);
/* Is no message being judged? From any thread. */
bool milter_is_idle(void);

#endif
