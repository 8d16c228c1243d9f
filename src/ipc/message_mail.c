/* SPDX-License-Identifier: BSD-2-Clause */
/* A message on its way, and what became of it: bytes and structs. */
#include "ipc/message_mail.h"

enum { NOTIFY_ALL = NOTIFY_NEVER | NOTIFY_SUCCESS | NOTIFY_FAILURE | NOTIFY_DELAY };

void
message_envelope_pack(struct buf *to, const struct message_envelope *from)
{
	pack_text(to, from->sender);
	pack_text(to, from->envid);
	pack_u8(to, (uint8_t)from->ret);
	pack_u8(to, (uint8_t)from->body_kind);
	pack_bool(to, from->smtputf8);
	pack_count(to, from->recipient_count);
	for (size_t i = 0; i < from->recipient_count; i++) {
		pack_u32(to, from->recipients[i].number);
		pack_text(to, from->recipients[i].path);
		pack_u8(to, from->recipients[i].notify);
		pack_text(to, from->recipients[i].orcpt);
	}
}

void
message_envelope_unpack(
	struct unpack *from, struct arena *arena, struct message_envelope *envelope_out)
{
	struct message_recipient *recipients;

	envelope_out->sender = unpack_text(from, MESSAGE_PATH_MAX_BYTES, arena);
	envelope_out->envid = unpack_text(from, MESSAGE_ENVID_MAX_BYTES, arena);
	envelope_out->ret = (enum return_kind)unpack_u8_max(from, RETURN_KIND_COUNT - 1);
	envelope_out->body_kind = (enum body_kind)unpack_u8_max(from, BODY_KIND_COUNT - 1);
	envelope_out->smtputf8 = unpack_bool(from);
	envelope_out->recipient_count = unpack_count(from, MESSAGE_RECIPIENTS_MAX);
	if (envelope_out->recipient_count == 0)
		from->bad = true;
	recipients = arena_alloc(arena, envelope_out->recipient_count * sizeof *recipients);
	for (size_t i = 0; i < envelope_out->recipient_count && !from->bad; i++) {
		recipients[i].number = unpack_u32(from);
		recipients[i].path = unpack_text(from, MESSAGE_PATH_MAX_BYTES, arena);
		recipients[i].notify = unpack_u8_max(from, NOTIFY_ALL);
		recipients[i].orcpt = unpack_text(from, MESSAGE_ORCPT_MAX_BYTES, arena);
		/* RFC 3461 4.1: NEVER stands alone; a recipient is never the null path. */
		if (recipients[i].path[0] == '\0' || ((recipients[i].notify & NOTIFY_NEVER) &&
				recipients[i].notify != NOTIFY_NEVER))
			from->bad = true;
	}
	envelope_out->recipients = recipients;
}

static void
pack_content(struct buf *to, const struct message_content *from)
{
	pack_span(to, from->header);
	pack_bool(to, from->in_file);
	pack_span(to, from->body);
	pack_u64(to, from->file);
	pack_u64(to, from->body_length);
	buf_add(to, from->body_hash, sizeof from->body_hash);
}

static void
unpack_hash(struct unpack *from, unsigned char hash_out[32])
{
	for (size_t i = 0; i < 32; i++)
		hash_out[i] = unpack_u8(from);
}

static void
unpack_content(struct unpack *from, size_t body_max, struct message_content *content_out)
{
	content_out->header = unpack_span(from, MESSAGE_HEADER_MAX_BYTES);
	content_out->in_file = unpack_bool(from);
	content_out->body = unpack_span(from, body_max);
	content_out->file = unpack_u64(from);
	content_out->body_length = unpack_u64(from);
	unpack_hash(from, content_out->body_hash);
	if (content_out->in_file ? content_out->body.length != 0
				 : content_out->body.length != content_out->body_length)
		from->bad = true;
}

void
message_body_pack(struct buf *to, const struct message_body *from)
{
	pack_u64(to, from->file);
}

