/* SPDX-License-Identifier: BSD-2-Clause */
/* What the spool knows of a message beside its content: as a struct, and as bytes on disk. */
#include "queue/record.h"

#include <string.h>

enum { FRAME_BYTES = 1 + RECORD_DIGEST_BYTES };

static void
digest_of(struct span bytes, unsigned char out[DIGEST_BYTES])
{
	struct digest digest;
	digest_init(&digest);
	digest_add(&digest, bytes);
	digest_final(&digest, out);
}

void
record_pack(struct buf *to, const struct record *record)
{
	size_t start = buf_length(to);
	static const char no_digest[RECORD_DIGEST_BYTES];
	pack_u8(to, RECORD_VERSION);
	buf_add(to, no_digest, sizeof(no_digest));
	pack_text(to, record->id);
	pack_text(to, record->parent);
	pack_text(to, record->session);
	pack_text(to, record->listener);
	pack_text(to, record->protocol);
	pack_text(to, record->client_address);
	pack_text(to, record->login);
	message_envelope_pack(to, &record->envelope);
	pack_u32(to, record->header_length);
	pack_u64(to, record->file);
	pack_u64(to, record->body_length);
	buf_add(to, record->body_hash, sizeof(record->body_hash));
	buf_add(to, record->content_hash, sizeof(record->content_hash));
	if (to->overflow)
		return;
	unsigned char digest[DIGEST_BYTES];
	char *frame = to->bytes + to->begin + start;
	digest_of(span_from(buf_span(to), start + FRAME_BYTES), digest);
	memcpy(frame + 1, digest, RECORD_DIGEST_BYTES);
}

struct span
record_digest(struct span bytes)
{
	if (bytes.length < FRAME_BYTES)
		return SPAN_EMPTY;
	return span_of(bytes.start + 1, RECORD_DIGEST_BYTES);
}

static void
unpack_hash(struct unpack *from, unsigned char hash_out[DIGEST_BYTES])
{
	if (from->bad || from->rest.length < DIGEST_BYTES) {
		from->bad = true;
		return;
	}
	memcpy(hash_out, from->rest.start, DIGEST_BYTES);
	from->rest = span_from(from->rest, DIGEST_BYTES);
}

static bool
unpack_fields(struct span bytes, struct arena *arena, struct record *record_out)
{
	struct unpack from = unpack_start(bytes);
	record_out->id = unpack_text(&from, MESSAGE_ID_MAX_BYTES, arena);
	record_out->parent = unpack_text(&from, MESSAGE_ID_MAX_BYTES, arena);
	record_out->session = unpack_text(&from, MESSAGE_ID_MAX_BYTES, arena);
	record_out->listener = unpack_text(&from, MESSAGE_NAME_MAX_BYTES, arena);
	record_out->protocol = unpack_text(&from, MESSAGE_NAME_MAX_BYTES, arena);
	record_out->client_address = unpack_text(&from, MESSAGE_ADDRESS_MAX_BYTES, arena);
	record_out->login = unpack_text(&from, MESSAGE_NAME_MAX_BYTES, arena);
	message_envelope_unpack(&from, arena, &record_out->envelope);
	record_out->header_length = unpack_u32(&from);
	record_out->file = unpack_u64(&from);
	record_out->body_length = unpack_u64(&from);
	unpack_hash(&from, record_out->body_hash);
	unpack_hash(&from, record_out->content_hash);
	return unpack_done(&from);
}

enum record_state
record_unpack(struct span bytes, struct arena *arena, struct record *record_out)
{
	if (bytes.length < FRAME_BYTES)
		return RECORD_TORN;
	/* A later version may have another frame, so that its digest says nothing to us. */
	if ((unsigned char)bytes.start[0] > RECORD_VERSION)
		return RECORD_NEWER;
	unsigned char digest[DIGEST_BYTES];
	struct span fields = span_from(bytes, FRAME_BYTES);
	digest_of(fields, digest);
	if (memcmp(digest, bytes.start + 1, RECORD_DIGEST_BYTES) != 0 ||
		!unpack_fields(fields, arena, record_out))
		return RECORD_TORN;
	return RECORD_GOOD;
}

void
record_hash_content(struct record *record, struct span content)
{
	digest_of(content, record->content_hash);
}

bool
record_has_content(const struct record *record, struct span content)
{
	unsigned char digest[DIGEST_BYTES];
	uint64_t body = record->file ? 0 : record->body_length;
	if (content.length != record->header_length + body)
		return false;
	digest_of(content, digest);
	return memcmp(digest, record->content_hash, sizeof(digest)) == 0;
}
