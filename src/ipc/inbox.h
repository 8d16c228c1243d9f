/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames that come from one socket, each with the descriptor that belongs to it. */
#ifndef IPC_INBOX_H
#define IPC_INBOX_H

#include "ipc/frame.h"

struct inbox;

enum inbox_result {
	INBOX_DONE,  /* a frame */
	INBOX_MORE,  /* none whole; read again when the socket is readable */
	INBOX_END,   /* the other end closed, between two frames */
	INBOX_BAD,   /* not allowed, cut off in a frame, or an error: the fault says which */
};

/* from and to: role bits of who sends and who receives on this socket. */
struct inbox *inbox_new(unsigned from, unsigned to);
void inbox_free(struct inbox **inbox); /* wipes, closes descriptors not taken */
/* One recvmsg() if no whole frame is here yet. INBOX_DONE: at least one is. */
enum inbox_result inbox_read(struct inbox *inbox, int fd, struct fault *fault_out);
/*
 * The next whole frame; its content is valid until inbox_finish(), which wipes it if it was secret.
 * fd_out is the caller's, -1 if none.
 */
enum inbox_result inbox_next(struct inbox *inbox, struct frame *frame_out, int *fd_out,
	struct fault *fault_out);
void inbox_finish(struct inbox *inbox);
/* The last read filled all the room it had: the socket may have more. */
bool inbox_has_more(const struct inbox *inbox);

#endif
