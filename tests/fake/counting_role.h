/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A role that does nothing but count what super sends it, and tells it when it is asked:
 * "HOSTNAME GENERATION INSTANCE links N secrets N files N forgotten N". Any question but {} is
 * answered with more than may wait for super.
 */
#ifndef COUNTING_ROLE_H
#define COUNTING_ROLE_H

#include "../unit/unit.h"

#include "proc/role.h"

enum { COUNTING_ROLE_FLOOD_PAGES = 60, COUNTING_ROLE_FLOOD_PAGE_BYTES = 900 * 1000 };

/* As ROLE_QUEUE; it refuses settings of the host bad.example.org, and wants a new start for anew. */
extern const struct role_program counting_role;

#endif
