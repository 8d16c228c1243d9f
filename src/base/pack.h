/* SPDX-License-Identifier: BSD-2-Clause */
/* Structs to bytes and back: bounded, length-framed, big-endian. What settings, messages and records use. */
#ifndef BASE_PACK_H
#define BASE_PACK_H

#include "base/buffer.h"
#include "base/memory.h"
#include "base/text.h"

/* Writing. What does not fit under the buffer's cap sets its overflow flag; look once, at the end. */
void pack_u8(struct buf *to, uint8_t value);
void pack_u16(struct buf *to, uint16_t value);
void pack_u32(struct buf *to, uint32_t value);
void pack_u64(struct buf *to, uint64_t value);
void pack_bool(struct buf *to, bool value);
void pack_span(struct buf *to, struct span value);   /* u32 length + bytes */
void pack_text(struct buf *to, const char *value);   /* NULL and "" are the same */
/* A count of what follows; pack each element after it. */
void pack_count(struct buf *to, size_t count);

/*
 * Reading. bad is sticky: after the first short or wrong field every call gives zero, false or the
 * empty span, so the caller looks once, by unpack_done(). Spans point into the bytes being read.
 */
struct unpack {
	struct span rest;
	bool bad;
};

struct unpack unpack_start(struct span bytes);
bool unpack_done(const struct unpack *from);         /* nothing bad, and no byte left over */
uint8_t unpack_u8(struct unpack *from);
uint8_t unpack_u8_max(struct unpack *from, uint8_t max); /* for enums */
uint16_t unpack_u16(struct unpack *from);
uint32_t unpack_u32(struct unpack *from);
uint64_t unpack_u64(struct unpack *from);
bool unpack_bool(struct unpack *from);
struct span unpack_span(struct unpack *from, size_t max);
/* No NUL inside; copied to the arena; "" for the empty one. */
const char *unpack_text(struct unpack *from, size_t max, struct arena *arena);
size_t unpack_count(struct unpack *from, size_t max);

#endif