bool
message_body_unpack(struct span bytes, struct arena *arena, struct message_body *message_out)
{
	struct unpack from = unpack_start(bytes);

	(void)arena;
	message_out->file = unpack_u64(&from);
	return unpack_done(&from);
}

static void
pack_changes(struct buf *to, const struct message_commit *from)
{
	pack_bool(to, from->sender_changed);
	pack_text(to, from->allowed_sender);
	pack_count(to, from->added_count);
	for (size_t i = 0; i < from->added_count; i++)
		pack_u32(to, from->added[i]);
}

static void
unpack_changes(struct unpack *from, struct arena *arena, struct message_commit *commit_out)
{
	size_t most = commit_out->envelope.recipient_count;
	uint32_t *added;

	commit_out->sender_changed = unpack_bool(from);
	commit_out->allowed_sender = unpack_text(from, MESSAGE_PATH_MAX_BYTES, arena);
	commit_out->added_count = unpack_count(from, most);
	added = arena_alloc(arena, commit_out->added_count * sizeof *added);
	for (size_t i = 0; i < commit_out->added_count && !from->bad; i++) {
		added[i] = unpack_u32(from);
		if (added[i] >= most || (i && added[i] <= added[i - 1]))
			from->bad = true;
	}
	commit_out->added = added;
}

void
message_commit_pack(struct buf *to, const struct message_commit *from)
{
	pack_text(to, from->id);
	pack_text(to, from->session);
	pack_text(to, from->listener);
	pack_text(to, from->protocol);
	pack_text(to, from->client_address);
	certificate_names_pack(to, &from->certificates);
	pack_text(to, from->login);
	pack_span(to, from->grant);
	pack_bool(to, from->hold);
	pack_text(to, from->hold_reason);
	pack_u64(to, from->over_since_ms);
	pack_bool(to, from->has_sent_hash);
	buf_add(to, from->sent_hash, sizeof from->sent_hash);
	message_envelope_pack(to, &from->envelope);
	pack_changes(to, from);
	pack_content(to, &from->content);
}

bool
message_commit_unpack(struct span bytes, struct arena *arena, struct message_commit *message_out)
{
	struct unpack from = unpack_start(bytes);

	message_out->id = unpack_text(&from, MESSAGE_ID_MAX_BYTES, arena);
	message_out->session = unpack_text(&from, MESSAGE_ID_MAX_BYTES, arena);
	message_out->listener = unpack_text(&from, MESSAGE_NAME_MAX_BYTES, arena);
	message_out->protocol = unpack_text(&from, MESSAGE_WORD_MAX_BYTES, arena);
	message_out->client_address = unpack_text(&from, MESSAGE_ADDRESS_MAX_BYTES, arena);
	message_out->certificates = certificate_names_unpack(&from, arena);
	message_out->login = unpack_text(&from, MESSAGE_NAME_MAX_BYTES, arena);
	message_out->grant = unpack_span(&from, IPC_IDENTITY_MAX_BYTES);
	message_out->hold = unpack_bool(&from);
	message_out->hold_reason = unpack_text(&from, MESSAGE_TEXT_MAX_BYTES, arena);
	message_out->over_since_ms = unpack_u64(&from);
	message_out->has_sent_hash = unpack_bool(&from);
	unpack_hash(&from, message_out->sent_hash);
	message_envelope_unpack(&from, arena, &message_out->envelope);
	unpack_changes(&from, arena, message_out);
	unpack_content(&from, MESSAGE_BODY_MAX_BYTES, &message_out->content);
	return unpack_done(&from);
}

void
message_committed_pack(struct buf *to, const struct message_committed *from)
{
	pack_text(to, from->id);
}

bool
message_committed_unpack(
	struct span bytes, struct arena *arena, struct message_committed *message_out)
{
	struct unpack from = unpack_start(bytes);

	message_out->id = unpack_text(&from, MESSAGE_ID_MAX_BYTES, arena);
	return unpack_done(&from);
}

void
message_pressure_pack(struct buf *to, const struct message_pressure *from)
{
	pack_bool(to, from->short_of_space);
	pack_text(to, from->text);
}

