/* SPDX-License-Identifier: BSD-2-Clause */
/* Who is told that the daemon runs: the pid file, the ready fd, systemd, the shell that waits. */
#ifndef SUPER_NOTICE_H
#define SUPER_NOTICE_H

#include "base/fault.h"

/*
 * Makes RUN-DIR if it is not there, and locks RUN-DIR/pid: false if a daemon runs already, which is
 * not harmed. The lock ends with the process, however it ends.
 */
bool notice_lock(const char *run_dir, struct fault *fault);
/* The same for the directory of the accounts and the queue, which must be there. */
bool notice_lock_state(const char *state_dir, struct fault *fault);
void notice_unlock(void); /* removes the file */

/*
 * Goes into the background: returns in the new process; the one that called ends when notice_ready()
 * is called (status 0) or when the new process ends without it (status 1). Before any thread.
 */
bool notice_detach(struct fault *fault);

/* Every listener accepts. ready_fd (-1: none) gets one line and is closed. */
void notice_ready(int ready_fd);
void notice_reloading(void);
void notice_reloaded(void);
void notice_stopping(void);

#endif
