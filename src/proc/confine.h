/* SPDX-License-Identifier: BSD-2-Clause */
/* Confinement: ids, capabilities, limits, Landlock and seccomp, one table row per role. */
#ifndef PROC_CONFINE_H
#define PROC_CONFINE_H

#include "base/fault.h"
#include "base/role.h"

/* What may be done in a folder and below it, or with one file. */
enum confine_right {
	CONFINE_READ,     /* files whose names are known: nothing is listed */
	CONFINE_APPEND,   /* make files, and write to them */
	CONFINE_REMOVE,   /* files */
	CONFINE_DATABASE, /* all that SQLite does beside a database with a write-ahead log */
};

struct confine_place {
	const char *path;
	enum confine_right right;
};

/* Where a role may touch files; NULL ends each list. What is not there is left out. */
enum { CONFINE_PATHS_MAX = 48 };
struct confine_paths {
	const char *read_write[4];
	const char *read_only[CONFINE_PATHS_MAX];
	const struct confine_place *places; /* NULL: none; else the last has a path of NULL */
};

/*
 * Step one, before start(): user and groups (when root), no capabilities, no_new_privs, not dumpable,
 * no core, umask 077. user "" keeps the user. Step two, after start(): Landlock and seccomp.
 * Both prove that it stuck, and are false with a reason otherwise. What the kernel does not have, and
 * what a build with sanitizers cannot bear, is left out with a log line. A role that writes files has
 * no call to do so if there is no read_write and no CONFINE_DATABASE.
 */
bool confine_drop(enum role role, const char *user, struct fault *fault);
bool confine_enter(enum role role, const struct confine_paths *paths, struct fault *fault);

/*
 * What super gives up for itself and for all that it starts: calls that only an intruder would make.
 * After no_new_privs; super needs files, sockets and processes, so this is a list of what it has not.
 * The first process of sallyport-milter, which starts and watches too, is one of the kind.
 */
bool confine_super(struct fault *fault);

/* Status with which a role ends that made a system call outside of its row. */
enum { CONFINE_BREACH_STATUS = 159 };

#endif
