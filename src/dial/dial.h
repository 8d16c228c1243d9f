/* SPDX-License-Identifier: BSD-2-Clause */
/* The dialler: connects what the settings name for roles that may not, and passes the connected fd. */
#ifndef DIAL_DIAL_H
#define DIAL_DIAL_H

#include "proc/role.h"

extern const struct role_program dial_program;

#endif
