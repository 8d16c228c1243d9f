/* SPDX-License-Identifier: BSD-2-Clause */
/* A stream under TLS: the handshake, perhaps on a worker, and what is decrypted afterwards. */
#include <assert.h>
#include <string.h>

#include "base/memory.h"
#include "io/loop_uv.h"
#include "io/stream_parts.h"

enum {
	HANDSHAKE_MS = 30000,
	/* A handshake with the longest chains fits; GnuTLS would gather 16 MiB of one message. */
	BARREN_MAX_BYTES = 80 * 1024,
};

/* A handshake on a worker: the session is its own until it comes back. */
struct away {
	struct stream *stream;
	struct tls_session *session;
	struct buf input;
	enum tls_io result;
	struct fault fault;
};

static void
fail(struct stream *stream, const struct fault *fault)
{
	/* The alert is in the output. */
	stream_wind_up(stream, STREAM_END_TLS, fault);
}

/* What the session did not take of its input waits for the next time. */
static void
keep_rest(struct stream *stream, struct span input)
{
	size_t left = tls_session_unread(stream->tls);
	struct span rest = span_from(input, input.length - left);

	buf_add_span(&stream->raw, rest);
	tls_session_feed(stream->tls, SPAN_EMPTY);
}

/* --- the worker */

static void
away_run(void *context)
{
	struct away *away = context;

	tls_session_hold_rsa(away->session, false);
	tls_session_feed(away->session, buf_span(&away->input));
	away->result = tls_session_handshake(away->session, &away->fault);
}

static void shaken(struct stream *stream, enum tls_io result, const struct fault *fault);

static void
away_done(enum worker_result result, void *context)
{
	struct away *away = context;
	struct stream *stream = away->stream;

	stream->away = NULL;
	if (result == WORKER_LATE) {
		stream_finish(stream, STREAM_END_DEADLINE, NULL);
		return;
	}
	stream->tls = away->session;
	away->session = NULL;
	stream->phase = STREAM_SHAKING;
	keep_rest(stream, buf_span(&away->input));
	shaken(stream, away->result, &away->fault);
	/* Whatever stood behind is read now, and what came out is sent. */
	stream->offer_again = true;
	loop_defer(&stream->work);
}

static void
away_release(void *context)
{
	struct away *away = context;

	tls_session_free(&away->session);
	buf_fini(&away->input);
	mem_free(&away);
}

static const struct worker_task away_task = {
	.run = away_run,
	.done = away_done,
	.release = away_release,
};

static void
go_away(struct stream *stream)
{
	uint64_t wait_ms = stream->limits->handshake_ms ? stream->limits->handshake_ms : HANDSHAKE_MS;
	struct away *away = mem_alloc(sizeof(*away));
	struct fault fault = FAULT_INIT;

	away->stream = stream;
	away->stream = stream;
	away->session = stream->tls;
	away->input = stream->raw;
	buf_init(&stream->raw, 0);
	stream->away = worker_submit(stream->pool, &away_task, away, wait_ms);
	if (stream->away) {
		stream->tls = NULL;
		stream->phase = STREAM_AWAY;
		return;
	}
	away->session = NULL;
	away_release(away);
	fault_set(&fault, FAULT_BUSY, "TLS: too many handshakes at once");
	stream_finish(stream, STREAM_END_TLS, &fault);
}

/* --- the handshake */

static void
shaken(struct stream *stream, enum tls_io result, const struct fault *fault)
{
	switch (result) {
	case TLS_DONE:
		stream->phase = STREAM_OPEN;
		stream->secure = true;
		loop_timer_stop(&stream->deadline);
		if (stream->hooks->on_secure)
			stream->hooks->on_secure(stream, stream->context);
		break;
	case TLS_WANT_READ:
		break;
	case TLS_CLOSED:
	case TLS_FAILED:
	default:
		fail(stream, fault);
		break;
	}
	loop_defer(&stream->work);
}

static void
shake(struct stream *stream)
{
	struct fault fault = FAULT_INIT;

	shaken(stream, tls_session_handshake(stream->tls, &fault), &fault);
}

/* --- afterwards */

