/* SPDX-License-Identifier: BSD-2-Clause */
/* The frame around a message between two roles: pure, bytes in, one checked frame out. */
#ifndef IPC_FRAME_H
#define IPC_FRAME_H

#include "base/buffer.h"
#include "base/fault.h"
#include "ipc/messages.h"

/* u32 content length, u16 message id, u16 flags, u32 request; then the content. */
enum { FRAME_HEAD_BYTES = 12 };

enum frame_flag {
	FRAME_ASKS = 1,    /* request is the sender's; an answer is wanted */
	FRAME_ANSWERS = 2, /* request is the receiver's */
	FRAME_HAS_FD = 4,  /* a descriptor came with the first byte of this frame */
};

struct frame {
	enum message_id id;
	unsigned flags;
	uint32_t request; /* 0 exactly if it neither asks nor answers */
	struct span content;
};

enum frame_result {
	FRAME_DONE,
	FRAME_MORE, /* not all here yet; frame_size_out says how many bytes it will have, once known */
	FRAME_BAD,
};

void frame_pack_head(struct buf *to, const struct frame *frame);
/*
 * The first frame in bytes, sent by one of the roles in from to one of those in to (bits). Refuses
 * by its head alone whatever messages.h does not allow, so no room is made for it.
 */
enum frame_result frame_next(struct span bytes, unsigned from, unsigned to,
	struct frame *frame_out, size_t *frame_size_out, struct fault *fault_out);

#endif
