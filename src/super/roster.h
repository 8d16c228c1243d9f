/* SPDX-License-Identifier: BSD-2-Clause */
/* Who there should be: how many processes of each role, and the numbers they have. */
#ifndef SUPER_ROSTER_H
#define SUPER_ROSTER_H

#include "super/child.h"

bool roster_is_front(enum role role);
/* How many the settings ask for. */
unsigned roster_wanted(const struct settings *settings, enum role role);
/* How many the list has, without those that are not started again. */
unsigned roster_count(const struct child *first, enum role role);
/* The one of those with the highest number, who is the first to go; NULL if there is none. */
struct child *roster_find_last(struct child *first, enum role role);
/* The lowest free number; front ends share one pool, the columns of proc/gate_layout.h. */
bool roster_find_instance(const struct child *first, enum role role, unsigned *instance_out);

#endif
