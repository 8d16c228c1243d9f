/* SPDX-License-Identifier: BSD-2-Clause */
/* Rolling a log file: when, under which name, and which old ones are deleted. */
#ifndef SUPER_ROLL_H
#define SUPER_ROLL_H

#include <sys/stat.h>

#include "config/settings.h"

/*
 * Is it time? since_ms: when the file was begun, or last written before we opened it; all times are
 * wall clock in UTC, as in the lines. An empty file is never rolled.
 */
bool roll_is_due(const struct settings_log *log, uint64_t size, int64_t since_ms, int64_t now_ms);
/* PATH becomes PATH.20261121T130000Z, with "-1" and so on behind it where that is taken. */
bool roll_rename(const char *path, int64_t now_ms, struct fault *fault);
/* Deletes rolled files of these logs that are too old, then the oldest while all together are too large. */
void roll_clean(const char *const *paths, size_t count, const struct settings_log *log,
	int64_t now_ms);

#endif
