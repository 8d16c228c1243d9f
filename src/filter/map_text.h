/* SPDX-License-Identifier: BSD-2-Clause */
/* A look-up table in a text file, as written for postmap(1): texthash. */
#ifndef FILTER_MAP_TEXT_H
#define FILTER_MAP_TEXT_H

#include "filter/map.h"

/*
 * The file is read at once: NULL with a fault that names file and line where it is not a table. It is
 * read anew when it has changed; a new version that cannot be read makes every look-up fail until
 * there is a better one.
 */
struct map *map_text_open(const char *path, struct fault *fault_out);

#endif
