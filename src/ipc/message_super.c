/* SPDX-License-Identifier: BSD-2-Clause */
/* What super and a role tell each other: bytes and structs. */
#include "ipc/message_super.h"

void
message_settings_pack(struct buf *to, const struct message_settings *from)
{
	pack_u32(to, from->generation);
	pack_u8(to, from->instance);
	pack_text(to, from->user);
	pack_span(to, from->slice);
}

bool
message_settings_unpack(struct span bytes, struct arena *arena,
	struct message_settings *message_out)
{
	struct unpack from = unpack_start(bytes);

	message_out->generation = unpack_u32(&from);
	message_out->instance = unpack_u8(&from);
	message_out->user = unpack_text(&from, MESSAGE_NAME_MAX_BYTES, arena);
	message_out->slice = unpack_span(&from, IPC_SETTINGS_MAX_BYTES);
	return unpack_done(&from);
}

void
message_link_pack(struct buf *to, const struct message_link *from)
{
	pack_u8(to, (uint8_t)from->peer);
	pack_u8(to, from->instance);
	pack_u8(to, (uint8_t)from->kind);
}

bool
message_link_unpack(struct span bytes, struct arena *arena, struct message_link *message_out)
{
	struct unpack from = unpack_start(bytes);

	(void)arena;
	message_out->peer = (enum role)unpack_u8_max(&from, ROLE_COUNT - 1);
	message_out->instance = unpack_u8(&from);
	message_out->kind = (enum link_kind)unpack_u8_max(&from, LINK_KIND_COUNT - 1);
	return unpack_done(&from);
}

void
message_file_pack(struct buf *to, const struct message_file *from)
{
	pack_u8(to, (uint8_t)from->kind);
	pack_u16(to, from->index);
	pack_text(to, from->name);
}

bool
message_file_unpack(struct span bytes, struct arena *arena, struct message_file *message_out)
{
	struct unpack from = unpack_start(bytes);

	message_out->kind = (enum file_kind)unpack_u8_max(&from, FILE_KIND_COUNT - 1);
	message_out->index = unpack_u16(&from);
	message_out->name = unpack_text(&from, MESSAGE_FILE_MAX_BYTES, arena);
	return unpack_done(&from);
}

void
message_secret_pack(struct buf *to, const struct message_secret *from)
{
	pack_u8(to, (uint8_t)from->kind);
	pack_text(to, from->name);
	pack_span(to, from->bytes);
}

bool
message_secret_unpack(struct span bytes, struct arena *arena, struct message_secret *message_out)
{
	struct unpack from = unpack_start(bytes);

	message_out->kind = (enum secret_kind)unpack_u8_max(&from, SECRET_KIND_COUNT - 1);
	message_out->name = unpack_text(&from, MESSAGE_NAME_MAX_BYTES, arena);
	message_out->bytes = unpack_span(&from, IPC_SHORT_MAX_BYTES);
	return unpack_done(&from);
}

void
message_lost_pack(struct buf *to, const struct message_lost *from)
{
	pack_u8(to, (uint8_t)from->peer);
	pack_u8(to, from->instance);
}

bool
message_lost_unpack(struct span bytes, struct arena *arena, struct message_lost *message_out)
{
	struct unpack from = unpack_start(bytes);

	(void)arena;
	message_out->peer = (enum role)unpack_u8_max(&from, ROLE_COUNT - 1);
	message_out->instance = unpack_u8(&from);
	return unpack_done(&from);
}

void
message_stop_pack(struct buf *to, const struct message_stop *from)
{
	pack_u32(to, from->grace_ms);
}

bool
message_stop_unpack(struct span bytes, struct arena *arena, struct message_stop *message_out)
{
	struct unpack from = unpack_start(bytes);

	(void)arena;
	message_out->grace_ms = unpack_u32(&from);
	return unpack_done(&from);
}

void
message_control_pack(struct buf *to, const struct message_control *from)
{
	pack_span(to, from->json);
	pack_bool(to, from->more);
}

bool
message_control_unpack(struct span bytes, struct arena *arena, struct message_control *message_out)
{
	struct unpack from = unpack_start(bytes);

	(void)arena;
	message_out->json = unpack_span(&from, IPC_CONTROL_MAX_BYTES);
	message_out->more = unpack_bool(&from);
	return unpack_done(&from);
}

void
message_ready_pack(struct buf *to, const struct message_ready *from)
{
	pack_u32(to, from->generation);
	pack_bool(to, from->anew);
}

bool
message_ready_unpack(struct span bytes, struct arena *arena, struct message_ready *message_out)
{
	struct unpack from = unpack_start(bytes);

	(void)arena;
	message_out->generation = unpack_u32(&from);
	message_out->anew = unpack_bool(&from);
	return unpack_done(&from);
}
