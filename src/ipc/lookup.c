/* SPDX-License-Identifier: BSD-2-Clause */
/* The look-up protocol: frames, questions, answers; pure. */
#include "ipc/lookup.h"

#include <assert.h>

#include "base/pack.h"

enum lookup_frame
lookup_frame_next(struct span bytes, size_t max, struct span *content_out, size_t *size_out)
{
	struct unpack head = unpack_start(span_first(bytes, LOOKUP_HEAD_BYTES));
	uint32_t length;

	if (bytes.length < LOOKUP_HEAD_BYTES)
		return LOOKUP_FRAME_MORE;
	length = unpack_u32(&head);
	if (length == 0 || length > max)
		return LOOKUP_FRAME_BAD;
	if (bytes.length - LOOKUP_HEAD_BYTES < length)
		return LOOKUP_FRAME_MORE;
	*content_out = span_first(span_from(bytes, LOOKUP_HEAD_BYTES), length);
	*size_out = LOOKUP_HEAD_BYTES + length;
	return LOOKUP_FRAME_DONE;
}

void
lookup_question_pack(struct buf *to, struct span login)
{
	assert(login.length <= LOOKUP_LOGIN_MAX_BYTES);
	pack_u32(to, (uint32_t)(1 + 4 + login.length));
	pack_u8(to, LOOKUP_VERSION);
	pack_span(to, login);
}

bool
lookup_question_unpack(struct span content, struct span *login_out)
{
	struct unpack from = unpack_start(content);
	uint8_t version = unpack_u8(&from);
	struct span login = unpack_span(&from, LOOKUP_LOGIN_MAX_BYTES);

	if (!unpack_done(&from) || version != LOOKUP_VERSION || login.length == 0)
		return false;
	*login_out = login;
	return true;
}

/* What stands behind the word; NULL: nothing does. */
static const struct span *
part_of(const struct lookup_answer *answer)
{
	switch (answer->result) {
	case LOOKUP_FOUND:
		return &answer->identity;
	case LOOKUP_UNSURE:
		return &answer->reason;
	case LOOKUP_UNKNOWN:
	case LOOKUP_RESULT_COUNT:
		break;
	}
	return NULL;
}

void
lookup_answer_pack(struct buf *to, const struct lookup_answer *answer)
{
	const struct span *part = part_of(answer);

	assert(!part || part->length <= LOOKUP_IDENTITY_MAX_BYTES);
	pack_u32(to, (uint32_t)(1 + (part ? 4 + part->length : 0)));
	pack_u8(to, (uint8_t)answer->result);
	if (part)
		pack_span(to, *part);
}

bool
lookup_answer_unpack(struct span content, struct lookup_answer *answer_out)
{
	struct unpack from = unpack_start(content);
	struct lookup_answer answer = { .result = LOOKUP_UNSURE };

	answer.result = (enum lookup_result)unpack_u8_max(&from, LOOKUP_RESULT_COUNT - 1);
	if (from.bad)
		return false;
	if (answer.result == LOOKUP_FOUND)
		answer.identity = unpack_span(&from, LOOKUP_IDENTITY_MAX_BYTES);
	else if (answer.result == LOOKUP_UNSURE)
		answer.reason = unpack_span(&from, LOOKUP_REASON_MAX_BYTES);
	if (!unpack_done(&from))
		return false;
	*answer_out = answer;
	return true;
}
