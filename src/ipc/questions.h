/* SPDX-License-Identifier: BSD-2-Clause */
/* Questions that wait for their answers: numbers, deadlines, callbacks. */
#ifndef IPC_QUESTIONS_H
#define IPC_QUESTIONS_H

#include "ipc/channel.h"

struct questions;

enum { QUESTIONS_MAX = 1 << 20 }; /* that wait at the same time */

struct questions *questions_new(struct loop *loop);
void questions_free(struct questions **questions); /* no callback */
/* 0 if too many wait already; wait_ms 0: no deadline. */
uint32_t questions_add(struct questions *questions, uint64_t wait_ms, channel_answer_fn on_answer,
	void *context);
/* An answer to a question that is no longer there is late, and dropped. */
void questions_answer(struct questions *questions, uint32_t request,
	struct channel_message *answer);
void questions_forget(struct questions *questions, uint32_t request);
/* All end with NULL. What is asked meanwhile ends too. */
void questions_fail(struct questions *questions);

#endif
