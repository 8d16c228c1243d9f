/* SPDX-License-Identifier: BSD-2-Clause */
/* The channel to the queue: its pressure, and commits that are sent until they are answered. */
#ifndef SMTP_QUEUE_LINK_H
#define SMTP_QUEUE_LINK_H

#include "io/loop.h"
#include "ipc/channel.h"
#include "ipc/message_mail.h"

struct queue_link;

enum {
	QUEUE_LINK_COMMIT_WAIT_MS = 100 * 1000, /* RFC 6409 3.3: answer within two minutes */
	QUEUE_LINK_BODY_WAIT_MS = 10 * 1000,
};

/*
 * refused is NULL when the message is safe on disk, under id: its own, or that of the same message
 * as the client has sent it before.
 */
typedef void queue_commit_fn(
	void *context, const struct message_refused *refused, const char *id);

/* In the caller's storage, zeroed before the first use. */
struct queue_commit {
	struct queue_link *link;
	const struct message_commit *record; /* borrowed until it is answered */
	queue_commit_fn *done;
	void *context;
	uint32_t request;                    /* 0: to be sent when the queue is there */
	struct loop_timer deadline;
	struct queue_commit *next;
	struct queue_commit *previous;
	bool waiting;                        /* in the list */
};

struct queue_link *queue_link_new(struct loop *loop);
struct loop *queue_link_loop(const struct queue_link *link);
void queue_link_free(struct queue_link **link);
/* The queue is (again) there: takes fd. What was not answered is sent again. */
void queue_link_set(struct queue_link *link, int fd);
/* NULL while the queue is away. */
struct channel *queue_link_channel(const struct queue_link *link);
/* Whoever asked queue something forgets it before it is gone; 0 is free. */
void queue_link_forget_question(struct queue_link *link, uint32_t request);
/* Why MAIL is to be refused with 452; NULL if it is not. */
const char *queue_link_pressure(const struct queue_link *link);
/* done comes from the loop, never from inside the call. */
void queue_link_commit(struct queue_link *link, struct queue_commit *commit,
	const struct message_commit *record, queue_commit_fn *done, void *context);
void queue_link_forget(struct queue_commit *commit); /* done will not come; free again */

#endif
