/* SPDX-License-Identifier: BSD-2-Clause */
/* Structs to bytes and back: bounded, length-framed, big-endian. */
#include "base/pack.h"

#include <string.h>

static void
pack_number(struct buf *to, uint64_t value, size_t width)
{
	unsigned char bytes[8];

	for (size_t i = 0; i < width; i++)
		bytes[i] = (unsigned char)(value >> (8 * (width - 1 - i)));
	buf_add(to, bytes, width);
}

void
pack_u8(struct buf *to, uint8_t value)
{
	pack_number(to, value, 1);
}

void
pack_u16(struct buf *to, uint16_t value)
{
	pack_number(to, value, 2);
}

void
pack_u32(struct buf *to, uint32_t value)
{
	pack_number(to, value, 4);
}

void
pack_u64(struct buf *to, uint64_t value)
{
	pack_number(to, value, 8);
}

void
pack_bool(struct buf *to, bool value)
{
	pack_number(to, value, 1);
}

void
pack_span(struct buf *to, struct span value)
{
	if (value.length > UINT32_MAX) {
		to->overflow = true;
		return;
	}
	pack_u32(to, (uint32_t)value.length);
	buf_add_span(to, value);
}

void
pack_text(struct buf *to, const char *value)
{
	pack_span(to, span_text(value));
}

void
pack_count(struct buf *to, size_t count)
{
	if (count > UINT32_MAX)
		to->overflow = true;
	pack_u32(to, (uint32_t)count);
}

struct unpack
unpack_start(struct span bytes)
{
	return (struct unpack){ .rest = bytes };
}

bool
unpack_done(const struct unpack *from)
{
	return !from->bad && from->rest.length == 0;
}

static struct span
take(struct unpack *from, size_t size)
{
	struct span taken;

	if (from->bad || from->rest.length < size) {
		from->bad = true;
		return SPAN_EMPTY;
	}
	taken = span_first(from->rest, size);
	from->rest = span_from(from->rest, size);
	return taken;
}

static uint64_t
unpack_number(struct unpack *from, size_t width)
{
	struct span bytes = take(from, width);
	uint64_t value = 0;

	for (size_t i = 0; i < bytes.length; i++)
		value = value << 8 | (unsigned char)bytes.start[i];
	return value;
}

uint8_t
unpack_u8(struct unpack *from)
{
	return (uint8_t)unpack_number(from, 1);
}

uint8_t
unpack_u8_max(struct unpack *from, uint8_t max)
{
	uint8_t value = unpack_u8(from);

	if (value > max) {
		from->bad = true;
		return 0;
	}
	return value;
}

uint16_t
unpack_u16(struct unpack *from)
{
	return (uint16_t)unpack_number(from, 2);
}

uint32_t
unpack_u32(struct unpack *from)
{
	return (uint32_t)unpack_number(from, 4);
}

uint64_t
unpack_u64(struct unpack *from)
{
	return unpack_number(from, 8);
}

bool
unpack_bool(struct unpack *from)
{
	return unpack_u8_max(from, 1) == 1;
}

struct span
unpack_span(struct unpack *from, size_t max)
{
	uint32_t length = unpack_u32(from);

	if (length > max)
		from->bad = true;
	return take(from, length);
}

const char *
unpack_text(struct unpack *from, size_t max, struct arena *arena)
{
	struct span text = unpack_span(from, max);

	if (span_has_byte(text, '\0')) {
		from->bad = true;
		return "";
	}
	return text.length ? arena_strndup(arena, text.start, text.length) : "";
}

size_t
unpack_count(struct unpack *from, size_t max)
{
	uint32_t count = unpack_u32(from);

	/* Each element takes at least a byte, so a count beyond the bytes left is a lie. */
	if (count > max || count > from->rest.length) {
		from->bad = true;
		return 0;
	}
	return count;
}
