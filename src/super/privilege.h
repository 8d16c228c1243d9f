/* SPDX-License-Identifier: BSD-2-Clause */
/* What super keeps of root, and the directories that it makes while it still has all of it. */
#ifndef SUPER_PRIVILEGE_H
#define SUPER_PRIVILEGE_H

#include "config/settings.h"

/* STATE-DIR and the parts of auth and queue in it, each its role's alone. */
bool privilege_make_directories(const struct settings *settings, struct fault *fault);
/*
 * Raises the limits that roles will need, then gives up every capability but these: SETUID and SETGID
 * (roles change to their users), SETPCAP (and empty their bounding sets), KILL (stop them),
 * NET_BIND_SERVICE (a reload may add a low port), DAC_READ_SEARCH (and name a key of another owner).
 * Then, for an ordinary user too: no_new_privs, no core files, not dumpable (it makes keys), and the
 * filter of confine_super().
 */
bool privilege_reduce(struct fault *fault);

#endif
