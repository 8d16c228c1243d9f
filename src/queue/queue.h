/* SPDX-License-Identifier: BSD-2-Clause */
/* The queue: the role that owns the spool. */
#ifndef QUEUE_QUEUE_H
#define QUEUE_QUEUE_H

#include "proc/role.h"

extern const struct role_program queue_program;

#endif
