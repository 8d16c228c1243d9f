/* SPDX-License-Identifier: BSD-2-Clause */
/* A socket of another role: the same frames from any cut, each descriptor with its own or closed. */
#include "fuzz.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc/inbox.h"

enum { INPUT_MAX_BYTES = 32 * 1024, FIRST_FD = 3, LAST_FD = 32 };

/* Two ends of a socket, and what came out of it. */
struct wire {
	int ends[2];
	struct inbox *inbox;
	struct buf frames; /* id, flags, request and content of each */
	size_t count;
	size_t descriptors;
	enum inbox_result end;
};

static size_t
open_descriptors(void)
{
	size_t count = 0;

	for (int fd = FIRST_FD; fd < LAST_FD; fd++)
		count += fcntl(fd, F_GETFD) != -1;
	return count;
}

/* One sendmsg(), with a descriptor or none. */
static void
send_piece(int socket, struct span piece, int fd)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .bytes = { 0 } };
	struct iovec part = { (void *)(uintptr_t)piece.start, piece.length };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	if (fd >= 0) {
		message.msg_control = &control;
		message.msg_controllen = sizeof control;
		control.head = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof fd),
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS };
		memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
	}
	FUZZ_CHECK(sendmsg(socket, &message, MSG_NOSIGNAL) == (ssize_t)piece.length);
}

static void
take_frame(struct wire *wire, const struct frame *frame, int fd)
{
	FUZZ_CHECK((fd >= 0) == ((frame->flags & FRAME_HAS_FD) != 0));
	wire->count++;
	if (fd >= 0) {
		wire->descriptors++;
		FUZZ_CHECK(close(fd) == 0);
	}
	frame_pack_head(&wire->frames, frame);
	buf_add_span(&wire->frames, frame->content);
}

/* Everything that is there now. */
static void
read_all(struct wire *wire)
{
	struct fault fault = FAULT_INIT;
	struct frame frame;
	int fd;

	while (wire->end == INBOX_MORE) {
		enum inbox_result result = inbox_read(wire->inbox, wire->ends[0], &fault);

		if (result != INBOX_DONE) {
			wire->end = result;
			return;
		}
		while ((result = inbox_next(wire->inbox, &frame, &fd, &fault)) == INBOX_DONE) {
			take_frame(wire, &frame, fd);
			inbox_finish(wire->inbox);
		}
		wire->end = result;
		if (!inbox_has_more(wire->inbox))
			return;
	}
}

/* Pieces of step bytes, every nth with a descriptor (0: none); then the other end is closed. */
static struct wire
run_wire(struct span in, unsigned from, unsigned to, size_t step, size_t every)
{
	struct wire wire = { .end = INBOX_MORE, .inbox = inbox_new(from, to) };
	size_t pieces = 0;

	FUZZ_CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, wire.ends) == 0);
	while (in.length && wire.end == INBOX_MORE) {
		struct span piece = span_first(in, step);

		send_piece(wire.ends[1], piece,
			every && pieces++ % every == 0 ? wire.ends[1] : -1);
		in = span_from(in, piece.length);
		read_all(&wire);
	}
	FUZZ_CHECK(shutdown(wire.ends[1], SHUT_WR) == 0);
	read_all(&wire);
	FUZZ_CHECK(wire.end != INBOX_MORE && wire.end != INBOX_DONE);
	inbox_free(&wire.inbox);
	FUZZ_CHECK(close(wire.ends[0]) == 0 && close(wire.ends[1]) == 0);
	return wire;
}

/* Without descriptors the pure reader of frames is a second opinion. */
static void
check_frames(const struct wire *wire, struct span in, unsigned from, unsigned to)
{
	struct buf frames = BUF_INIT(0);
	struct fault fault = FAULT_INIT;
	struct frame frame;
	enum frame_result result;
	size_t size;
	bool wants_fd = false;

	while (!wants_fd &&
		(result = frame_next(in, from, to, &frame, &size, &fault)) == FRAME_DONE) {
		wants_fd = frame.flags & FRAME_HAS_FD;
		if (wants_fd)
			break;
		frame_pack_head(&frames, &frame);
		buf_add_span(&frames, frame.content);
		in = span_from(in, size);
	}
	FUZZ_CHECK(span_equal(buf_span(&frames), buf_span(&wire->frames)));
	FUZZ_CHECK((wire->end == INBOX_END) == (!wants_fd && in.length == 0));
	buf_fini(&frames);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct span in = span_first(fuzz_input(bytes, size), INPUT_MAX_BYTES);
	unsigned roles = fuzz_take(&in);
	unsigned cuts = fuzz_take(&in);
	unsigned from = ROLE_BIT(roles & 7);
	unsigned to = ROLE_BIT(roles >> 3 & 7);
	size_t step = 1 + cuts % 64;
	size_t before = open_descriptors();
	struct wire whole = run_wire(in, from, to, in.length + 1, 0);
	struct wire cut = run_wire(in, from, to, step, 0);
	struct wire fed = run_wire(in, from, to, step, cuts >> 6);

	check_frames(&whole, in, from, to);
	FUZZ_CHECK(span_equal(buf_span(&whole.frames), buf_span(&cut.frames)));
	FUZZ_CHECK(whole.end == cut.end);
	FUZZ_CHECK(fed.descriptors <= fed.count);
	FUZZ_CHECK(open_descriptors() == before);
	buf_fini(&whole.frames);
	buf_fini(&cut.frames);
	buf_fini(&fed.frames);
	return 0;
}
