/* SPDX-License-Identifier: BSD-2-Clause */
/* One question and one answer on a blocking pair. */
#include "ipc/sync_call.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "ipc/frame.h"

enum { ANY_DEADLINE = -1 };

#define SYNC_REQUEST 1u /* there is never more than one question */

/* True when the fd is ready; the deadline is on the steady clock, 0 for none. */
static bool
wait_ready(int fd, short events, uint64_t deadline_ms, struct fault *fault)
{
	struct pollfd wait = { .fd = fd, .events = events };

	for (;;) {
		uint64_t now = deadline_ms ? clock_steady_ms() : 0;
		int left = ANY_DEADLINE;
		int count;

		if (deadline_ms)
			left = now < deadline_ms ? (int)(deadline_ms - now) : 0;
		count = poll(&wait, 1, left);
		if (count > 0)
			return true;
		if (count == 0)
			return fault_set(fault, FAULT_LIMIT, "no answer in time");
		if (errno != EINTR)
			return fault_set_errno(fault, "poll");
	}
}

static bool
send_all(int fd, struct span bytes, uint64_t deadline_ms, struct fault *fault)
{
	while (bytes.length) {
		ssize_t size = send(fd, bytes.start, bytes.length, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (size > 0)
			bytes = span_from(bytes, (size_t)size);
		else if (errno != EAGAIN && errno != EINTR)
			return fault_set_errno(fault, "send");
		else if (!wait_ready(fd, POLLOUT, deadline_ms, fault))
			return false;
	}
	return true;
}

static bool
send_frame(int fd, enum message_id id, unsigned flags, struct span content, uint64_t deadline_ms,
	struct fault *fault)
{
	struct frame frame = { .id = id,
		.flags = flags,
		.request = SYNC_REQUEST,
		.content = content };
	struct buf bytes = BUF_INIT(0);
	bool done;

	frame_pack_head(&bytes, &frame);
	buf_add_span(&bytes, content);
	done = send_all(fd, buf_span(&bytes), deadline_ms, fault);
	if (message_rule(id)->secret)
		buf_wipe(&bytes);
	buf_fini(&bytes);
	return done;
}

/* A descriptor that comes along is dropped by the kernel: this is recv(), not recvmsg(). */
static bool
recv_some(int fd, struct buf *bytes, size_t want, uint64_t deadline_ms, struct fault *fault)
{
	for (;;) {
		ssize_t size = recv(fd, buf_reserve(bytes, want), want, MSG_DONTWAIT);

		if (size > 0) {
			buf_claim(bytes, (size_t)size);
			return true;
		}
		if (size == 0)
			return fault_set(fault, FAULT_MISSING, "the other end went away");
		if (errno != EAGAIN && errno != EINTR)
			return fault_set_errno(fault, "recv");
		if (!wait_ready(fd, POLLIN, deadline_ms, fault))
			return false;
	}
}

/* Reads not a byte beyond one frame. Its flags must be as wanted. */
static bool
recv_frame(int fd, unsigned wanted, uint64_t deadline_ms, enum message_id *id_out,
	struct buf *content_out, struct fault *fault)
{
	struct buf bytes = BUF_INIT(0);
	struct frame frame = { .id = MSG_NONE };
	enum frame_result result;
	bool done = false;
	size_t size;

	for (;;) {
		result = frame_next(buf_span(&bytes), ANY_ROLE, ANY_ROLE, &frame, &size, fault);
		if (result != FRAME_MORE)
			break;
		if (!recv_some(fd, &bytes, size - buf_length(&bytes), deadline_ms, fault))
			goto out;
	}
	if (result == FRAME_BAD)
		goto out;
	if (frame.flags != wanted || frame.request != SYNC_REQUEST) {
		fault_set(fault, FAULT_PEER, "%s out of turn", message_rule(frame.id)->name);
		goto out;
	}
	buf_clear(content_out);
	done = buf_add_span(content_out, frame.content);
	if (!done)
		fault_set(fault, FAULT_LIMIT, "answer of %zu bytes", frame.content.length);
	*id_out = frame.id;
out:
	buf_wipe(&bytes);
	buf_fini(&bytes);
	return done;
}

bool
sync_call_ask(int fd, enum message_id id, struct span content, uint64_t wait_ms,
	enum message_id *answer_out, struct buf *answer_content_out, struct fault *fault_out)
{
	uint64_t deadline_ms = clock_steady_ms() + wait_ms;

	return send_frame(fd, id, FRAME_ASKS, content, deadline_ms, fault_out) &&
		recv_frame(fd, FRAME_ANSWERS, deadline_ms, answer_out, answer_content_out,
			fault_out);
}

bool
sync_call_wait(int fd, enum message_id *id_out, struct buf *content_out, struct fault *fault_out)
{
	return recv_frame(fd, FRAME_ASKS, 0, id_out, content_out, fault_out);
}

bool
sync_call_answer(int fd, enum message_id id, struct span content, struct fault *fault_out)
{
	return send_frame(fd, id, FRAME_ANSWERS, content, 0, fault_out);
}
