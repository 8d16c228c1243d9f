/* SPDX-License-Identifier: BSD-2-Clause */
/* What a stream sends: gathered over one turn of the loop, encrypted in pieces, sent in one call. */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "io/stream_parts.h"

enum {
	/* So much is encrypted at a time: four full records. */
	ENCRYPT_BYTES = 65536,
	/* So much of a file goes out before others get their turn. */
	FILE_TURN_BYTES = 1024 * 1024,
	FILTER_SPARE_BYTES = 16,
	PRINT_MAX_BYTES = 1024,
};

/* --- for the owner */

size_t
stream_waiting(const struct stream *stream)
{
	size_t waiting = buf_length(&stream->output);

	if (stream->tls)
		waiting += buf_length(tls_session_output(stream->tls));
	return waiting;
}

bool
stream_is_full(const struct stream *stream)
{
	return stream_waiting(stream) >= stream->limits->output_high_bytes;
}

bool
stream_write(struct stream *stream, struct span bytes)
{
	if (stream_is_closing(stream))
		return false;
	if (stream->broken)
		return true;
	if (bytes.length > stream->limits->output_max_bytes ||
			stream_waiting(stream) > stream->limits->output_max_bytes - bytes.length) {
		stream_finish(stream, STREAM_END_OVERFLOW, NULL);
		return false;
	}
	buf_add_span(&stream->output, bytes);
	stream->was_full |= stream_is_full(stream);
	loop_defer(&stream->work);
	return true;
}

bool
stream_printf(struct stream *stream, const char *format, ...)
{
	char text[PRINT_MAX_BYTES];
	char *long_text;
	va_list list;
	int length;
	bool written;

	va_start(list, format);
	length = vsnprintf(text, sizeof text, format, list);
	va_end(list);
	assert(length >= 0);
	if ((size_t)length < sizeof text)
		return stream_write(stream, span_of(text, (size_t)length));
	long_text = mem_alloc((size_t)length + 1);
	va_start(list, format);
	vsnprintf(long_text, (size_t)length + 1, format, list);
	va_end(list);
	written = stream_write(stream, span_of(long_text, (size_t)length));
	mem_free(&long_text);
	return written;
}

/* --- the wire */

/* The kernel will take no more: whatever the peer said before that may still be read. */
static void
break_off(struct stream *stream)
{
	struct fault fault = FAULT_INIT;

	fault_set_errno(&fault, "connection lost");
	stream->broken = true;
	/* It may have been our kernel's fault, and the peer still wait for the rest. */
	shutdown(stream->fd, SHUT_WR);
	buf_wipe(&stream->output);
	if (stream->tls)
		buf_clear(tls_session_output(stream->tls));
	if (stream_is_closing(stream) || stream->peer_done || stream->phase != STREAM_OPEN)
		stream_finish(stream, STREAM_END_RESET, &fault);
}

/* It may have been a password, where it is short. */
static void
consume_sent(struct buf *sent, size_t size)
{
	if (size <= STREAM_WIPE_MAX_BYTES)
		buf_consume_secret(sent, size);
	else
		buf_consume(sent, size);
}

/* True if all of it is gone. */
static bool
send_wire(struct stream *stream, struct buf *wire)
{
	while (buf_length(wire) && !stream->blocked) {
		struct span bytes = buf_span(wire);
		ssize_t sent = send(stream->fd, bytes.start, bytes.length, MSG_NOSIGNAL);

		if (sent >= 0) {
			stream->bytes_out += (uint64_t)sent;
			consume_sent(wire, (size_t)sent);
			stream->blocked = (size_t)sent < bytes.length;
		} else if (errno == EAGAIN) {
			stream->blocked = true;
		} else if (errno != EINTR) {
			break_off(stream);
			return false;
		}
	}
	buf_release(wire);
	return !buf_length(wire);
}

/* A piece of what was written goes through the session. */
static bool
encrypt(struct stream *stream)
{
	struct span piece = span_first(buf_span(&stream->output), ENCRYPT_BYTES);
	struct fault fault = FAULT_INIT;

	if (!tls_session_write(stream->tls, piece, &fault)) {
		stream_finish(stream, STREAM_END_TLS, &fault);
		return false;
	}
	consume_sent(&stream->output, piece.length);
	buf_release(&stream->output);
	return true;
}

/* The last record and the goodbye behind it leave together. */
static void
say_bye(struct stream *stream)
{
	if (stream->phase != STREAM_FLUSHING || stream->said_bye || buf_length(&stream->output))
		return;
	stream->said_bye = true;
	tls_session_bye(stream->tls);
}

static bool
may_encrypt(const struct stream *stream)
{
	return stream->secure &&
			(stream->phase == STREAM_OPEN ||
					(stream->phase == STREAM_FLUSHING &&
							stream->end != STREAM_END_TLS));
}

