/* SPDX-License-Identifier: BSD-2-Clause */
/* The relay: takes jobs from queue, carries them to next hops, and says what became of each recipient. */
#ifndef RELAY_RELAY_H
#define RELAY_RELAY_H

#include "proc/role.h"

extern const struct role_program relay_program;

#endif
