/* SPDX-License-Identifier: BSD-2-Clause */
/* An asynchronous channel between two roles. */
#include "ipc/channel.h"

#include <unistd.h>

#include "base/log.h"
#include "io/loop.h"
#include "ipc/inbox.h"
#include "ipc/outbox.h"
#include "ipc/questions.h"

enum {
	FRAMES_PER_TURN = 64, /* then others have their turn */
	READS_PER_TURN = 8,
};

struct channel {
	int fd;
	enum role peer;
	struct channel_events events;
	void *context;
	struct loop_watch *watch;
	struct loop_defer again;   /* frames are left over */
	struct loop_defer at_end;  /* of the turn: send, or close */
	struct inbox *inbox;
	struct outbox *outbox;
	struct questions *questions;
	struct fault why;
	bool closing;
	bool was_full;             /* a send was refused; on_room is owed */
	bool freed;                /* by its owner, from a callback */
	unsigned depth;            /* of callbacks under way */
};

static void on_ready(unsigned events, void *context);
static void on_again(void *context);
static void on_end_of_turn(void *context);

struct channel *
channel_new(struct loop *loop, int fd, enum role self, enum role peer,
	const struct channel_events *events, void *context)
{
	struct channel *channel = mem_alloc(sizeof *channel);

	channel->fd = fd;
	channel->peer = peer;
	channel->events = *events;
	channel->context = context;
	channel->inbox = inbox_new(ROLE_BIT(peer), ROLE_BIT(self));
	channel->outbox = outbox_new();
	channel->questions = questions_new(loop);
	channel->watch = loop_watch_new(loop, fd, on_ready, channel);
	loop_defer_init(&channel->again, loop, on_again, channel);
	loop_defer_init(&channel->at_end, loop, on_end_of_turn, channel);
	loop_watch_set(channel->watch, LOOP_READABLE);
	return channel;
}

static void
close_fd(struct channel *channel)
{
	channel->closing = true;
	loop_defer_cancel(&channel->again);
	loop_defer_cancel(&channel->at_end);
	loop_watch_free(&channel->watch);
	if (channel->fd >= 0)
		close(channel->fd);
	channel->fd = -1;
}

static void
destroy(struct channel *channel)
{
	inbox_free(&channel->inbox);
	outbox_free(&channel->outbox);
	questions_free(&channel->questions);
	mem_free(&channel);
}

void
channel_free(struct channel **channel)
{
	struct channel *old = *channel;

	if (!old)
		return;
	*channel = NULL;
	close_fd(old);
	old->freed = true;
	if (old->depth == 0)
		destroy(old);
}

/* Around every callback: the owner may free the channel in it. */
static void
call_begin(struct channel *channel)
{
	channel->depth++;
}

/* False if the channel is gone. */
static bool
call_end(struct channel *channel)
{
	if (--channel->depth == 0 && channel->freed) {
		destroy(channel);
		return false;
	}
	return true;
}

void
channel_hang_up(struct channel **channel)
{
	struct channel *old = *channel;

	if (!old)
		return;
	call_begin(old);
	close_fd(old);
	questions_fail(old->questions);
	if (*channel == old)
		channel_free(channel);
	call_end(old);
}

enum role
channel_peer(const struct channel *channel)
{
	return channel->peer;
}

bool
channel_is_open(const struct channel *channel)
{
	return !channel->closing;
}

/* From here on nothing is sent or received; the owner hears of it at the end of the turn. */
static void
begin_close(struct channel *channel, const struct fault *why)
{
	if (channel->closing)
		return;
	channel->closing = true;
	channel->why = *why;
	loop_defer_cancel(&channel->again);
	loop_watch_set(channel->watch, 0);
	loop_defer(&channel->at_end);
}

static void
refuse_peer(struct channel *channel, const struct fault *why)
{
	if (!channel->closing && why->kind != FAULT_SYSTEM)
		log_event(EV_CHANNEL_REFUSED, kv_str("peer", role_name(channel->peer)),
			kv_fault(why));
	begin_close(channel, why);
}

void
channel_drop(struct channel *channel, const char *why)
{
	struct fault fault = FAULT_INIT;

	fault_set(&fault, FAULT_PEER, "%s", why);
	refuse_peer(channel, &fault);
}

/* ---- receiving -------------------------------------------------------------------------------- */

/* One callback for one frame; the descriptor is closed unless the callback took it. */
static void
deliver(struct channel *channel, const struct frame *frame, int fd)
{
	struct channel_message message = { .id = frame->id,
		.request = frame->flags & FRAME_ASKS ? frame->request : 0,
		.bytes = frame->content,
		.fd = fd };
	struct fault why = FAULT_INIT;
	bool good = true;

	if (frame->flags & FRAME_ANSWERS)
		questions_answer(channel->questions, frame->request, &message);
	else
		good = channel->events.on_message(channel->context, &message);
	if (message.fd >= 0)
		close(message.fd);
	if (!good && !channel->freed) {
		fault_set(&why, FAULT_PEER, "content of %s is not acceptable",
			message_rule(frame->id)->name);
		refuse_peer(channel, &why);
	}
}

/* The frames that are here, as far as the budget goes. */
static void
take_frames(struct channel *channel, unsigned *budget)
{
	while (!channel->closing && *budget > 0) {
		struct fault why = FAULT_INIT;
		struct frame frame;
		int fd;

		switch (inbox_next(channel->inbox, &frame, &fd, &why)) {
		case INBOX_DONE:
			deliver(channel, &frame, fd);
			inbox_finish(channel->inbox);
			--*budget;
			break;
		case INBOX_BAD:
			refuse_peer(channel, &why);
			return;
		case INBOX_MORE:
		case INBOX_END:
			return;
		}
	}
}

