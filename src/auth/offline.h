/* SPDX-License-Identifier: BSD-2-Clause */
/* Verbs about accounts while the daemon is down: frames in, frames out. */
#ifndef AUTH_OFFLINE_H
#define AUTH_OFFLINE_H

/*
 * Reads the configuration, becomes the user of auth if started by root, opens the accounts, which
 * fails while a daemon has them, and answers requests (ipc/control.h) from in on out, in order,
 * until the end of in. Returns the status for exit(): 0, or 1 after a fault, which the first
 * request is answered by.
 */
int offline_run(const char *config, int in, int out);

#endif
