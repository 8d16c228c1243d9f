/* SPDX-License-Identifier: BSD-2-Clause */
/* The administrator's verbs about messages: queue list, show, hold, delete…; track. */
#ifndef QUEUE_CONTROL_H
#define QUEUE_CONTROL_H

#include "queue/dispatch.h"

/* What the verbs need; outlives all requests. */
struct control_means {
	struct spool *spool;
	struct dispatch *dispatch;
	int64_t (*now)(void *context);
	/* Answers one request, perhaps in pages; data is JSON. */
	void (*answer)(void *context, uint32_t request, struct span data, bool more);
	void (*refuse)(void *context, uint32_t request, const char *kind, const char *text);
	void *context;
	struct loop *loop;
	uint64_t keep_free; /* bytes that a backup leaves on the disk */
	/* The held mail of a login was released or deleted, all of it. */
	void (*on_seen)(void *context, const char *login);
};

/* JSON as in doc/control.md. */
void control_ask(struct control_means *means, uint32_t request, struct span json);

#endif
