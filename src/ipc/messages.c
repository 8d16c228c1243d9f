/* SPDX-License-Identifier: BSD-2-Clause */
/* The message table, and the answer "no". */
#include "ipc/messages.h"

#define MESSAGE(id, from, to, cap, fds, secret) [MSG_##id] = { #id, from, to, cap, fds, secret },
static const struct message_rule rules[MESSAGE_COUNT] = { IPC_MESSAGES(MESSAGE) };
#undef MESSAGE

const struct message_rule *
message_rule(unsigned id)
{
	return id > MSG_NONE && id < MESSAGE_COUNT ? &rules[id] : NULL;
}

void
message_refused_pack(struct buf *to, const struct message_refused *from)
{
	pack_u16(to, from->code);
	pack_text(to, from->enhanced);
	pack_text(to, from->text);
}

bool
message_refused_unpack(struct span bytes, struct arena *arena, struct message_refused *message_out)
{
	struct unpack from = unpack_start(bytes);

	message_out->code = unpack_u16(&from);
	message_out->enhanced = unpack_text(&from, MESSAGE_ENHANCED_MAX_BYTES, arena);
	message_out->text = unpack_text(&from, MESSAGE_TEXT_MAX_BYTES, arena);
	return unpack_done(&from);
}
