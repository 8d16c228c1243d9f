/* SPDX-License-Identifier: BSD-2-Clause */
/* Which route a recipient takes: a pure look-up in the settings. */
#ifndef CONFIG_ROUTES_H
#define CONFIG_ROUTES_H

#include "config/settings.h"

/*
 * path is a recipient in wire form without brackets; one without a domain ("postmaster") belongs to
 * hostname. The route of exactly its domain comes first, then the longest ".suffix", then "*"; case
 * does not count. NULL if none fits.
 */
const struct settings_route *routes_find(const struct settings *settings, struct span path);

#endif
