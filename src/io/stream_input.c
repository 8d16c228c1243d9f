/* SPDX-License-Identifier: BSD-2-Clause */
/* What a stream reads: into the loop's scratch first, and only what is not consumed stays. */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/memory.h"
#include "io/loop_uv.h"
#include "io/stream_parts.h"

enum {
	/* So much left-over input is put before new input in the scratch; more stays where it is. */
	CARRY_MAX_BYTES = LOOP_SCRATCH_BYTES / 2,
};

/* --- for the owner */

struct span
stream_peek(const struct stream *stream)
{
	return stream->is_fresh ? stream->fresh : buf_span(&stream->input);
}

void
stream_consume(struct stream *stream, size_t size)
{
	assert(size <= stream_peek(stream).length);
	if (stream->is_fresh)
		/* Empty, it still tells how far the scratch was filled. */
		stream->fresh = span_of(stream->fresh.start + size, stream->fresh.length - size);
	else
		buf_consume(&stream->input, size);
}

/* The length of the first line with its CR LF, or 0. */
static size_t
find_line(struct span bytes)
{
	const char *at = bytes.start;
	size_t left = bytes.length;

	while (left >= 2) {
		const char *found = memchr(at, '\r', left - 1);

		if (!found)
			return 0;
		if (found[1] == '\n')
			return (size_t)(found - bytes.start) + 2;
		left -= (size_t)(found - at) + 1;
		at = found + 1;
	}
	return 0;
}

enum stream_line
stream_read_line(struct stream *stream, size_t max, struct span *line_out)
{
	struct span bytes = stream_peek(stream);
	size_t length = find_line(span_first(bytes, max));

	if (!length)
		return bytes.length >= max ? STREAM_LINE_LONG : STREAM_LINE_MORE;
	*line_out = span_first(bytes, length - 2);
	stream_consume(stream, length);
	return STREAM_LINE_DONE;
}

bool
stream_skip_line(struct stream *stream)
{
	struct span bytes = stream_peek(stream);
	size_t length = find_line(bytes);
	/* A CR at the very end may be the first half of the line's end. */
	bool half = bytes.length && bytes.start[bytes.length - 1] == '\r';

	stream_consume(stream, length ? length : bytes.length - half);
	return length > 0;
}

bool
stream_read_exact(struct stream *stream, size_t size, struct span *bytes_out)
{
	struct span bytes = stream_peek(stream);

	if (bytes.length < size)
		return false;
	*bytes_out = span_first(bytes, size);
	stream_consume(stream, size);
	return true;
}

void
stream_wipe(struct stream *stream)
{
	char *scratch = loop_scratch(stream->loop);

	if (stream->is_fresh)
		mem_wipe(scratch, (size_t)(stream->fresh.start - scratch));
	else
		mem_wipe(stream->input.bytes,
				buf_length(&stream->input) ? stream->input.begin : stream->input.size);
}

void
stream_pause(struct stream *stream)
{
	stream->paused = true;
}

void
stream_resume(struct stream *stream)
{
	if (!stream->paused)
		return;
	stream->paused = false;
	stream->stalled = false;
	stream->offer_again = true;
	loop_defer(&stream->work);
}

/* --- offering */

static void
release_input(struct stream *stream)
{
	if (!buf_length(&stream->input) && stream->input.bytes)
		stream_drop_input(stream);
}

static void
check_cap(struct stream *stream)
{
	if (stream_is_live(stream) && stream->phase == STREAM_OPEN && !stream->paused &&
			buf_length(&stream->input) >= stream->limits->input_max_bytes)
		stream_finish(stream, STREAM_END_OVERFLOW, NULL);
}

void
stream_offer(struct stream *stream)
{
	if (stream->phase != STREAM_OPEN || stream->paused || !stream_peek(stream).length)
		return;
	stream->hooks->on_input(stream, stream->context);
	release_input(stream);
	check_cap(stream);
}

/* New bytes stand in the scratch, behind what was carried over to there. */
static void
offer_fresh(struct stream *stream, size_t carried, size_t size)
{
	if (carried)
		buf_wipe(&stream->input);
	stream->fresh = span_of(loop_scratch(stream->loop), carried + size);
	stream->is_fresh = true;
	stream->hooks->on_input(stream, stream->context);
	stream->is_fresh = false;
	buf_add_span(&stream->input, stream->fresh);
	stream->fresh = SPAN_EMPTY;
	/* It may have been a password. */
	if (carried + size <= STREAM_WIPE_MAX_BYTES)
		mem_wipe(loop_scratch(stream->loop), carried + size);
	release_input(stream);
	check_cap(stream);
}

char *
stream_room(struct stream *stream, size_t *room_out)
{
	size_t carried = buf_length(&stream->input);
	char *scratch = loop_scratch(stream->loop);

	if (carried > CARRY_MAX_BYTES)
		carried = 0;
	*room_out = LOOP_SCRATCH_BYTES - carried;
	return scratch + carried;
}

void
stream_show(struct stream *stream, size_t size)
{
	size_t carried = buf_length(&stream->input);
	char *scratch = loop_scratch(stream->loop);

	if (carried > CARRY_MAX_BYTES) {
		buf_add(&stream->input, scratch, size);
		stream_offer(stream);
		return;
	}
	if (carried)
		memcpy(scratch, buf_span(&stream->input).start, carried);
	offer_fresh(stream, carried, size);
}

/* --- reading */

void
stream_see_end(struct stream *stream, enum stream_end end)
{
	stream->peer_done = true;
	stream->peer_end = end;
}

/* The peer's end counts when everything before it was offered, and the owner does not wait. */
static void
check_end(struct stream *stream)
{
	if (!stream_is_live(stream) || !stream->peer_done || stream->paused)
		return;
	if (stream->phase == STREAM_OPEN)
		stream_wind_up(stream, stream->peer_end, NULL);
	else if (stream->phase == STREAM_SHAKING)
		stream_finish(stream, stream->peer_end, NULL);
}

size_t
stream_recv(struct stream *stream, char *to, size_t size)
{
	struct fault fault = FAULT_INIT;
	ssize_t got = recv(stream->fd, to, size, 0);

	if (got > 0) {
		stream->bytes_in += (uint64_t)got;
		return (size_t)got;
	}
	if (got == 0) {
		if (stream->broken)
			stream_finish(stream, STREAM_END_RESET, NULL);
		else
			stream_see_end(stream, stream->with_tls ? STREAM_END_TRUNCATED : STREAM_END_PEER);
	} else if (errno != EAGAIN && errno != EINTR) {
		fault_set_errno(&fault, "connection lost");
		stream_finish(stream, STREAM_END_RESET, &fault);
	}
	return 0;
}

size_t
stream_appetite(const struct stream *stream, size_t room)
{
	size_t most = stream->limits->input_read_bytes;

	return most && most < room ? most : room;
}

static void
take_clear(struct stream *stream)
{
	size_t room;
	char *to = stream_room(stream, &room);
	size_t got = stream_recv(stream, to, stream_appetite(stream, room));

	if (got)
		stream_show(stream, got);
}

void
stream_take(struct stream *stream, bool readable)
{
	if (stream->tls && (stream->phase == STREAM_OPEN || stream->phase == STREAM_SHAKING))
		stream_take_tls(stream, readable && !stream->peer_done);
	else if (stream->phase == STREAM_OPEN && readable && !stream->peer_done)
		take_clear(stream);
	check_end(stream);
}

void
stream_drop_input(struct stream *stream)
{
	if (stream->is_fresh)
		stream_consume(stream, stream->fresh.length);
	buf_wipe(&stream->input);
	buf_release(&stream->input);
}
