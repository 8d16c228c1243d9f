/* SPDX-License-Identifier: BSD-2-Clause */
/* Settings with more than one value. */
#ifndef CONFIG_SETTINGS_LIST_H
#define CONFIG_SETTINGS_LIST_H

#include "config/endpoint.h"
#include "config/network.h"

struct settings_texts {
	const char *const *items;
	size_t count;
};

struct settings_durations {
	const uint64_t *items; /* ms */
	size_t count;
};

struct settings_networks {
	const struct network *items;
	size_t count;
};

struct settings_endpoints {
	const struct endpoint *items;
	size_t count;
};

#endif
