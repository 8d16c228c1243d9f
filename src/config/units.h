/* SPDX-License-Identifier: BSD-2-Clause */
/* Durations and sizes as people write them. */
#ifndef CONFIG_UNITS_H
#define CONFIG_UNITS_H

#include "base/buffer.h"

#define UNITS_DURATION_MAX_MS (3650ull * 86400 * 1000)

/* "100ms", "30s", "5m", "1h", "5d", "0"; whole numbers, at most ten years. */
bool units_parse_duration(struct span text, uint64_t *ms_out);
/* "4096", "64K", "25M", "2G": powers of 1024. */
bool units_parse_size(struct span text, uint64_t *bytes_out);

/* With the largest unit that keeps the number whole; parsing gives the same again. */
void units_format_duration(uint64_t ms, struct buf *to);
void units_format_size(uint64_t bytes, struct buf *to);

#endif
