/* SPDX-License-Identifier: BSD-2-Clause */
/* A body file that is asked of the queue. */
#ifndef SMTP_QUEUE_BODY_H
#define SMTP_QUEUE_BODY_H

#include "smtp/queue_link.h"

/*
 * An answer is owed, and is waited for even when nobody wants the file any more: the queue is then
 * told to drop it, or it would keep it as long as this process lives.
 */
struct queue_body;

/* fd, for writing, is the callback's. -1: the queue refused, or (!refused) did not answer. */
typedef void queue_body_fn(void *context, uint64_t file, int fd, bool refused);

/* NULL while the queue is away. done comes once, from the loop, never from inside the call. */
struct queue_body *queue_body_open(struct queue_link *link, queue_body_fn *done, void *context);
void queue_body_forget(struct queue_body **body); /* done will not come; NULL is free */
/* A file that was opened is not needed. */
void queue_body_drop(struct queue_link *link, uint64_t file);

#endif
