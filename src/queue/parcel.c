/* SPDX-License-Identifier: BSD-2-Clause */
/* One message in memory, as it is or will be in the spool; shared by count. */
#include "queue/parcel.h"

#include <assert.h>
#include <string.h>

enum {
	/* What an envelope of a few recipients takes, as struct and packed. */
	ENVELOPE_BYTES = 1500,
	/* Recipients, their ORCPT and the rest at their caps. */
	RECORD_MAX_BYTES = MESSAGE_RECIPIENTS_MAX *
			(MESSAGE_PATH_MAX_BYTES + MESSAGE_ORCPT_MAX_BYTES + 32) +
		16 * 1024,
};

struct parcel *
parcel_new(size_t content_length)
{
	struct arena *arena = arena_new(content_length + ENVELOPE_BYTES + sizeof(struct parcel));
	struct parcel *parcel = arena_alloc(arena, sizeof(*parcel));
	parcel->arena = arena;
	parcel->references = 1;
	return parcel;
}

void
parcel_seal(struct parcel *parcel, struct span header, struct span body, int64_t received_ms)
{
	struct buf bytes = BUF_INIT(RECORD_MAX_BYTES);
	char *content = arena_alloc(parcel->arena, header.length + body.length);
	memcpy(content, header.start, header.length);
	if (body.length)
		memcpy(content + header.length, body.start, body.length);
	parcel->content = span_of(content, header.length + body.length);
	parcel->received_ms = received_ms;
	parcel->record.header_length = (uint32_t)header.length;
	if (!parcel->record.file)
		parcel->record.body_length = body.length;
	record_hash_content(&parcel->record, parcel->content);
	record_pack(&bytes, &parcel->record);
	assert(!bytes.overflow);
	parcel->bytes = span_of(
		arena_dup(parcel->arena, buf_span(&bytes).start, buf_length(&bytes)),
		buf_length(&bytes));
	buf_fini(&bytes);
}

enum record_state
parcel_restore(struct parcel *parcel, struct span bytes, struct span content)
{
	parcel->bytes =
		span_of(arena_dup(parcel->arena, bytes.start, bytes.length), bytes.length);
	parcel->content =
		span_of(arena_dup(parcel->arena, content.start, content.length), content.length);
	enum record_state state = record_unpack(parcel->bytes, parcel->arena, &parcel->record);
	if (state == RECORD_GOOD && !record_has_content(&parcel->record, parcel->content))
		state = RECORD_TORN;
	return state;
}

struct parcel *
parcel_hold(struct parcel *parcel)
{
	parcel->references++;
	return parcel;
}

void
parcel_drop(struct parcel **parcel)
{
	struct parcel *old = *parcel;
	*parcel = NULL;
	if (!old || --old->references)
		return;
	struct arena *arena = old->arena; /* the parcel itself lives in it */
	arena_free(&arena);
}

size_t
parcel_size(const struct parcel *parcel)
{
	return arena_size(parcel->arena);
}

struct span
parcel_header(const struct parcel *parcel)
{
	return span_first(parcel->content, parcel->record.header_length);
}

struct span
parcel_body(const struct parcel *parcel)
{
	return span_from(parcel->content, parcel->record.header_length);
}
