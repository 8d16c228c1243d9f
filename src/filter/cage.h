/* SPDX-License-Identifier: BSD-2-Clause */
/* The walls around the process that serves, and what is within them. */
#ifndef FILTER_CAGE_H
#define FILTER_CAGE_H

#include "config/settings.h"

/*
 * For good: the calls that the process has, and of the files those in the folders of its configuration
 * (at path) and of the tables of the settings, so that files may be replaced there; to write, the
 * folder of its log, and that of a database that cannot be read otherwise; to remove, that of its
 * socket. Before any thread is started.
 */
bool cage_enter(const char *path, const struct settings *settings, struct fault *fault_out);

/* In the cage, before settings are used: false with a fault if their tables are outside. */
bool cage_has(const struct settings *settings, struct fault *fault_out);

#endif