/* True if everything is gone that can go in this phase. */
static bool
send_all(struct stream *stream)
{
	if (!stream->with_tls)
		return send_wire(stream, &stream->output);
	/* On a worker, the session has its output with it. */
	if (!stream->tls)
		return false;
	/* What waits already goes first, so that no more than a piece of it is ever there twice. */
	if (buf_length(tls_session_output(stream->tls)) >= ENCRYPT_BYTES &&
			!send_wire(stream, tls_session_output(stream->tls)))
		return false;
	do {
		if (buf_length(&stream->output) && may_encrypt(stream) && !encrypt(stream))
			return false;
		say_bye(stream);
		if (!send_wire(stream, tls_session_output(stream->tls)))
			return false;
	} while (buf_length(&stream->output) && may_encrypt(stream));
	return true;
}

void
stream_flush(struct stream *stream)
{
	if (stream_is_live(stream) && send_all(stream))
		loop_defer(&stream->work);
}

/* --- files */

void
stream_send_file(struct stream *stream, int fd, uint64_t offset, uint64_t length,
		stream_filter_fn *filter, stream_sent_fn *done, void *context)
{
	assert(!stream->file);
	if (stream_is_closing(stream))
		return;
	stream->file = mem_alloc(sizeof(*stream->file));
	*stream->file = (struct stream_file){ .fd = fd, .at = offset, .left = length,
		.filter = filter, .done = done, .context = context };
	loop_defer(&stream->work);
}

static void
file_done(struct stream *stream, bool whole)
{
	struct stream_file file = *stream->file;

	mem_free(&stream->file);
	file.done(stream, whole, file.context);
}

/* Reads the next piece and writes it; false if there is no room, or no file any more. */
static bool
send_piece(struct stream *stream)
{
	struct stream_file *file = stream->file;
	size_t waiting = stream_waiting(stream);
	size_t room = waiting < stream->limits->output_max_bytes
			? stream->limits->output_max_bytes - waiting
			: 0;
	bool was_full = stream->was_full;
	ssize_t got;

	if (stream_is_full(stream) || room < 2 * FILTER_SPARE_BYTES)
		return false;
	if (file->filter)
		room = (room - FILTER_SPARE_BYTES) / 2;
	if (room > LOOP_SCRATCH_BYTES)
		room = LOOP_SCRATCH_BYTES;
	if (room > file->left)
		room = (size_t)file->left;
	got = room ? pread(file->fd, loop_scratch(stream->loop), room, (off_t)file->at) : 0;
	if (got < 0 && errno == EINTR)
		return true;
	if (got <= 0) {
		file_done(stream, file->left == 0);
		return false;
	}
	file->at += (uint64_t)got;
	file->left -= (uint64_t)got;
	if (file->filter)
		file->filter(stream, span_of(loop_scratch(stream->loop), (size_t)got), file->context);
	else
		stream_write(stream, span_of(loop_scratch(stream->loop), (size_t)got));
	/* on_drained is for what the owner wrote. */
	stream->was_full = was_full;
	return stream->file != NULL;
}

static void
send_file_turn(struct stream *stream)
{
	uint64_t begin = stream->bytes_out;

	while (stream->file && stream->phase == STREAM_OPEN && stream_is_live(stream)) {
		while (stream_is_live(stream) && stream->file && send_piece(stream))
			;
		if (!stream_is_live(stream) || stream->phase != STREAM_OPEN || !send_all(stream))
			return;
		if (stream->bytes_out - begin >= FILE_TURN_BYTES) {
			loop_defer(&stream->work);
			return;
		}
	}
}

/* --- the end of a turn */

static void
tell_drained(struct stream *stream)
{
	if (!stream->was_full || stream->phase != STREAM_OPEN || stream->file ||
			stream_waiting(stream) > stream->limits->output_low_bytes)
		return;
	stream->was_full = false;
	if (stream->hooks->on_drained)
		stream->hooks->on_drained(stream, stream->context);
}

static void
close_behind(struct stream *stream)
{
	shutdown(stream->fd, SHUT_WR);
	/* TLS gone wrong is told to the peer, who must be given the time to read it. */
	if (stream->peer_done)
		stream_finish(stream, stream->end, stream->fault);
	else
		stream->phase = STREAM_LINGERING;
}

void
stream_send(struct stream *stream)
{
	bool gone = send_all(stream);

	if (stream->file && gone)
		send_file_turn(stream);
	if (stream_is_live(stream))
		tell_drained(stream);
	if (stream_is_live(stream) && stream->phase == STREAM_FLUSHING && send_all(stream))
		close_behind(stream);
}
