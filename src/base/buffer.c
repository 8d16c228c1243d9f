/* SPDX-License-Identifier: BSD-2-Clause */
/* A growing byte queue with a cap. */
#include "base/buffer.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

enum { BUF_FIRST_BYTES = 256 };

void
buf_init(struct buf *buf, size_t cap)
{
	*buf = BUF_INIT(cap);
}

void
buf_fini(struct buf *buf)
{
	mem_free(&buf->bytes);
	*buf = BUF_INIT(buf->cap);
}

void
buf_release(struct buf *buf)
{
	if (buf_length(buf) == 0)
		buf_fini(buf);
}

void
buf_clear(struct buf *buf)
{
	buf->begin = buf->end = 0;
	buf->overflow = false;
}

void
buf_wipe(struct buf *buf)
{
	mem_wipe(buf->bytes, buf->size);
	buf_clear(buf);
}

size_t
buf_room(const struct buf *buf)
{
	size_t length = buf_length(buf);

	if (buf->cap == 0)
		return SIZE_MAX / 2 - length;
	return buf->cap > length ? buf->cap - length : 0;
}

/* Secrets pass through buffers, so memory that is left behind is wiped, never just reallocated. */
static void
make_room(struct buf *buf, size_t size)
{
	size_t length = buf_length(buf);
	size_t want = buf->size ? buf->size : BUF_FIRST_BYTES;
	char *fresh;

	if (buf->bytes && buf->size - buf->end >= size)
		return;
	if (buf->bytes && buf->size - length >= size && buf->begin >= length) {
		memcpy(buf->bytes, buf->bytes + buf->begin, length);
		mem_wipe(buf->bytes + buf->begin, length);
		buf->begin = 0;
		buf->end = length;
		return;
	}
	while (want - length < size)
		want *= 2;
	fresh = mem_alloc(want);
	if (length)
		memcpy(fresh, buf->bytes + buf->begin, length);
	mem_wipe(buf->bytes, buf->end);
	mem_free(&buf->bytes);
	buf->bytes = fresh;
	buf->size = want;
	buf->begin = 0;
	buf->end = length;
}

char *
buf_reserve(struct buf *buf, size_t size)
{
	if (size > buf_room(buf)) {
		buf->overflow = true;
		return NULL;
	}
	make_room(buf, size);
	return buf->bytes + buf->end;
}

void
buf_claim(struct buf *buf, size_t size)
{
	assert(size <= buf->size - buf->end);
	buf->end += size;
}

bool
buf_add(struct buf *buf, const void *bytes, size_t size)
{
	char *to;

	if (size == 0)
		return true;
	to = buf_reserve(buf, size);
	if (!to)
		return false;
	memcpy(to, bytes, size);
	buf->end += size;
	return true;
}

bool
buf_add_span(struct buf *buf, struct span span)
{
	return buf_add(buf, span.start, span.length);
}

bool
buf_add_text(struct buf *buf, const char *text)
{
	return buf_add(buf, text, strlen(text));
}

bool
buf_add_byte(struct buf *buf, char byte)
{
	return buf_add(buf, &byte, 1);
}

bool
buf_printf(struct buf *buf, const char *format, ...)
{
	char small[512];
	va_list args;
	char *to;
	int length;

	va_start(args, format);
	length = vsnprintf(small, sizeof small, format, args);
	va_end(args);
	assert(length >= 0);
	if ((size_t)length < sizeof small)
		return buf_add(buf, small, (size_t)length);
	if ((size_t)length > buf_room(buf)) {
		buf->overflow = true;
		return false;
	}
	make_room(buf, (size_t)length + 1);
	to = buf->bytes + buf->end;
	va_start(args, format);
	vsnprintf(to, (size_t)length + 1, format, args);
	va_end(args);
	buf->end += (size_t)length;
	return true;
}

void
buf_consume(struct buf *buf, size_t size)
{
	assert(size <= buf_length(buf));
	buf->begin += size;
	if (buf->begin == buf->end)
		buf->begin = buf->end = 0;
}

void
buf_consume_secret(struct buf *buf, size_t size)
{
	assert(size <= buf_length(buf));
	mem_wipe(buf->bytes + buf->begin, size);
	buf_consume(buf, size);
}

void
buf_truncate(struct buf *buf, size_t length)
{
	assert(length <= buf_length(buf));
	buf->end = buf->begin + length;
}

const char *
buf_text(struct buf *buf)
{
	make_room(buf, 1);
	buf->bytes[buf->end] = '\0';
	return buf->bytes + buf->begin;
}
