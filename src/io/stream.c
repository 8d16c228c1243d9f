/* SPDX-License-Identifier: BSD-2-Clause */
/* The life of a stream: phases, deadline, and the one end of it. */
#include "io/stream.h"

#include <assert.h>
#include <errno.h>
#include <sys/socket.h>

#include "base/memory.h"
#include "io/sock.h"
#include "io/stream_parts.h"

enum {
	LINGER_MS = 5000,
	FAILED_LINGER_MS = 1000,       /* so that an alert arrives; nobody is owed more */
	LINGER_MAX_BYTES = 1024 * 1024,
};

static void on_event(unsigned events, void *context);

const char *
stream_end_name(enum stream_end end)
{
	static const char *const names[] = {
		[STREAM_END_LOCAL] = "local",
		[STREAM_END_PEER] = "peer",
		[STREAM_END_TRUNCATED] = "truncated",
		[STREAM_END_RESET] = "reset",
		[STREAM_END_TLS] = "tls",
		[STREAM_END_DEADLINE] = "deadline",
		[STREAM_END_OVERFLOW] = "overflow",
	};

	return names[end];
}

/* --- the end */

static void
set_reason(struct stream *stream, enum stream_end end, const struct fault *fault)
{
	stream->end = end;
	if (fault == stream->fault)
		return;
	mem_free(&stream->fault);
	if (fault && fault->kind != FAULT_NONE)
		stream->fault = mem_dup(fault, sizeof *fault);
}

void
stream_finish(struct stream *stream, enum stream_end end, const struct fault *fault)
{
	if (!stream_is_live(stream))
		return;
	set_reason(stream, end, fault);
	stream->finishing = true;
	loop_defer(&stream->work);
}

void
stream_wind_up(struct stream *stream, enum stream_end end, const struct fault *fault)
{
	uint64_t linger_ms = stream->limits->linger_ms ? stream->limits->linger_ms : LINGER_MS;

	if (!stream_is_live(stream) || stream_is_closing(stream))
		return;
	if (stream->phase == STREAM_AWAY) {
		stream_finish(stream, end, fault);
		return;
	}
	set_reason(stream, end, fault);
	if (end != STREAM_END_LOCAL && linger_ms > FAILED_LINGER_MS)
		linger_ms = FAILED_LINGER_MS;
	stream->phase = STREAM_FLUSHING;
	mem_free(&stream->file);
	loop_timer_start(&stream->deadline, linger_ms);
	loop_defer(&stream->work);
}

/* Lets go of everything that could call back. */
static void
shut(struct stream *stream)
{
	loop_watch_free(&stream->watch);
	loop_timer_stop(&stream->deadline);
	worker_cancel(&stream->away);
	sock_close(&stream->fd);
	mem_free(&stream->file);
	stream->phase = STREAM_ENDED;
}

static const char *
end_words(enum stream_end end)
{
	static const char *const words[] = {
		[STREAM_END_LOCAL] = "closed here",
		[STREAM_END_PEER] = "closed by the other end",
		[STREAM_END_TRUNCATED] = "closed by the other end without a TLS close_notify",
		[STREAM_END_RESET] = "connection lost",
		[STREAM_END_TLS] = "TLS failed",
		[STREAM_END_DEADLINE] = "no progress in time",
		[STREAM_END_OVERFLOW] = "more came or waited than is allowed",
	};

	return words[end];
}

static void
finish_now(struct stream *stream)
{
	struct fault fault = FAULT_INIT;

	shut(stream);
	stream->finishing = false;
	if (stream->fault)
		fault = *stream->fault;
	else
		fault_set(&fault, FAULT_PEER, "%s", end_words(stream->end));
	stream->hooks->on_close(stream, stream->end, &fault, stream->context);
}

static void
destroy(struct stream *stream)
{
	loop_tidy_later(stream->loop);
	tls_session_free(&stream->tls);
	buf_wipe(&stream->input);
	buf_fini(&stream->input);
	buf_fini(&stream->raw);
	buf_wipe(&stream->output);
	buf_fini(&stream->output);
	mem_free(&stream->fault);
	mem_free(&stream);
}

/* --- the turns of its life */

static bool
wants_input(const struct stream *stream)
{
	switch (stream->phase) {
	case STREAM_OPEN:
		return !stream->stalled && !stream->peer_done;
	case STREAM_SHAKING:
	case STREAM_LINGERING:
		return true;
	case STREAM_FLUSHING:
		/* Mostly this phase is over at once, and the next one wants to know again. */
		return !stream->stalled;
	case STREAM_AWAY:
	case STREAM_ENDED:
	default:
		return false;
	}
}

