/* SPDX-License-Identifier: BSD-2-Clause */
/* Is there such a recipient? Bytes and structs. */
#include "ipc/message_recipient.h"

/* Nobody asks for the null path. */
static const char *
unpack_path(struct unpack *from, struct arena *arena)
{
	const char *path = unpack_text(from, MESSAGE_PATH_MAX_BYTES, arena);

	if (path[0] == '\0')
		from->bad = true;
	return path;
}

void
message_recipient_ask_pack(struct buf *to, const struct message_recipient_ask *from)
{
	pack_text(to, from->path);
}

bool
message_recipient_ask_unpack(
	struct span bytes, struct arena *arena, struct message_recipient_ask *message_out)
{
	struct unpack from = unpack_start(bytes);

	message_out->path = unpack_path(&from, arena);
	return unpack_done(&from);
}

void
message_call_ahead_pack(struct buf *to, const struct message_call_ahead *from)
{
	pack_text(to, from->path);
	pack_text(to, from->route);
}

bool
message_call_ahead_unpack(
	struct span bytes, struct arena *arena, struct message_call_ahead *message_out)
{
	struct unpack from = unpack_start(bytes);

	message_out->path = unpack_path(&from, arena);
	message_out->route = unpack_text(&from, MESSAGE_NAME_MAX_BYTES, arena);
	return unpack_done(&from);
}

void
message_recipient_told_pack(struct buf *to, const struct message_recipient_told *from)
{
	pack_u8(to, (uint8_t)from->finding);
	pack_text(to, from->enhanced);
	pack_text(to, from->text);
}

bool
message_recipient_told_unpack(
	struct span bytes, struct arena *arena, struct message_recipient_told *message_out)
{
	struct unpack from = unpack_start(bytes);

	message_out->finding = (enum finding)unpack_u8_max(&from, FINDING_COUNT - 1);
	message_out->enhanced = unpack_text(&from, MESSAGE_ENHANCED_MAX_BYTES, arena);
	message_out->text = unpack_text(&from, MESSAGE_TEXT_MAX_BYTES, arena);
	return unpack_done(&from);
}