/* Decrypts as much as the scratch holds; true if there may be more. */
static bool
decrypt(struct stream *stream)
{
	struct fault fault = FAULT_INIT;
	enum tls_io result;
	size_t room;
	size_t total = 0;
	char *to = stream_room(stream, &room);

	do {
		size_t got = 0;

		result = tls_session_read(stream->tls, to + total, room - total, &got, &fault);
		total += got;
	} while (result == TLS_DONE && total < room);
	if (buf_length(tls_session_output(stream->tls)))
		loop_defer(&stream->work);
	if (result == TLS_CLOSED)
		stream_see_end(stream, STREAM_END_PEER);
	if (total) {
		stream->barren = 0;
		stream_show(stream, total);
	}
	if (result == TLS_FAILED && stream_is_live(stream))
		fail(stream, &fault);
	return result == TLS_DONE;
}

/* Between two bytes of content stand only messages of TLS itself, and those are short. */
static void
check_barren(struct stream *stream)
{
	struct fault fault = FAULT_INIT;

	if (stream->barren <= BARREN_MAX_BYTES || !stream_is_live(stream) || stream_is_closing(stream))
		return;
	fault_set(&fault, FAULT_LIMIT, "TLS: more than %d bytes without content", BARREN_MAX_BYTES);
	fail(stream, &fault);
}

void
stream_take_tls(struct stream *stream, bool readable)
{
	char *wire = loop_scratch_wire(stream->loop);
	struct span kept = buf_span(&stream->raw);
	struct span input;
	size_t got = 0;

	if (kept.length)
		memcpy(wire, kept.start, kept.length);
	if (readable && kept.length < LOOP_SCRATCH_BYTES)
		got = stream_recv(stream, wire + kept.length,
				stream_appetite(stream, LOOP_SCRATCH_BYTES - kept.length));
	stream->barren += got;
	input = span_of(wire, kept.length + got);
	buf_clear(&stream->raw);
	tls_session_feed(stream->tls, input);
	if (stream->phase == STREAM_SHAKING && input.length)
		shake(stream);
	while (stream_is_live(stream) && stream->phase == STREAM_OPEN && !stream->paused &&
			decrypt(stream))
		;
	keep_rest(stream, input);
	check_barren(stream);
	if (stream_is_live(stream) && stream->phase == STREAM_SHAKING &&
			tls_session_is_held(stream->tls))
		go_away(stream);
	buf_release(&stream->raw);
}

/* --- for the owner */

static void
start(struct stream *stream, struct tls_session *session)
{
	uint64_t wait_ms = stream->limits->handshake_ms ? stream->limits->handshake_ms : HANDSHAKE_MS;

	assert(!stream->with_tls && stream->phase == STREAM_OPEN);
	stream->tls = session;
	stream->with_tls = true;
	/* The answer to STARTTLS goes out before the first record, and in clear. */
	buf_add_span(tls_session_output(session), buf_span(&stream->output));
	buf_clear(&stream->output);
	stream->phase = STREAM_SHAKING;
	loop_timer_start(&stream->deadline, wait_ms);
	loop_defer(&stream->work);
}

static bool
judge_waiting(struct stream *stream, enum stream_waiting_input waiting, struct fault *fault_out)
{
	if (stream_is_closing(stream))
		return fault_set(fault_out, FAULT_PEER, "the stream is closing");
	if (!stream_peek(stream).length)
		return true;
	if (waiting == STREAM_WAITING_TLS) {
		buf_add_span(&stream->raw, stream_peek(stream));
		stream_drop_input(stream);
		stream->offer_again = true;
		return true;
	}
	stream_drop_input(stream);
	return fault_set(fault_out, FAULT_PEER, "there was clear text behind the start of TLS");
}

bool
stream_start_server(struct stream *stream, struct tls_server *server, struct worker_pool *pool,
		enum stream_waiting_input waiting, struct fault *fault_out)
{
	struct tls_session *session;

	if (!judge_waiting(stream, waiting, fault_out))
		return false;
	session = tls_session_new_server(server);
	tls_session_hold_rsa(session, pool != NULL);
	stream->pool = pool;
	start(stream, session);
	return true;
}

bool
stream_start_client(struct stream *stream, struct tls_client *client, const char *name,
		struct fault *fault_out)
{
	if (!judge_waiting(stream, STREAM_WAITING_ATTACK, fault_out))
		return false;
	start(stream, tls_session_new_client(client, name));
	shake(stream);
	return true;
}

const struct tls_session *
stream_tls(const struct stream *stream)
{
	return stream->secure ? stream->tls : NULL;
}

bool
stream_is_secure(const struct stream *stream)
{
	return stream->secure;
}
