/* SPDX-License-Identifier: BSD-2-Clause */
/* What all front ends together know of the filters. */
#ifndef CTL_FILTER_TABLE_H
#define CTL_FILTER_TABLE_H

#include "ctl/table.h"

/*
 * From the data of "status", where each smtp process tells of its own: an array with one object for
 * each filter, in the order of the settings, counts added up, "mean_us" and "refused" computed, and of
 * the states the worst. Empty if there are none.
 */
json_t *filter_table_gather(const json_t *status);

extern const struct table_column filter_table_brief[]; /* for "status" */
extern const struct table_column filter_table_whole[]; /* for "milter list" */

#endif
