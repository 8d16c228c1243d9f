/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames that come from one socket, each with the descriptor that belongs to it. */
#include "ipc/inbox.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	READ_BYTES = 64 * 1024,
	/*
	 * The kernel ends a read behind bytes that brought a descriptor. Frames are taken as soon as
	 * they are whole, so at most one descriptor waits for its frame and one more has just come.
	 */
	WAITING_FDS_MAX = 2,
	CONTROL_FDS_MAX = 8,
};

struct inbox {
	unsigned from;
	unsigned to;
	struct buf bytes;
	size_t taken; /* size of the frame that inbox_next() gave */
	bool secret;
	bool more;    /* the last read was not cut short */
	int fds[WAITING_FDS_MAX];
	size_t fd_count;
};

struct inbox *
inbox_new(unsigned from, unsigned to)
{
	struct inbox *inbox = mem_alloc(sizeof *inbox);

	inbox->from = from;
	inbox->to = to;
	return inbox;
}

void
inbox_free(struct inbox **inbox)
{
	if (!*inbox)
		return;
	for (size_t i = 0; i < (*inbox)->fd_count; i++)
		close((*inbox)->fds[i]);
	buf_wipe(&(*inbox)->bytes);
	buf_fini(&(*inbox)->bytes);
	mem_free(inbox);
}

static bool
keep_fds(struct inbox *inbox, const struct cmsghdr *head)
{
	size_t count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	bool fits = count == 1 && inbox->fd_count < WAITING_FDS_MAX;

	for (size_t i = 0; i < count; i++) {
		int fd;

		memcpy(&fd, CMSG_DATA(head) + i * sizeof fd, sizeof fd);
		if (fits)
			inbox->fds[inbox->fd_count++] = fd;
		else
			close(fd);
	}
	return fits;
}

/* Exactly one descriptor, or none; all others are closed. */
static bool
take_control(struct inbox *inbox, struct msghdr *message, struct fault *fault)
{
	bool good = !(message->msg_flags & MSG_CTRUNC);

	for (struct cmsghdr *head = CMSG_FIRSTHDR(message); head;
		head = CMSG_NXTHDR(message, head)) {
		if (head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS)
			good &= keep_fds(inbox, head);
	}
	return good || fault_set(fault, FAULT_PEER, "more descriptors than one message has");
}

static enum inbox_result
read_some(struct inbox *inbox, int fd, size_t want, struct fault *fault)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(CONTROL_FDS_MAX * sizeof(int))];
	} control;
	struct iovec part = { buf_reserve(&inbox->bytes, want), want };
	struct msghdr message = { .msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof control };
	ssize_t size;

	do {
		size = recvmsg(fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	} while (size < 0 && errno == EINTR);
	if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return INBOX_MORE;
	if (size < 0) {
		fault_set_errno(fault, "recvmsg");
		return INBOX_BAD;
	}
	/* What brings a descriptor is always cut short by the kernel. */
	inbox->more = (size_t)size == want || message.msg_controllen > 0;
	buf_claim(&inbox->bytes, (size_t)size);
	if (!take_control(inbox, &message, fault))
		return INBOX_BAD;
	if (size > 0)
		return INBOX_DONE;
	if (buf_length(&inbox->bytes) == 0)
		return INBOX_END;
	fault_set(fault, FAULT_PEER, "ended in the middle of a message");
	return INBOX_BAD;
}

enum inbox_result
inbox_read(struct inbox *inbox, int fd, struct fault *fault_out)
{
	enum inbox_result result;
	struct frame frame;
	size_t size = 0;

	if (frame_next(buf_span(&inbox->bytes), inbox->from, inbox->to, &frame, &size,
		    fault_out) != FRAME_MORE)
		return INBOX_DONE;
	/* Room for the rest of a large frame at once: it is not copied again. */
	size = size > buf_length(&inbox->bytes) ? size - buf_length(&inbox->bytes) : 0;
	result = read_some(inbox, fd, size > READ_BYTES ? size : READ_BYTES, fault_out);
	if (result != INBOX_DONE)
		return result;
	switch (frame_next(buf_span(&inbox->bytes), inbox->from, inbox->to, &frame, &size,
		fault_out)) {
	case FRAME_DONE:
		return INBOX_DONE;
	case FRAME_MORE:
		return INBOX_MORE;
	case FRAME_BAD:
		break;
	}
	return INBOX_BAD;
}

bool
inbox_has_more(const struct inbox *inbox)
{
	return inbox->more;
}

static enum inbox_result
nothing_left(struct inbox *inbox, struct fault *fault)
{
	if (buf_length(&inbox->bytes) == 0 && inbox->fd_count) {
		fault_set(fault, FAULT_PEER, "a descriptor without a message");
		return INBOX_BAD;
	}
	if (inbox->bytes.size > READ_BYTES)
		buf_release(&inbox->bytes);
	return INBOX_MORE;
}

enum inbox_result
inbox_next(struct inbox *inbox, struct frame *frame_out, int *fd_out, struct fault *fault_out)
{
	*fd_out = -1;
	switch (frame_next(buf_span(&inbox->bytes), inbox->from, inbox->to, frame_out,
		&inbox->taken, fault_out)) {
	case FRAME_MORE:
		inbox->taken = 0;
		return nothing_left(inbox, fault_out);
	case FRAME_BAD:
		return INBOX_BAD;
	case FRAME_DONE:
		break;
	}
	inbox->secret = message_rule(frame_out->id)->secret;
	if (!(frame_out->flags & FRAME_HAS_FD))
		return INBOX_DONE;
	if (inbox->fd_count == 0) {
		fault_set(fault_out, FAULT_PEER, "%s without its descriptor",
			message_rule(frame_out->id)->name);
		return INBOX_BAD;
	}
	*fd_out = inbox->fds[0];
	inbox->fd_count--;
	memmove(inbox->fds, inbox->fds + 1, inbox->fd_count * sizeof inbox->fds[0]);
	return INBOX_DONE;
}

void
inbox_finish(struct inbox *inbox)
{
	if (inbox->secret)
		mem_wipe(inbox->bytes.bytes + inbox->bytes.begin, inbox->taken);
	buf_consume(&inbox->bytes, inbox->taken);
	inbox->taken = 0;
	inbox->secret = false;
}
