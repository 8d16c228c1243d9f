/* SPDX-License-Identifier: BSD-2-Clause */
/* The two halves of confine_enter(). Private to confine*.c. */
#ifndef PROC_CONFINE_PARTS_H
#define PROC_CONFINE_PARTS_H

#include "proc/confine.h"
#include "proc/confine_table.h"

/* True also where the kernel has none; then with a log line. */
bool confine_landlock(const struct confine_row *row, const struct confine_paths *paths,
	struct fault *fault);
bool confine_filter(const struct confine_row *row, struct fault *fault);
bool confine_filter_super(struct fault *fault);

#endif
