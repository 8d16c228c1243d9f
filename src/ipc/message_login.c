/* SPDX-License-Identifier: BSD-2-Clause */
/* What a front end asks of auth, keys and dial: bytes and structs. */
#include "ipc/message_login.h"

void
message_login_start_pack(struct buf *to, const struct message_login_start *from)
{
	pack_text(to, from->session);
	pack_text(to, from->listener);
	pack_text(to, from->protocol);
	pack_text(to, from->mechanism);
	pack_text(to, from->client_address);
	pack_bool(to, from->tls);
	certificate_names_pack(to, &from->certificates);
	pack_text(to, from->tls_version);
	pack_span(to, from->bind_exporter);
	pack_span(to, from->bind_endpoint);
	pack_bool(to, from->has_initial);
	pack_span(to, from->initial);
}

bool
message_login_start_unpack(struct span bytes, struct arena *arena,
	struct message_login_start *message_out)
{
	struct unpack from = unpack_start(bytes);

	message_out->session = unpack_text(&from, MESSAGE_ID_MAX_BYTES, arena);
	message_out->listener = unpack_text(&from, MESSAGE_NAME_MAX_BYTES, arena);
	message_out->protocol = unpack_text(&from, MESSAGE_WORD_MAX_BYTES, arena);
	message_out->mechanism = unpack_text(&from, MESSAGE_WORD_MAX_BYTES, arena);
	message_out->client_address = unpack_text(&from, MESSAGE_ADDRESS_MAX_BYTES, arena);
	message_out->tls = unpack_bool(&from);
	message_out->certificates = certificate_names_unpack(&from, arena);
	message_out->tls_version = unpack_text(&from, MESSAGE_WORD_MAX_BYTES, arena);
	message_out->bind_exporter = unpack_span(&from, MESSAGE_NAME_MAX_BYTES);
	message_out->bind_endpoint = unpack_span(&from, MESSAGE_NAME_MAX_BYTES);
	message_out->has_initial = unpack_bool(&from);
	message_out->initial = unpack_span(&from, IPC_SASL_MAX_BYTES);
	return unpack_done(&from);
}

void
message_login_step_pack(struct buf *to, const struct message_login_step *from)
{
	pack_u32(to, from->exchange);
	pack_span(to, from->response);
}

bool
message_login_step_unpack(struct span bytes, struct arena *arena,
	struct message_login_step *message_out)
{
	struct unpack from = unpack_start(bytes);

	(void)arena;
	message_out->exchange = unpack_u32(&from);
	message_out->response = unpack_span(&from, IPC_SASL_MAX_BYTES);
	return unpack_done(&from);
}

void
message_login_cancel_pack(struct buf *to, const struct message_login_cancel *from)
{
	pack_u32(to, from->exchange);
}

bool
message_login_cancel_unpack(struct span bytes, struct arena *arena,
	struct message_login_cancel *message_out)
{
	struct unpack from = unpack_start(bytes);

	(void)arena;
	message_out->exchange = unpack_u32(&from);
	return unpack_done(&from);
}

void
message_login_challenge_pack(struct buf *to, const struct message_login_challenge *from)
{
	pack_span(to, from->challenge);
}

bool
message_login_challenge_unpack(struct span bytes, struct arena *arena,
	struct message_login_challenge *message_out)
{
	struct unpack from = unpack_start(bytes);

	(void)arena;
	message_out->challenge = unpack_span(&from, IPC_SASL_MAX_BYTES);
	return unpack_done(&from);
}

void
message_login_done_pack(struct buf *to, const struct message_login_done *from)
{
	pack_span(to, from->identity);
	pack_span(to, from->grant);
}

bool
message_login_done_unpack(struct span bytes, struct arena *arena,
	struct message_login_done *message_out)
{
	struct unpack from = unpack_start(bytes);

	(void)arena;
	message_out->identity = unpack_span(&from, IPC_IDENTITY_MAX_BYTES);
	message_out->grant = unpack_span(&from, IPC_IDENTITY_MAX_BYTES);
	return unpack_done(&from);
}

void
message_login_failed_pack(struct buf *to, const struct message_login_failed *from)
{
	pack_u8(to, (uint8_t)from->failure);
	pack_u32(to, from->delay_ms);
	pack_text(to, from->login);
	pack_text(to, from->text);
}

bool
message_login_failed_unpack(struct span bytes, struct arena *arena,
	struct message_login_failed *message_out)
{
	struct unpack from = unpack_start(bytes);

