/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames that wait to be sent on one socket, with their descriptors: one gathered send for many. */
#ifndef IPC_OUTBOX_H
#define IPC_OUTBOX_H

#include "ipc/frame.h"

struct outbox;

enum outbox_result {
	OUTBOX_EMPTY, /* all was sent */
	OUTBOX_FULL,  /* the socket takes no more for now */
	OUTBOX_BROKEN, /* errno says why */
};

struct outbox *outbox_new(void);
void outbox_free(struct outbox **outbox); /* wipes secrets, closes descriptors not sent */
/*
 * content is taken from the buffer and the buffer emptied (wiped if secret); fd (or -1) is taken. The
 * frame's content span is not read.
 */
void outbox_add(struct outbox *outbox, const struct frame *frame, struct buf *content, int fd,
	bool secret);
size_t outbox_size(const struct outbox *outbox); /* bytes that wait */
/* At most a bounded number of sends, so that a fast reader does not keep us. */
enum outbox_result outbox_flush(struct outbox *outbox, int fd);

#endif
