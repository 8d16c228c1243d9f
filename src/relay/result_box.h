/* SPDX-License-Identifier: BSD-2-Clause */
/* Results that queue has not yet kept: sent again after its restart, forgotten when it says so. */
#ifndef RELAY_RESULT_BOX_H
#define RELAY_RESULT_BOX_H

#include "base/buffer.h"
#include "base/memory.h"

struct result_box;

struct result_box *result_box_new(void);
void result_box_free(struct result_box **box);
/* Keeps a copy of the packed result under its job's number. */
void result_box_add(struct result_box *box, uint64_t job, struct span packed);
/* RESULT_KEPT: false if there is none of that number. */
bool result_box_take(struct result_box *box, uint64_t job);
size_t result_box_count(const struct result_box *box);

/* Which of them: all, for a new queue, or those alone that did not go out yet. */
enum result_box_which {
	RESULT_BOX_ALL,
	RESULT_BOX_UNSENT,
};

/* Calls send for each, oldest first, until it says false: there is no room for more. */
void result_box_send(struct result_box *box, enum result_box_which which,
	bool (*send)(struct span packed, void *context), void *context);

#endif
