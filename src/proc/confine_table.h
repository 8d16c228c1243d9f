/* SPDX-License-Identifier: BSD-2-Clause */
/* What each role may do with the system, as data. Private to confine*.c and its tests. */
#ifndef PROC_CONFINE_TABLE_H
#define PROC_CONFINE_TABLE_H

#include "base/role.h"

/* Groups of system calls, on top of what every role has: memory, clocks, fds that are open. */
enum confine_may {
	MAY_ACCEPT = 1 << 0,      /* take connections from a listening socket */
	MAY_THREAD = 1 << 1,      /* start threads while serving */
	MAY_READ_FILES = 1 << 2,  /* open for reading, where Landlock lets it */
	MAY_WRITE_FILES = 1 << 3, /* make, write, rename, remove, lock, sync files, the same */
	MAY_CONNECT = 1 << 4,     /* make internet sockets and connect them */
	MAY_LOAD = 1 << 5,        /* map code of libraries: plug-ins that load late */
	MAY_ASK = 1 << 6,         /* make unix sockets and connect them */
	MAY_APPEND_FILES = 1 << 7, /* make files and add to their end, where Landlock lets it */
	MAY_REMOVE_FILES = 1 << 8, /* the same */
	MAY_AWAIT = 1 << 9,       /* wait for signals, and for its own threads by pipes */
};

struct confine_row {
	unsigned may; /* enum confine_may */
};

/* NULL for super, which is confined by its unit and its capabilities alone, and for ctl. */
const struct confine_row *confine_row(enum role role);

#endif
