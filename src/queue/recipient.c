/* SPDX-License-Identifier: BSD-2-Clause */
/* How far one recipient of a queued message has come: as a struct, and as bytes on disk. */
#include "queue/recipient.h"

const char *
recipient_stage_name(enum recipient_stage stage)
{
	static const char *const names[RECIPIENT_STAGE_COUNT] = { "waiting", "delivered", "relayed",
		"failed", "deleted" };
	return names[stage];
}

void
recipient_pack(struct buf *to, const struct recipient *recipient)
{
	pack_u8(to, (uint8_t)recipient->stage);
	pack_u32(to, recipient->attempts);
	pack_bool(to, recipient->delay_told);
	pack_u64(to, (uint64_t)recipient->tried_ms);
	pack_u64(to, recipient->job);
	pack_u16(to, recipient->code);
	pack_text(to, recipient->enhanced);
	pack_text(to, recipient->text);
	pack_text(to, recipient->hop);
}

void
recipient_unpack(struct unpack *from, struct arena *arena, struct recipient *recipient_out)
{
	recipient_out->stage = (enum recipient_stage)unpack_u8_max(from, RECIPIENT_STAGE_COUNT - 1);
	recipient_out->attempts = unpack_u32(from);
	recipient_out->delay_told = unpack_bool(from);
	recipient_out->tried_ms = (int64_t)unpack_u64(from);
	recipient_out->job = unpack_u64(from);
	recipient_out->code = unpack_u16(from);
	recipient_out->enhanced = unpack_text(from, MESSAGE_NAME_MAX_BYTES, arena);
	recipient_out->text = unpack_text(from, RECIPIENT_TEXT_MAX_BYTES, arena);
	recipient_out->hop = unpack_text(from, MESSAGE_NAME_MAX_BYTES, arena);
}
