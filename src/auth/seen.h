/* SPDX-License-Identifier: BSD-2-Clause */
/* Logins seen since the last writing: gathered here, written in batches on the directory's thread. */
#ifndef AUTH_SEEN_H
#define AUTH_SEEN_H

#include "auth/directory.h"
#include "auth/directory_local_seen.h"

enum {
	SEEN_WRITE_MS = 5000,    /* how late what was seen is written, at most */
	SEEN_ROWS_MAX = 4096,    /* that wait; beyond it nothing new is noted until they are written */
};

struct seen;

struct seen *seen_new(struct loop *loop, struct directory *directory, struct directory_local *local);
void seen_free(struct seen **seen); /* what waits is not written: see seen_write_now() */
/* One login that got in (last_ms) or did not (failed_ms); copied. */
void seen_note(struct seen *seen, const struct login_seen *row);
/* What waits is on its way, before any verb that is asked for after this. */
void seen_write(struct seen *seen);
/* At the end, when the directory's thread has ended: written in this one. */
void seen_write_now(struct seen *seen);

#endif
