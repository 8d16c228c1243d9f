/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the stream share among themselves; nobody else includes this. */
#ifndef IO_STREAM_PARTS_H
#define IO_STREAM_PARTS_H

#include "base/buffer.h"
#include "io/stream.h"

/* Commands and SASL messages are shorter than this; mail is longer, and no secret to itself. */
enum { STREAM_WIPE_MAX_BYTES = 16384 };

enum stream_phase {
	STREAM_OPEN,
	STREAM_SHAKING,   /* TLS handshake on the loop */
	STREAM_AWAY,      /* TLS handshake on a worker, which has the session meanwhile */
	STREAM_FLUSHING,  /* closing: what was written goes out */
	STREAM_LINGERING, /* closing: all is sent, the peer's FIN is awaited */
	STREAM_ENDED,
};

/* A file on its way out. */
struct stream_file {
	int fd;
	uint64_t at;
	uint64_t left;
	stream_filter_fn *filter;
	stream_sent_fn *done;
	void *context;
};

struct stream {
	struct loop *loop;
	int fd;
	struct loop_watch *watch;
	const struct stream_hooks *hooks;
	const struct stream_limits *limits;
	void *context;
	struct loop_timer deadline;
	struct loop_defer work;    /* everything that is not done on the spot: see on_work() */
	enum stream_phase phase;
	enum stream_end end;       /* the reason, once closing */
	struct fault *fault;       /* and its words */
	struct tls_session *tls;
	struct worker_job *away;   /* the handshake on a worker */
	struct worker_pool *pool;
	struct buf input;          /* not consumed yet, in clear */
	struct buf raw;            /* not decrypted yet */
	struct span fresh;         /* while is_fresh: not consumed yet, in the loop's scratch */
	struct buf output;         /* as written; in clear also what waits for the wire */
	struct stream_file *file;
	uint64_t bytes_in;
	uint64_t bytes_out;
	size_t barren;             /* bytes of TLS that have come since the last byte of content */
	size_t lingered;           /* bytes thrown away since everything was sent */
	bool with_tls;             /* asked for: from here on nothing goes out in clear */
	bool secure;               /* and the handshake is done */
	bool is_fresh;
	bool paused;
	bool stalled;              /* input came while paused, so the fd is not watched for it */
	bool offer_again;          /* resumed: what waits is offered at the end of the turn */
	bool blocked;              /* the kernel took no more; the fd is watched for room */
	bool was_full;
	bool broken;               /* sending failed; what the peer said before may still be read */
	bool peer_done;            /* FIN or close_notify has come: nothing more is read */
	enum stream_end peer_end;
	bool said_bye;
	bool finishing;            /* on_close is due at the end of the turn */
	bool freed;
};

/* --- stream.c */

/* Ends it at the end of this turn; the first reason holds. fault may be NULL. */
void stream_finish(struct stream *stream, enum stream_end end, const struct fault *fault);
/* Sends what is left, then ends for this reason. */
void stream_wind_up(struct stream *stream, enum stream_end end, const struct fault *fault);

static inline bool
stream_is_live(const struct stream *stream)
{
	return !stream->freed && !stream->finishing && stream->phase != STREAM_ENDED;
}

/* --- stream_input.c */

/* The fd is readable, or input was left over and is now wanted. */
void stream_take(struct stream *stream, bool readable);
/* Offers what waits to on_input. */
void stream_offer(struct stream *stream);
void stream_drop_input(struct stream *stream);
/* Where new bytes in clear go in the loop's scratch; then how many came, which offers them. */
char *stream_room(struct stream *stream, size_t *room_out);
void stream_show(struct stream *stream, size_t size);
/* How much of this room may be read into at a time. */
size_t stream_appetite(const struct stream *stream, size_t room);
/* 0 if there is nothing now; an end has then been noted. */
size_t stream_recv(struct stream *stream, char *to, size_t size);
void stream_see_end(struct stream *stream, enum stream_end end);

/* --- stream_output.c */

/* Sends what can be sent; goes on with a file and with closing. */
void stream_send(struct stream *stream);

/* --- stream_tls.c */

/* Decrypts and offers, or goes on with the handshake. */
void stream_take_tls(struct stream *stream, bool readable);

#endif
