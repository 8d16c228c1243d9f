/* SPDX-License-Identifier: BSD-2-Clause */
/* How a database is asked: the file that sqlite_table(5) of Postfix describes, and its templates. */
#ifndef FILTER_MAP_QUERY_H
#define FILTER_MAP_QUERY_H

#include "base/buffer.h"
#include "base/fault.h"

/*
 * dbpath, query, result_format, expansion_limit, domain (names, no patterns or files), and the older
 * table, select_field, where_field, additional_conditions; others are left to other programs. Frozen.
 * Beyond Postfix, each expansion in a query must stand within quotes: what replaces it comes from
 * whoever sends mail, and is only escaped for there.
 */
struct map_query;

/*
 * NULL with a fault that names the file, and the line if it is one. Without fault_out nobody is told
 * of settings that are passed over, either.
 */
struct map_query *map_query_load(const char *path, struct fault *fault_out);
void map_query_free(struct map_query **query);
const char *map_query_database(const struct map_query *query);
uint64_t map_query_limit(const struct map_query *query); /* most values; 0: any number */

/* Is the key asked for at all, by its domain? */
bool map_query_wants(const struct map_query *query, const char *key);
/* The SQL for this key, added; false, and nothing added, if the key lacks what the templates need. */
bool map_query_expand(const struct map_query *query, const char *key, struct buf *sql);
/* A value found for the key, behind those found before; false, and nothing added, if it is none. */
bool map_query_add_value(
	const struct map_query *query, const char *key, const char *value, struct buf *values);

#endif
