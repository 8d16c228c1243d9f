/* SPDX-License-Identifier: BSD-2-Clause */
/* One question and one answer on a blocking pair: how a front end asks keys to sign. */
#ifndef IPC_SYNC_CALL_H
#define IPC_SYNC_CALL_H

#include "base/buffer.h"
#include "base/fault.h"
#include "ipc/messages.h"

/*
 * The same frames as a channel, no descriptors. The asker blocks for at most wait_ms; after a fault
 * the pair is out of step and must not be used again.
 */
bool sync_call_ask(int fd, enum message_id id, struct span content, uint64_t wait_ms,
	enum message_id *answer_out, struct buf *answer_content_out, struct fault *fault_out);
/* The other side, on a thread of its own: waits for a question. False at the end or on a fault. */
bool sync_call_wait(int fd, enum message_id *id_out, struct buf *content_out,
	struct fault *fault_out);
bool sync_call_answer(int fd, enum message_id id, struct span content, struct fault *fault_out);

#endif
