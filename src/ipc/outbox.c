/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames that wait to be sent on one socket, with their descriptors. */
#include "ipc/outbox.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	PIECE_BYTES = 16 * 1024, /* frames are gathered into pieces of this size */
	GATHER_PIECES = 32,
	SENDS_PER_FLUSH = 64,
};

/* Bytes of one or more whole frames. A descriptor belongs to the first byte of its piece. */
struct piece {
	struct piece *next;
	int fd;
	bool secret;
	struct buf bytes;
};

struct outbox {
	struct piece *first;
	struct piece *last;
	struct piece *spare; /* one that is empty, with its memory */
	size_t size;
};

struct outbox *
outbox_new(void)
{
	return mem_alloc(sizeof(struct outbox));
}

static void
free_piece(struct piece *piece)
{
	if (!piece)
		return;
	if (piece->fd >= 0)
		close(piece->fd);
	buf_fini(&piece->bytes);
	mem_free(&piece);
}

static void
take_off_first(struct outbox *outbox)
{
	struct piece *piece = outbox->first;

	outbox->first = piece->next;
	if (!outbox->first)
		outbox->last = NULL;
	if (piece->secret)
		buf_wipe(&piece->bytes);
	if (piece->fd >= 0 || outbox->spare || piece->bytes.size != PIECE_BYTES) {
		free_piece(piece);
		return;
	}
	buf_clear(&piece->bytes);
	piece->secret = false;
	piece->next = NULL;
	outbox->spare = piece;
}

void
outbox_free(struct outbox **outbox)
{
	if (!*outbox)
		return;
	while ((*outbox)->first)
		take_off_first(*outbox);
	free_piece((*outbox)->spare);
	mem_free(outbox);
}

size_t
outbox_size(const struct outbox *outbox)
{
	return outbox->size;
}

static struct piece *
piece_add(struct outbox *outbox, size_t room, int fd)
{
	struct piece *piece = room == PIECE_BYTES ? outbox->spare : NULL;

	if (piece)
		outbox->spare = NULL;
	else
		piece = mem_alloc(sizeof *piece);
	piece->fd = fd;
	if (room)
		buf_reserve(&piece->bytes, room);
	if (outbox->last)
		outbox->last->next = piece;
	else
		outbox->first = piece;
	outbox->last = piece;
	return piece;
}

/* Never grows a piece, so no copy of a secret is left behind by growing. */
static bool
piece_has_room(const struct piece *piece, size_t size)
{
	return piece && piece->bytes.size - piece->bytes.end >= size;
}

void
outbox_add(struct outbox *outbox, const struct frame *frame, struct buf *content, int fd,
	bool secret)
{
	size_t length = content ? buf_length(content) : 0;
	struct frame head = *frame;
	struct piece *piece = outbox->last;
	bool apart = length > PIECE_BYTES / 4;
	size_t copied = FRAME_HEAD_BYTES + (apart ? 0 : length);

	if (fd >= 0 || !piece_has_room(piece, copied))
		piece = piece_add(outbox, copied > PIECE_BYTES ? copied : PIECE_BYTES, fd);
	head.content.length = length;
	frame_pack_head(&piece->bytes, &head);
	if (apart) {
		piece = piece_add(outbox, 0, -1);
		piece->bytes = *content;
		*content = BUF_INIT(content->cap);
	} else if (length) {
		buf_add_span(&piece->bytes, buf_span(content));
	}
	piece->secret |= secret;
	outbox->size += FRAME_HEAD_BYTES + length;
	if (content && secret)
		buf_wipe(content);
	else if (content)
		buf_clear(content);
}

static void
sent(struct outbox *outbox, size_t size)
{
	outbox->size -= size;
	if (outbox->first->fd >= 0) {
		close(outbox->first->fd);
		outbox->first->fd = -1;
	}
	while (size > 0) {
		struct buf *bytes = &outbox->first->bytes;
		size_t part = buf_length(bytes) < size ? buf_length(bytes) : size;

		size -= part;
		if (part == buf_length(bytes))
			take_off_first(outbox);
		else
			buf_consume(bytes, part);
	}
}

/* One gathered send: up to the next piece that has a descriptor of its own. */
static ssize_t
send_some(struct outbox *outbox, int fd)
{
	struct iovec parts[GATHER_PIECES];
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr message = { .msg_iov = parts };
	struct piece *piece = outbox->first;

	do {
		struct span bytes = buf_span(&piece->bytes);

		parts[message.msg_iovlen++] = (struct iovec){ (void *)(uintptr_t)bytes.start,
			bytes.length };
		piece = piece->next;
	} while (piece && piece->fd < 0 && message.msg_iovlen < GATHER_PIECES);
	if (outbox->first->fd >= 0) {
		memset(&control, 0, sizeof control);
		message.msg_control = &control;
		message.msg_controllen = sizeof control;
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.head), &outbox->first->fd, sizeof(int));
	}
	return sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

enum outbox_result
outbox_flush(struct outbox *outbox, int fd)
{
	for (unsigned sends = 0; outbox->first; sends++) {
		ssize_t size;

		if (sends == SENDS_PER_FLUSH)
			return OUTBOX_FULL;
		size = send_some(outbox, fd);
		if (size > 0)
			sent(outbox, (size_t)size);
		else if (errno == EAGAIN || errno == EWOULDBLOCK)
			return OUTBOX_FULL;
		else if (errno != EINTR)
			return OUTBOX_BROKEN;
	}
	return OUTBOX_EMPTY;
}
