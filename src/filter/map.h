/* SPDX-License-Identifier: BSD-2-Clause */
/* One look-up table as Postfix has them: what every type of table gives. */
#ifndef FILTER_MAP_H
#define FILTER_MAP_H

#include "base/buffer.h"
#include "base/fault.h"

enum map_result {
	MAP_FOUND,
	MAP_NONE,
	MAP_FAILED, /* cannot be told now */
};

enum {
	MAP_VALUE_MAX_BYTES = 64 * 1024, /* a longer one is a failure */
	MAP_WAIT_MAX_MS = 5 * 60 * 1000,
};

/* Its functions may be called from several threads at once. */
struct map;
struct map_type {
	/*
	 * The key is in lower case. FOUND: the value, never empty, is added to the buffer. deadline_ms is
	 * on the steady clock.
	 */
	enum map_result (*find)(struct map *map, const char *key, uint64_t deadline_ms,
		struct buf *value, struct fault *fault_out);
	void (*free)(struct map **map);
};
/* Every table's own struct begins with this. */
struct map {
	const struct map_type *type;
};

#endif