	message_out->failure = (enum login_failure)unpack_u8_max(&from, LOGIN_FAILURE_COUNT - 1);
	message_out->delay_ms = unpack_u32(&from);
	message_out->login = unpack_text(&from, MESSAGE_NAME_MAX_BYTES, arena);
	message_out->text = unpack_text(&from, MESSAGE_TEXT_MAX_BYTES, arena);
	return unpack_done(&from);
}

void
message_session_pack(struct buf *to, const struct message_session *from)
{
	pack_text(to, from->session);
	pack_text(to, from->login);
	pack_text(to, from->listener);
	pack_text(to, from->protocol);
	pack_text(to, from->client_address);
	pack_u64(to, from->epoch);
	pack_u64(to, (uint64_t)from->since_ms);
	pack_span(to, from->grant);
}

bool
message_session_unpack(struct span bytes, struct arena *arena, struct message_session *message_out)
{
	struct unpack from = unpack_start(bytes);

	message_out->session = unpack_text(&from, MESSAGE_ID_MAX_BYTES, arena);
	message_out->login = unpack_text(&from, MESSAGE_NAME_MAX_BYTES, arena);
	message_out->listener = unpack_text(&from, MESSAGE_NAME_MAX_BYTES, arena);
	message_out->protocol = unpack_text(&from, MESSAGE_WORD_MAX_BYTES, arena);
	message_out->client_address = unpack_text(&from, MESSAGE_ADDRESS_MAX_BYTES, arena);
	message_out->epoch = unpack_u64(&from);
	message_out->since_ms = (int64_t)unpack_u64(&from);
	message_out->grant = unpack_span(&from, IPC_IDENTITY_MAX_BYTES);
	return unpack_done(&from);
}

void
message_session_end_pack(struct buf *to, const struct message_session_end *from)
{
	pack_text(to, from->session);
	pack_text(to, from->login);
}

bool
message_session_end_unpack(struct span bytes, struct arena *arena,
	struct message_session_end *message_out)
{
	struct unpack from = unpack_start(bytes);

	message_out->session = unpack_text(&from, MESSAGE_ID_MAX_BYTES, arena);
	message_out->login = unpack_text(&from, MESSAGE_NAME_MAX_BYTES, arena);
	return unpack_done(&from);
}

void
message_session_kick_pack(struct buf *to, const struct message_session_kick *from)
{
	pack_text(to, from->session);
	pack_text(to, from->text);
}

bool
message_session_kick_unpack(struct span bytes, struct arena *arena,
	struct message_session_kick *message_out)
{
	struct unpack from = unpack_start(bytes);

	message_out->session = unpack_text(&from, MESSAGE_ID_MAX_BYTES, arena);
	message_out->text = unpack_text(&from, MESSAGE_TEXT_MAX_BYTES, arena);
	return unpack_done(&from);
}

void
message_revoke_pack(struct buf *to, const struct message_revoke *from)
{
	pack_text(to, from->login);
	pack_u64(to, from->epoch);
	pack_u64(to, from->credential);
}

bool
message_revoke_unpack(struct span bytes, struct arena *arena, struct message_revoke *message_out)
{
	struct unpack from = unpack_start(bytes);

	message_out->login = unpack_text(&from, MESSAGE_NAME_MAX_BYTES, arena);
	message_out->epoch = unpack_u64(&from);
	message_out->credential = unpack_u64(&from);
	return unpack_done(&from);
}

void
message_charge_pack(struct buf *to, const struct message_charge *from)
{
	pack_text(to, from->session);
	pack_text(to, from->login);
	pack_text(to, from->listener);
	pack_text(to, from->client_address);
	pack_u32(to, from->recipients);
	pack_span(to, from->marks);
	certificate_names_pack(to, &from->certificates);
}

bool
message_charge_unpack(struct span bytes, struct arena *arena, struct message_charge *message_out)
{
	struct unpack from = unpack_start(bytes);

	message_out->session = unpack_text(&from, MESSAGE_ID_MAX_BYTES, arena);
	message_out->login = unpack_text(&from, MESSAGE_NAME_MAX_BYTES, arena);
	message_out->listener = unpack_text(&from, MESSAGE_NAME_MAX_BYTES, arena);
	message_out->client_address = unpack_text(&from, MESSAGE_ADDRESS_MAX_BYTES, arena);
	message_out->recipients = unpack_u32(&from);
	message_out->marks =
		unpack_span(&from, (size_t)MESSAGE_RECIPIENTS_MAX * MESSAGE_MARK_BYTES);
	message_out->certificates = certificate_names_unpack(&from, arena);
	return unpack_done(&from) && message_out->recipients <= MESSAGE_RECIPIENTS_MAX &&
	       (message_out->marks.length == 0 ||
		       message_out->marks.length ==
			       (size_t)message_out->recipients * MESSAGE_MARK_BYTES);
}

