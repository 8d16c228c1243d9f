/* SPDX-License-Identifier: BSD-2-Clause */
/* The body files that one front end has to write into, until a COMMIT makes them the queue's. Pure. */
#ifndef QUEUE_BODY_LOANS_H
#define QUEUE_BODY_LOANS_H

#include <stdbool.h>

#include "queue/index.h"

/* All zero is none. Files are known by their numbers; others than those lent are passed over. */
struct body_loans {
	struct index states;
};

void body_loans_fini(struct body_loans *loans);

size_t body_loans_count(const struct body_loans *loans);
/* A new one. */
void body_loans_add(struct body_loans *loans, uint64_t number);
/* May a COMMIT name it? False also while another one does. */
bool body_loans_is_open(const struct body_loans *loans, uint64_t number);
/* A COMMIT that names it is under way: it ends by body_loans_take() or body_loans_reopen(). */
void body_loans_seal(struct body_loans *loans, uint64_t number);
/* It is lent no more; false: it was not. */
bool body_loans_take(struct body_loans *loans, uint64_t number);

/* True: nobody has it any more, and its file is to be removed. */

/* The front end does not want it. What a COMMIT names stays until that is done. */
bool body_loans_drop(struct body_loans *loans, uint64_t number);
/* The COMMIT failed. Has the front end gone, or dropped the file meanwhile, nobody brings it again. */
bool body_loans_reopen(struct body_loans *loans, uint64_t number, bool front_is_there);
/* The front end has gone: all that no COMMIT names, taken. The array is the caller's. */
uint64_t *body_loans_take_open(struct body_loans *loans, size_t *count_out);

#endif
