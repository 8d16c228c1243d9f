/* SPDX-License-Identifier: BSD-2-Clause */
/* A role's program as a new process that has nothing of ours but its channel. */
#ifndef SUPER_SPAWN_H
#define SUPER_SPAWN_H

#include <sys/types.h>

#include "base/fault.h"
#include "base/role.h"

/*
 * fd becomes the child's channel (proc/role.h), error_fd its standard error; both stay the caller's.
 * The program is found beside our own, or in the folder where it was installed.
 */
bool spawn_role(enum role role, int fd, int error_fd, pid_t *pid_out, struct fault *fault);

#endif