static void
receive(struct channel *channel)
{
	unsigned budget = FRAMES_PER_TURN;

	for (unsigned reads = 0; reads < READS_PER_TURN && !channel->closing; reads++) {
		struct fault why = FAULT_INIT;

		switch (inbox_read(channel->inbox, channel->fd, &why)) {
		case INBOX_DONE:
			take_frames(channel, &budget);
			break;
		case INBOX_MORE:
			return;
		case INBOX_END:
			fault_set(&why, FAULT_MISSING, "%s went away",
				role_name(channel->peer));
			begin_close(channel, &why);
			return;
		case INBOX_BAD:
			refuse_peer(channel, &why);
			return;
		}
		/* What is in our memory makes no fd readable. */
		if (budget == 0) {
			if (!channel->closing)
				loop_defer(&channel->again);
			return;
		}
		if (!inbox_has_more(channel->inbox))
			return;
	}
}

static void
on_again(void *context)
{
	struct channel *channel = context;

	call_begin(channel);
	receive(channel);
	call_end(channel);
}

/* ---- sending ---------------------------------------------------------------------------------- */

static void
make_room_known(struct channel *channel)
{
	if (!channel->was_full || outbox_size(channel->outbox) > CHANNEL_QUOTA_BYTES / 2)
		return;
	channel->was_full = false;
	if (channel->events.on_room)
		channel->events.on_room(channel->context);
}

static void
flush(struct channel *channel)
{
	struct fault why = FAULT_INIT;
	unsigned wish = LOOP_READABLE;

	switch (outbox_flush(channel->outbox, channel->fd)) {
	case OUTBOX_EMPTY:
		break;
	case OUTBOX_FULL:
		wish |= LOOP_WRITABLE;
		break;
	case OUTBOX_BROKEN:
		fault_set_errno(&why, "send to %s", role_name(channel->peer));
		begin_close(channel, &why);
		return;
	}
	loop_watch_set(channel->watch, wish);
	make_room_known(channel);
}

static void
on_ready(unsigned events, void *context)
{
	struct channel *channel = context;

	call_begin(channel);
	if (events & LOOP_READABLE && !channel->closing)
		receive(channel);
	if (events & LOOP_WRITABLE && !channel->closing)
		flush(channel);
	call_end(channel);
}

static void
on_end_of_turn(void *context)
{
	struct channel *channel = context;
	struct fault why;

	call_begin(channel);
	if (!channel->closing) {
		flush(channel);
		call_end(channel);
		return;
	}
	why = channel->why;
	close_fd(channel);
	questions_fail(channel->questions);
	if (!channel->freed)
		channel->events.on_closed(channel->context, &why);
	call_end(channel);
}

static void
discard(struct buf *content, int fd)
{
	if (content)
		buf_wipe(content);
	if (fd >= 0)
		close(fd);
}

/* Takes content and fd in every case. */
static bool
send_frame(struct channel *channel, const struct frame *frame, struct buf *content, int fd)
{
	const struct message_rule *rule = message_rule(frame->id);
	size_t length = content ? buf_length(content) : 0;
	bool fits = !channel->closing && length <= rule->max_bytes &&
		!(content && content->overflow);

	if (fits && outbox_size(channel->outbox) + length > CHANNEL_QUOTA_BYTES) {
		channel->was_full = true;
		fits = false;
	}
	if (!fits) {
		discard(content, fd);
		return false;
	}
	outbox_add(channel->outbox, frame, content, fd, rule->secret);
	loop_defer(&channel->at_end);
	return true;
}

bool
channel_send(struct channel *channel, enum message_id id, struct buf *content, int fd)
{
	struct frame frame = { .id = id, .flags = fd >= 0 ? FRAME_HAS_FD : 0 };

	return send_frame(channel, &frame, content, fd);
}

bool
channel_answer(struct channel *channel, uint32_t request, enum message_id id, struct buf *content,
	int fd)
{
	struct frame frame = { .id = id,
		.flags = FRAME_ANSWERS | (fd >= 0 ? FRAME_HAS_FD : 0),
		.request = request };

	/* An answer to what was no question is a message like any other. */
	if (request == 0)
		frame.flags &= ~(unsigned)FRAME_ANSWERS;
	return send_frame(channel, &frame, content, fd);
}

bool
channel_refuse(struct channel *channel, uint32_t request, unsigned code, const char *enhanced,
	const char *text)
{
	struct message_refused refused = { (uint16_t)code, enhanced, text };
	struct buf content = BUF_INIT(0);
	bool sent;

	message_refused_pack(&content, &refused);
	sent = channel_answer(channel, request, MSG_REFUSED, &content, -1);
	buf_fini(&content);
	return sent;
}

uint32_t
channel_ask(struct channel *channel, enum message_id id, struct buf *content, int fd,
	uint64_t wait_ms, channel_answer_fn on_answer, void *context)
{
	struct frame frame = { .id = id, .flags = FRAME_ASKS | (fd >= 0 ? FRAME_HAS_FD : 0) };

	if (!channel->closing)
		frame.request = questions_add(channel->questions, wait_ms, on_answer, context);
	if (frame.request == 0) {
		discard(content, fd);
		return 0;
	}
	if (send_frame(channel, &frame, content, fd))
		return frame.request;
	questions_forget(channel->questions, frame.request);
	return 0;
}

void
channel_forget(struct channel *channel, uint32_t request)
{
	questions_forget(channel->questions, request);
}
