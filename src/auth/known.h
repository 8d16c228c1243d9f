/* SPDX-License-Identifier: BSD-2-Clause */
/* Whom each login wrote to before: a bounded set of keyed marks for each, never an address. */
#ifndef AUTH_KNOWN_H
#define AUTH_KNOWN_H

#include "auth/directory.h"
#include "auth/directory_local_memory.h"
#include "base/buffer.h"

struct known;
struct known_question;

/* new_count: how many of the marks asked for are new. sure is false where nobody could say. */
typedef void (*known_fn)(void *context, bool sure, size_t new_count);

/*
 * The sets of the max_logins that asked last are in memory; the others are in local, which is
 * touched on the directory's thread. secret keys the marks.
 */
struct known *known_new(struct directory *directory, struct directory_local *local,
	struct span secret, size_t max_logins);
void known_free(struct known **known); /* before the directory; no callback */

/*
 * marks: MESSAGE_MARK_BYTES each. NULL: answered already, by a call of found before the return.
 * Otherwise it is called later, once, unless the question is cancelled.
 */
struct known_question *known_ask(struct known *known, const char *login, struct span marks,
	uint64_t wait_ms, known_fn found, void *context);
void known_cancel(struct known_question **question);
/* The login has written to all of these. Beyond MEMORY_MARKS_MAX the oldest are forgotten. */
void known_learn(struct known *known, const char *login, struct span marks);

/* The next set with marks that are not stored: the login, and those marks; false if there is none. */
bool known_take_news(struct known *known, struct arena *arena, struct memory_item *item_out);

#endif
