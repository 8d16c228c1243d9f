/* SPDX-License-Identifier: BSD-2-Clause */
/* What comes over the look-up socket, to either end: refused, or what can be packed to the same again. */
#include "fuzz.h"

#include "ipc/lookup.h"
#include "policy/identity.h"

static void
check_question(struct span content)
{
	struct buf packed = BUF_INIT(0);
	struct span login;

	if (!lookup_question_unpack(content, &login))
		return;
	FUZZ_CHECK(login.length > 0 && login.length <= LOOKUP_LOGIN_MAX_BYTES);
	lookup_question_pack(&packed, login);
	FUZZ_CHECK(span_equal(span_from(buf_span(&packed), LOOKUP_HEAD_BYTES), content));
	buf_fini(&packed);
}

static void
check_identity(struct span bytes)
{
	struct arena *arena = arena_new(0);
	struct buf packed = BUF_INIT(0);
	struct identity identity;

	if (identity_unpack(bytes, arena, &identity)) {
		FUZZ_CHECK(identity.login[0]);
		identity_pack(&packed, &identity);
		FUZZ_CHECK(span_equal(buf_span(&packed), bytes));
	}
	buf_fini(&packed);
	arena_free(&arena);
}

static void
check_answer(struct span content)
{
	struct buf packed = BUF_INIT(0);
	struct lookup_answer answer;

	if (!lookup_answer_unpack(content, &answer))
		return;
	FUZZ_CHECK(answer.result < LOOKUP_RESULT_COUNT);
	FUZZ_CHECK(answer.result == LOOKUP_FOUND || answer.identity.length == 0);
	FUZZ_CHECK(answer.reason.length <= LOOKUP_REASON_MAX_BYTES);
	lookup_answer_pack(&packed, &answer);
	FUZZ_CHECK(span_equal(span_from(buf_span(&packed), LOOKUP_HEAD_BYTES), content));
	if (answer.result == LOOKUP_FOUND)
		check_identity(answer.identity);
	buf_fini(&packed);
}

static void
check_frames(struct span in, size_t max, void (*check)(struct span content))
{
	enum lookup_frame frame;
	struct span content;
	size_t size;

	while ((frame = lookup_frame_next(in, max, &content, &size)) == LOOKUP_FRAME_DONE) {
		struct span copy = fuzz_copy(content);

		FUZZ_CHECK(content.length > 0 && content.length <= max);
		FUZZ_CHECK(size == LOOKUP_HEAD_BYTES + content.length);
		check(copy);
		fuzz_free(copy);
		in = span_from(in, size);
	}
	FUZZ_CHECK(frame != LOOKUP_FRAME_MORE || in.length < LOOKUP_HEAD_BYTES + max);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct span in = fuzz_input(bytes, size);

	check_question(in);
	check_answer(in);
	check_frames(in, LOOKUP_QUESTION_MAX_BYTES, check_question);
	check_frames(in, LOOKUP_ANSWER_MAX_BYTES, check_answer);
	return 0;
}
