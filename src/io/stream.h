/* SPDX-License-Identifier: BSD-2-Clause */
/* A duplex stream over one connected fd, plain or TLS: caps, lines, water marks, one deadline, one end. */
#ifndef IO_STREAM_H
#define IO_STREAM_H

#include "base/fault.h"
#include "io/loop.h"
#include "io/tls_session.h"
#include "io/worker.h"

struct stream;

/* How it ended. The fault beside it says it in words. */
enum stream_end {
	STREAM_END_LOCAL,     /* we closed it, in order or not */
	STREAM_END_PEER,      /* in order: FIN in clear, close_notify under TLS */
	STREAM_END_TRUNCATED, /* FIN under TLS without close_notify */
	STREAM_END_RESET,     /* the network or the peer tore it down */
	STREAM_END_TLS,       /* handshake or record failed */
	STREAM_END_DEADLINE,
	STREAM_END_OVERFLOW,  /* input not consumed up to its cap, or output not taken up to its cap */
};

const char *stream_end_name(enum stream_end end);          /* "peer", "truncated", … for logs */

/*
 * All calls come from the loop, never from within a stream_* call, and none after on_close or
 * stream_free(). In any of them the owner may call stream_close(), stream_abort(), stream_free().
 */
struct stream_hooks {
	/*
	 * Bytes came: take them with stream_read_*() as far as they make sense. What is left waits
	 * and is offered again with the next bytes, or after stream_resume().
	 */
	void (*on_input)(struct stream *stream, void *context);
	/* The output fell to its low mark after stream_is_full() was true. NULL allowed. */
	void (*on_drained)(struct stream *stream, void *context);
	/* The handshake is done. NULL if TLS is never started. */
	void (*on_secure)(struct stream *stream, void *context);
	/* The deadline passed: say goodbye and stream_close(). NULL, or in a handshake: closed at once. */
	void (*on_deadline)(struct stream *stream, void *context);
	/*
	 * The one end; the fd is closed. What was read before it has been offered to on_input; what
	 * was not taken can still be seen with stream_peek(): the end came in mid-sentence.
	 */
	void (*on_close)(struct stream *stream, enum stream_end end, const struct fault *fault,
		void *context);
};

/* A struct that is shared by many streams and outlives them. */
struct stream_limits {
	size_t input_max_bytes;   /* unconsumed input; lines and exact reads must be shorter */
	size_t input_read_bytes;  /* read at a time at most, and kept if the owner pauses; 0 = 65536 */
	size_t output_max_bytes;  /* waiting output; beyond it the stream ends with OVERFLOW */
	size_t output_high_bytes; /* stream_is_full() from here on */
	size_t output_low_bytes;
	uint64_t linger_ms;       /* for flushing and the peer's FIN after stream_close(); 0 = 5000 */
	uint64_t handshake_ms;    /* the deadline from stream_start_*() on; 0 = 30000 */
};

/* The fd becomes the stream's: connected, non-blocking. Hooks and limits are borrowed. */
struct stream *stream_new(struct loop *loop, int fd, const struct stream_hooks *hooks,
	const struct stream_limits *limits, void *context);
/* Closes the fd at once if it is open; no callback comes any more. Allowed in callbacks. */
void stream_free(struct stream **stream);
/* Other hooks from now on: a new owner takes the stream over. */
void stream_set_owner(struct stream *stream, const struct stream_hooks *hooks,
	const struct stream_limits *limits, void *context);

/*
 * --- input. Spans last until the next stream_read_*() or the return to the loop. They may lie in the
 * loop's scratch, which on_input must therefore not use.
 */

enum stream_line {
	STREAM_LINE_DONE, /* ends in CR LF, which is cut off */
	STREAM_LINE_MORE, /* not here yet */
	STREAM_LINE_LONG, /* max bytes and no CR LF: nothing consumed; stream_skip_line() or close */
};

/* A bare CR or LF does not end a line: it is in the span for the caller to see. max counts the CR LF. */
enum stream_line stream_read_line(struct stream *stream, size_t max, struct span *line_out);
/* Consumes up to and with the next CR LF; false if that has not come yet (all so far is consumed). */
bool stream_skip_line(struct stream *stream);
/* Exactly size bytes (at most the input cap), or false. */
bool stream_read_exact(struct stream *stream, size_t size, struct span *bytes_out);
/* All there is, without taking it. */
struct span stream_peek(const struct stream *stream);
void stream_consume(struct stream *stream, size_t size);   /* at most what stream_peek() showed */
/* Overwrites the memory of what was consumed: for lines that held a credential. Spans of it end. */
void stream_wipe(struct stream *stream);
/*
 * No on_input and no end of input until resumed; the socket is not read. To wait for an answer from
 * elsewhere, pause. The deadline runs on.
 */
void stream_pause(struct stream *stream);
void stream_resume(struct stream *stream);                 /* what waits is offered at the end of this turn */

/* --- output. What is written in one turn of the loop goes out in one send. */

/* False if the stream is closing or has just overflowed, which then ends it. */
bool stream_write(struct stream *stream, struct span bytes);
bool stream_printf(struct stream *stream, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
bool stream_is_full(const struct stream *stream);          /* wait for on_drained */
size_t stream_waiting(const struct stream *stream);        /* bytes of output not yet taken by the kernel */
void stream_flush(struct stream *stream);                  /* now, not at the end of the turn */

/*
 * Sends length bytes of a file from offset on, a piece whenever the output has room. filter, if not
 * NULL, gets each piece and writes what is to be sent in its place (dot-stuffing). done says at the end
 * whether all was read; the fd is borrowed until then. One at a time; ends silently with the stream.
 * A filter writes at most twice what it gets.
 */
typedef void stream_filter_fn(struct stream *stream, struct span piece, void *context);
typedef void stream_sent_fn(struct stream *stream, bool whole, void *context);
void stream_send_file(struct stream *stream, int fd, uint64_t offset, uint64_t length,
	stream_filter_fn *filter, stream_sent_fn *done, void *context);

/* --- TLS, in place */

/* What input that waits already when TLS is started stands for. */
enum stream_waiting_input {
	STREAM_WAITING_ATTACK, /* clear text behind the command that asked for TLS */
	STREAM_WAITING_TLS,    /* the client's hello, behind a PROXY header */
};

/*
 * What was written before goes out in clear first. False if what waits is an attack: it has been thrown
 * away and the caller must close. pool: where RSA handshakes run; NULL = on the loop.
 */
bool stream_start_server(struct stream *stream, struct tls_server *server, struct worker_pool *pool,
	enum stream_waiting_input waiting, struct fault *fault_out);
bool stream_start_client(struct stream *stream, struct tls_client *client, const char *name,
	struct fault *fault_out);
/* Facts about the session; NULL in clear and before on_secure. */
const struct tls_session *stream_tls(const struct stream *stream);
bool stream_is_secure(const struct stream *stream);

/* --- time and end */

/* From now; replaces the former one; 0 = none. It runs out in any state but closing. */
void stream_deadline(struct stream *stream, uint64_t in_ms);
/* Sends what was written, close_notify, FIN; waits linger_ms at most for the peer's; then on_close. */
void stream_close(struct stream *stream);
/* Ends now; on_close comes at the end of this turn. */
void stream_abort(struct stream *stream);
bool stream_is_closing(const struct stream *stream);

uint64_t stream_bytes_in(const struct stream *stream);     /* on the wire, since the start */
uint64_t stream_bytes_out(const struct stream *stream);
int stream_fd(const struct stream *stream);                /* -1 after the end; for addresses only */

#endif
