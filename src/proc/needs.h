/* SPDX-License-Identifier: BSD-2-Clause */
/* What a role needs of the system by its settings: files to reach, descriptors to hold. */
#ifndef PROC_NEEDS_H
#define PROC_NEEDS_H

#include "config/settings.h"
#include "proc/confine.h"

/* Body files that one front end may have open for writing: queue gives it no more. */
enum { NEEDS_BODY_FILES_MOST = 4096 };
/* Connections to filters that one smtp process may have: it asks dial for no more. */
enum { NEEDS_FILTERS_MOST = 4096 };
/* Connections that dial makes at the same time, for all front ends. */
enum { NEEDS_CALLS_MOST = 1024 };

/* The texts live in the arena. */
void needs_paths(enum role role, const struct settings *settings, struct arena *arena,
	struct confine_paths *paths_out);
/* How many descriptors the role may come to hold. */
uint64_t needs_descriptors(enum role role, const struct settings *settings);
/* Raises the limit as far as it goes, since it cannot be raised later; false if that is not enough. */
bool needs_raise_limit(enum role role, const struct settings *settings, struct fault *fault);
/* Is it enough for these settings? */
bool needs_check_limit(enum role role, const struct settings *settings, struct fault *fault);

#endif
