/* SPDX-License-Identifier: BSD-2-Clause */
/* A message that has left the queue, in a few lines: who, whom, when, with which replies. */
#include "queue/brief.h"

#include <string.h>

void
brief_pack(struct buf *to, const struct parcel *parcel, const struct recipient *recipients,
	int64_t finished_ms)
{
	const struct record *record = &parcel->record;
	buf_add_span(to, record_digest(parcel->bytes));
	pack_text(to, record->id);
	pack_text(to, record->parent);
	pack_text(to, record->session);
	pack_text(to, record->login);
	pack_text(to, record->client_address);
	pack_text(to, record->envelope.sender);
	pack_u64(to, (uint64_t)parcel->received_ms);
	pack_u64(to, (uint64_t)finished_ms);
	pack_u64(to, record->header_length + record->body_length);
	pack_count(to, record->envelope.recipient_count);
	for (size_t i = 0; i < record->envelope.recipient_count; i++) {
		pack_text(to, record->envelope.recipients[i].path);
		recipient_pack(to, &recipients[i]);
	}
}

bool
brief_unpack(struct span bytes, struct arena *arena, struct brief *brief_out)
{
	if (bytes.length < sizeof(brief_out->digest))
		return false;
	memcpy(brief_out->digest, bytes.start, sizeof(brief_out->digest));
	struct unpack from = unpack_start(span_from(bytes, sizeof(brief_out->digest)));
	brief_out->id = unpack_text(&from, MESSAGE_ID_MAX_BYTES, arena);
	brief_out->parent = unpack_text(&from, MESSAGE_ID_MAX_BYTES, arena);
	brief_out->session = unpack_text(&from, MESSAGE_ID_MAX_BYTES, arena);
	brief_out->login = unpack_text(&from, MESSAGE_NAME_MAX_BYTES, arena);
	brief_out->client_address = unpack_text(&from, MESSAGE_ADDRESS_MAX_BYTES, arena);
	brief_out->sender = unpack_text(&from, MESSAGE_PATH_MAX_BYTES, arena);
	brief_out->received_ms = (int64_t)unpack_u64(&from);
	brief_out->finished_ms = (int64_t)unpack_u64(&from);
	brief_out->size = unpack_u64(&from);
	brief_out->recipient_count = unpack_count(&from, MESSAGE_RECIPIENTS_MAX);
	brief_out->recipients =
		arena_alloc(arena, brief_out->recipient_count * sizeof(*brief_out->recipients));
	for (size_t i = 0; i < brief_out->recipient_count && !from.bad; i++) {
		struct brief_recipient *recipient = &brief_out->recipients[i];
		recipient->path = unpack_text(&from, MESSAGE_PATH_MAX_BYTES, arena);
		recipient->recipient.number = (uint32_t)i;
		recipient_unpack(&from, arena, &recipient->recipient);
	}
	return unpack_done(&from);
}

bool
brief_is_about(const struct brief *brief, struct span text)
{
	if (text.length == 0)
		return false;
	if (span_is_nocase(text, brief->id) || span_is_nocase(text, brief->parent) ||
		span_is_nocase(text, brief->login) || span_is_nocase(text, brief->sender))
		return true;
	for (size_t i = 0; i < brief->recipient_count; i++) {
		if (span_is_nocase(text, brief->recipients[i].path))
			return true;
	}
	return false;
}
