/* SPDX-License-Identifier: BSD-2-Clause */
/* Verbs about many messages: list them, or hold, release, flush or delete them, a stretch at a time. */
#ifndef QUEUE_CONTROL_WALK_H
#define QUEUE_CONTROL_WALK_H

#include "queue/control.h"

#include <jansson.h>

/*
 * args may have "sender" and "recipient" (patterns of addresses), "login", "held" (true: no other
 * messages are meant), and "after" (an id, or the
 * "next" of an answer); for a list "limit". One request looks at a stretch of the queue; where there
 * may be more, its answer has "next". So no request takes long, and none holds much in memory.
 */
void control_list(struct control_means *means, uint32_t request, json_t *args);
void control_change_many(struct control_means *means, uint32_t request,
	enum spool_change_kind kind, const char *reason, json_t *args);
/* Do the arguments say which messages are meant: by a filter, or by "all"? */
bool control_is_filter(json_t *args);
/* "seq:7", as a message is called whose id cannot be read; 0 if it is not that. */
uint64_t control_seq(const char *id);

#endif
