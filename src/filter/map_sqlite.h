/* SPDX-License-Identifier: BSD-2-Clause */
/* A look-up table in an SQLite database, as sqlite_table(5) of Postfix describes. */
#ifndef FILTER_MAP_SQLITE_H
#define FILTER_MAP_SQLITE_H

#include "filter/map.h"

/*
 * path is that of the description (filter/map_query.h). The database is opened for reading alone, as
 * Postfix does: other programs may write it meanwhile, or put another in its place. The query is
 * tried: NULL with a fault if the database does not understand it.
 */
struct map *map_sqlite_open(const char *path, struct fault *fault_out);

#endif
