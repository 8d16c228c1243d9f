/* SPDX-License-Identifier: BSD-2-Clause */
/* The frame around a message between two roles. */
#include "ipc/frame.h"

void
frame_pack_head(struct buf *to, const struct frame *frame)
{
	pack_u32(to, (uint32_t)frame->content.length);
	pack_u16(to, (uint16_t)frame->id);
	pack_u16(to, (uint16_t)frame->flags);
	pack_u32(to, frame->request);
}

/* Does the rule allow this many descriptors? */
static bool
check_fd(const struct message_rule *rule, bool has_fd)
{
	return rule->fds < 0 || rule->fds == (has_fd ? 1 : 0);
}

static bool
check_flags(unsigned flags, uint32_t request)
{
	unsigned kind = flags & ~(unsigned)FRAME_HAS_FD;

	if (kind == 0)
		return request == 0;
	return (kind == FRAME_ASKS || kind == FRAME_ANSWERS) && request != 0;
}

static enum frame_result
check_head(const struct frame *frame, uint32_t length, unsigned from, unsigned to,
	struct fault *fault)
{
	const struct message_rule *rule = message_rule(frame->id);

	if (!rule)
		fault_set(fault, FAULT_PEER, "unknown message %u", (unsigned)frame->id);
	else if (!(rule->from & from) || !(rule->to & to))
		fault_set(fault, FAULT_PEER, "%s from the wrong role", rule->name);
	else if (length > rule->max_bytes)
		fault_set(fault, FAULT_PEER, "%s of %lu bytes", rule->name, (unsigned long)length);
	else if (!check_flags(frame->flags, frame->request))
		fault_set(fault, FAULT_PEER, "%s with flags %#x and request %lu", rule->name,
			frame->flags, (unsigned long)frame->request);
	else if (!check_fd(rule, frame->flags & FRAME_HAS_FD))
		fault_set(fault, FAULT_PEER, "%s with a descriptor too many or too few",
			rule->name);
	else
		return FRAME_DONE;
	return FRAME_BAD;
}

enum frame_result
frame_next(struct span bytes, unsigned from, unsigned to, struct frame *frame_out,
	size_t *frame_size_out, struct fault *fault_out)
{
	struct unpack head = unpack_start(span_first(bytes, FRAME_HEAD_BYTES));
	struct frame frame = { .id = MSG_NONE };
	uint32_t length = unpack_u32(&head);

	frame.id = (enum message_id)unpack_u16(&head);
	frame.flags = unpack_u16(&head);
	frame.request = unpack_u32(&head);
	*frame_size_out = FRAME_HEAD_BYTES;
	if (!unpack_done(&head))
		return FRAME_MORE;
	if (check_head(&frame, length, from, to, fault_out) == FRAME_BAD)
		return FRAME_BAD;
	*frame_size_out += length;
	if (bytes.length < *frame_size_out)
		return FRAME_MORE;
	frame.content = span_of(bytes.start + FRAME_HEAD_BYTES, length);
	*frame_out = frame;
	return FRAME_DONE;
}