bool
message_pressure_unpack(
	struct span bytes, struct arena *arena, struct message_pressure *message_out)
{
	struct unpack from = unpack_start(bytes);

	message_out->short_of_space = unpack_bool(&from);
	message_out->text = unpack_text(&from, MESSAGE_TEXT_MAX_BYTES, arena);
	return unpack_done(&from);
}

void
message_job_pack(struct buf *to, const struct message_job *from)
{
	pack_u64(to, from->job);
	pack_text(to, from->id);
	pack_text(to, from->route);
	message_envelope_pack(to, &from->envelope);
	pack_content(to, &from->content);
}

bool
message_job_unpack(struct span bytes, struct arena *arena, struct message_job *message_out)
{
	struct unpack from = unpack_start(bytes);

	message_out->job = unpack_u64(&from);
	message_out->id = unpack_text(&from, MESSAGE_ID_MAX_BYTES, arena);
	message_out->route = unpack_text(&from, MESSAGE_NAME_MAX_BYTES, arena);
	message_envelope_unpack(&from, arena, &message_out->envelope);
	unpack_content(&from, MESSAGE_NOTICE_MAX_BYTES, &message_out->content);
	return unpack_done(&from);
}

void
message_result_pack(struct buf *to, const struct message_result *from)
{
	pack_u64(to, from->job);
	pack_text(to, from->id);
	pack_text(to, from->hop);
	pack_text(to, from->hop_address);
	pack_text(to, from->tls);
	pack_count(to, from->count);
	for (size_t i = 0; i < from->count; i++) {
		pack_u32(to, from->results[i].number);
		pack_u8(to, (uint8_t)from->results[i].outcome);
		pack_u16(to, from->results[i].code);
		pack_text(to, from->results[i].enhanced);
		pack_text(to, from->results[i].text);
	}
}

bool
message_result_unpack(struct span bytes, struct arena *arena, struct message_result *message_out)
{
	struct unpack from = unpack_start(bytes);
	struct message_recipient_result *results;

	message_out->job = unpack_u64(&from);
	message_out->id = unpack_text(&from, MESSAGE_ID_MAX_BYTES, arena);
	message_out->hop = unpack_text(&from, MESSAGE_NAME_MAX_BYTES, arena);
	message_out->hop_address = unpack_text(&from, MESSAGE_ADDRESS_MAX_BYTES, arena);
	message_out->tls = unpack_text(&from, MESSAGE_NAME_MAX_BYTES, arena);
	message_out->count = unpack_count(&from, MESSAGE_RECIPIENTS_MAX);
	results = arena_alloc(arena, message_out->count * sizeof *results);
	for (size_t i = 0; i < message_out->count && !from.bad; i++) {
		results[i].number = unpack_u32(&from);
		results[i].outcome = (enum outcome)unpack_u8_max(&from, OUTCOME_COUNT - 1);
		results[i].code = unpack_u16(&from);
		results[i].enhanced = unpack_text(&from, MESSAGE_ENHANCED_MAX_BYTES, arena);
		results[i].text = unpack_text(&from, MESSAGE_TEXT_MAX_BYTES, arena);
	}
	message_out->results = results;
	return unpack_done(&from);
}

void
message_result_kept_pack(struct buf *to, const struct message_result_kept *from)
{
	pack_u64(to, from->job);
}

bool
message_result_kept_unpack(
	struct span bytes, struct arena *arena, struct message_result_kept *message_out)
{
	struct unpack from = unpack_start(bytes);

	(void)arena;
	message_out->job = unpack_u64(&from);
	return unpack_done(&from);
}

void
message_relay_ready_pack(struct buf *to, const struct message_relay_ready *from)
{
	pack_u32(to, from->slots);
}

bool
message_relay_ready_unpack(
	struct span bytes, struct arena *arena, struct message_relay_ready *message_out)
{
	struct unpack from = unpack_start(bytes);

	(void)arena;
	message_out->slots = unpack_u32(&from);
	return unpack_done(&from);
}