void
message_charged_pack(struct buf *to, const struct message_charged *from)
{
	pack_u8(to, (uint8_t)from->verdict);
	pack_text(to, from->text);
	pack_u64(to, from->over_since_ms);
}

bool
message_charged_unpack(struct span bytes, struct arena *arena, struct message_charged *message_out)
{
	struct unpack from = unpack_start(bytes);

	message_out->verdict = (enum charge_verdict)unpack_u8_max(&from, CHARGE_VERDICT_COUNT - 1);
	message_out->text = unpack_text(&from, MESSAGE_TEXT_MAX_BYTES, arena);
	message_out->over_since_ms = unpack_u64(&from);
	return unpack_done(&from);
}

void
message_refund_pack(struct buf *to, const struct message_refund *from)
{
	pack_text(to, from->session);
	pack_u32(to, from->charge);
}

bool
message_refund_unpack(struct span bytes, struct arena *arena, struct message_refund *message_out)
{
	struct unpack from = unpack_start(bytes);

	message_out->session = unpack_text(&from, MESSAGE_ID_MAX_BYTES, arena);
	message_out->charge = unpack_u32(&from);
	return unpack_done(&from);
}

void
message_held_seen_pack(struct buf *to, const struct message_held_seen *from)
{
	pack_text(to, from->login);
}

bool
message_held_seen_unpack(
	struct span bytes, struct arena *arena, struct message_held_seen *message_out)
{
	struct unpack from = unpack_start(bytes);

	message_out->login = unpack_text(&from, MESSAGE_NAME_MAX_BYTES, arena);
	return unpack_done(&from);
}

void
message_sign_pack(struct buf *to, const struct message_sign *from)
{
	pack_span(to, from->key_id);
	pack_u32(to, from->algorithm);
	pack_span(to, from->hash);
}

bool
message_sign_unpack(struct span bytes, struct arena *arena, struct message_sign *message_out)
{
	struct unpack from = unpack_start(bytes);

	(void)arena;
	message_out->key_id = unpack_span(&from, MESSAGE_KEY_ID_BYTES);
	message_out->algorithm = unpack_u32(&from);
	message_out->hash = unpack_span(&from, MESSAGE_SIGN_MAX_BYTES);
	return unpack_done(&from) && message_out->key_id.length == MESSAGE_KEY_ID_BYTES;
}

void
message_signed_pack(struct buf *to, const struct message_signed *from)
{
	pack_span(to, from->signature);
}

bool
message_signed_unpack(struct span bytes, struct arena *arena, struct message_signed *message_out)
{
	struct unpack from = unpack_start(bytes);

	(void)arena;
	message_out->signature = unpack_span(&from, MESSAGE_SIGNATURE_MAX_BYTES);
	return unpack_done(&from);
}

void
message_dial_pack(struct buf *to, const struct message_dial *from)
{
	pack_text(to, from->endpoint);
	pack_u32(to, from->wait_ms);
}

bool
message_dial_unpack(struct span bytes, struct arena *arena, struct message_dial *message_out)
{
	struct unpack from = unpack_start(bytes);

	message_out->endpoint = unpack_text(&from, MESSAGE_NAME_MAX_BYTES, arena);
	message_out->wait_ms = unpack_u32(&from);
	return unpack_done(&from);
}

void
message_dialed_pack(struct buf *to, const struct message_dialed *from)
{
	pack_text(to, from->address);
}

bool
message_dialed_unpack(struct span bytes, struct arena *arena, struct message_dialed *message_out)
{
	struct unpack from = unpack_start(bytes);

	message_out->address = unpack_text(&from, MESSAGE_ADDRESS_MAX_BYTES, arena);
	return unpack_done(&from);
}

void
message_dial_cancel_pack(struct buf *to, const struct message_dial_cancel *from)
{
	pack_u32(to, from->call);
}

bool
message_dial_cancel_unpack(struct span bytes, struct arena *arena,
	struct message_dial_cancel *message_out)
{
	struct unpack from = unpack_start(bytes);

	(void)arena;
	message_out->call = unpack_u32(&from);
	return unpack_done(&from);
}
