/* SPDX-License-Identifier: BSD-2-Clause */
/* Versions of the spool's tables: made new, brought up to date with a backup beside, or refused. */
#ifndef QUEUE_SPOOL_SCHEMA_H
#define QUEUE_SPOOL_SCHEMA_H

#include "queue/spool_db.h"

/* steps[i] leads from version i to i + 1. */
struct spool_schema {
	const char *const *steps;
	int count;
};

extern const struct spool_schema spool_schema_now;

/* "SPQ1", so that no other program's database is taken for a spool. */
enum { SPOOL_APPLICATION_ID = 0x53505131 };

/*
 * In one transaction. A database of an older version is first copied to "PATH.vN", or to a name
 * with a further number if there is such a copy from before. One of a later version, or of another
 * program, is refused and left as it is.
 */
bool spool_schema_apply(struct spool_db *db, const char *path, const struct spool_schema *schema,
	struct fault *fault);

#endif
