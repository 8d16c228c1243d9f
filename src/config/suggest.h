/* SPDX-License-Identifier: BSD-2-Clause */
/* "Did you mean": the known word nearest to one that is unknown. */
#ifndef CONFIG_SUGGEST_H
#define CONFIG_SUGGEST_H

#include <stddef.h>

/* Starts with all zero; give it the candidates one by one. */
struct suggest {
	const char *best; /* NULL if nothing is near enough */
	size_t distance;
};

void suggest_consider(struct suggest *suggest, const char *unknown, const char *candidate);

#endif