/* Brings the watch in line with what is wanted. */
static void
set_watch(struct stream *stream)
{
	unsigned events = 0;

	if (wants_input(stream))
		events |= LOOP_READABLE;
	if (stream->blocked)
		events |= LOOP_WRITABLE;
	loop_watch_set(stream->watch, events);
}

static void
on_work(void *context)
{
	struct stream *stream = context;

	if (stream->freed) {
		destroy(stream);
		return;
	}
	if (stream->offer_again && stream_is_live(stream)) {
		stream->offer_again = false;
		stream_offer(stream);
		stream_take(stream, false);
	}
	if (stream_is_live(stream))
		stream_send(stream);
	if (stream->finishing && !stream->freed)
		finish_now(stream);
	else if (stream_is_live(stream))
		set_watch(stream);
}

/* All is sent: whatever still comes is thrown away, until the peer is done as well. */
static void
linger(struct stream *stream)
{
	ssize_t got = recv(stream->fd, loop_scratch(stream->loop), LOOP_SCRATCH_BYTES, 0);

	if (got > 0) {
		stream->bytes_in += (uint64_t)got;
		stream->lingered += (size_t)got;
	}
	if (got == 0 || stream->lingered > LINGER_MAX_BYTES ||
			(got < 0 && errno != EAGAIN && errno != EINTR))
		stream_finish(stream, stream->end, stream->fault);
}

static void
on_event(unsigned events, void *context)
{
	struct stream *stream = context;

	if (events & LOOP_WRITABLE) {
		stream->blocked = false;
		loop_defer(&stream->work);
	}
	if (!(events & LOOP_READABLE) || !stream_is_live(stream))
		return;
	if (stream->phase == STREAM_LINGERING)
		linger(stream);
	else if (stream->phase == STREAM_FLUSHING || (stream->paused && stream->phase == STREAM_OPEN))
		stream->stalled = true;
	else
		stream_take(stream, true);
	if (stream_is_live(stream))
		set_watch(stream);
}

static void
on_deadline(void *context)
{
	struct stream *stream = context;

	if (stream_is_closing(stream))
		stream_finish(stream, stream->end, stream->fault);
	else if (stream->phase == STREAM_OPEN && stream->hooks->on_deadline)
		stream->hooks->on_deadline(stream, stream->context);
	else
		stream_finish(stream, STREAM_END_DEADLINE, NULL);
}

/* --- for the owner */

struct stream *
stream_new(struct loop *loop, int fd, const struct stream_hooks *hooks,
		const struct stream_limits *limits, void *context)
{
	struct stream *stream = mem_alloc(sizeof(*stream));

	stream->loop = loop;
	stream->fd = fd;
	stream_set_owner(stream, hooks, limits, context);
	loop_timer_init(&stream->deadline, loop, on_deadline, stream);
	loop_defer_init(&stream->work, loop, on_work, stream);
	stream->watch = loop_watch_new(loop, fd, on_event, stream);
	set_watch(stream);
	return stream;
}

void
stream_set_owner(struct stream *stream, const struct stream_hooks *hooks,
		const struct stream_limits *limits, void *context)
{
	assert(hooks->on_input && hooks->on_close);
	stream->hooks = hooks;
	stream->limits = limits;
	stream->context = context;
}

void
stream_free(struct stream **stream)
{
	struct stream *old = *stream;

	if (!old)
		return;
	*stream = NULL;
	shut(old);
	old->freed = true;
	loop_defer(&old->work);
}

void
stream_deadline(struct stream *stream, uint64_t in_ms)
{
	if (!stream_is_live(stream) || stream_is_closing(stream))
		return;
	if (in_ms)
		loop_timer_start(&stream->deadline, in_ms);
	else
		loop_timer_stop(&stream->deadline);
}

void
stream_close(struct stream *stream)
{
	stream_wind_up(stream, STREAM_END_LOCAL, NULL);
}

void
stream_abort(struct stream *stream)
{
	stream_finish(stream, STREAM_END_LOCAL, NULL);
}

bool
stream_is_closing(const struct stream *stream)
{
	return stream->finishing || stream->phase >= STREAM_FLUSHING;
}

uint64_t
stream_bytes_in(const struct stream *stream)
{
	return stream->bytes_in;
}

uint64_t
stream_bytes_out(const struct stream *stream)
{
	return stream->bytes_out;
}

int
stream_fd(const struct stream *stream)
{
	return stream->fd;
}
