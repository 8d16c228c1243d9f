/* SPDX-License-Identifier: BSD-2-Clause */
/* What auth remembers beside the accounts: what was used up, and whom each login wrote to before. */
#ifndef AUTH_DIRECTORY_LOCAL_MEMORY_H
#define AUTH_DIRECTORY_LOCAL_MEMORY_H

#include "auth/directory_local.h"
#include "base/buffer.h"

enum {
	MEMORY_MARK_BYTES = 8,
	MEMORY_MARKS_MAX = 5000,   /* of one login: those that were learnt first go first */
	MEMORY_ROWS_MAX = 40000,   /* of usage: the ones stored last stay */
};

/* One that is to be written: a usage row, or marks of a login. */
struct memory_item {
	struct memory_item *next;
	bool is_marks;
	struct span key;           /* of a usage row; else the login */
	struct span content;       /* marks: one behind the other */
};

/* All of them or none. Marks of a login without an account here are left out. */
bool directory_local_remember(struct directory_local *local, const struct memory_item *items,
	int64_t now_ms, struct fault *fault_out);
/* Every usage row. */
bool directory_local_usage(struct directory_local *local,
	void (*each)(void *context, struct span key, struct span content), void *context,
	struct fault *fault_out);
/* The marks of one login, the oldest first. */
bool directory_local_marks(struct directory_local *local, const char *login, struct buf *marks_out,
	struct fault *fault_out);

#endif
