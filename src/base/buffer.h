/* SPDX-License-Identifier: BSD-2-Clause */
/* A growing byte queue with a cap: bytes are added at the end and consumed at the front. */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include "base/text.h"

/*
 * The fields are for buffer.c alone; BUF_INIT(cap) or buf_init() makes a valid empty buffer that owns
 * no memory. An emptied buffer keeps its memory until buf_release().
 */
struct buf {
	char *bytes;
	size_t begin;   /* first byte not yet consumed */
	size_t end;
	size_t size;    /* memory held */
	size_t cap;     /* never more than this many bytes waiting; 0 means no cap */
	bool overflow;  /* sticky: something did not fit */
};

#define BUF_INIT(cap_bytes) ((struct buf){ .cap = (cap_bytes) })

void buf_init(struct buf *buf, size_t cap);
void buf_fini(struct buf *buf);
void buf_release(struct buf *buf);                         /* gives the memory back if empty */
void buf_clear(struct buf *buf);                           /* consumes all, forgets an overflow */
void buf_wipe(struct buf *buf);                            /* overwrites all memory held, clears */

static inline size_t
buf_length(const struct buf *buf)
{
	return buf->end - buf->begin;
}

static inline struct span
buf_span(const struct buf *buf)
{
	return buf->bytes ? span_of(buf->bytes + buf->begin, buf->end - buf->begin) : SPAN_EMPTY;
}

/* False, and nothing added and the overflow flag set, if it would exceed the cap. */
bool buf_add(struct buf *buf, const void *bytes, size_t size);
bool buf_add_span(struct buf *buf, struct span span);
bool buf_add_text(struct buf *buf, const char *text);
bool buf_add_byte(struct buf *buf, char byte);
bool buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Room for size more bytes, to be filled by the caller and then claimed; NULL beyond the cap. */
char *buf_reserve(struct buf *buf, size_t size);
void buf_claim(struct buf *buf, size_t size);
void buf_consume(struct buf *buf, size_t size);            /* at most buf_length() */
void buf_consume_secret(struct buf *buf, size_t size);     /* and overwrites them */
void buf_truncate(struct buf *buf, size_t length);         /* keeps the first length bytes */
/* How many bytes still fit under the cap. */
size_t buf_room(const struct buf *buf);
/* The text, ended by NUL (not counted), for strings that we made ourselves. */
const char *buf_text(struct buf *buf);

#endif
