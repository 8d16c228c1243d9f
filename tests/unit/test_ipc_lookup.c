/* SPDX-License-Identifier: BSD-2-Clause */
/* The look-up protocol: what is packed is unpacked, and nothing else is. */
#include "unit.h"

#include "ipc/lookup.h"

static void
frames_come_in_pieces(void **state)
{
	struct buf bytes = BUF_INIT(0);
	struct span content;
	struct span login;
	size_t size;

	(void)state;
	lookup_question_pack(&bytes, span_text("alice"));
	lookup_question_pack(&bytes, span_text("bob"));
	for (size_t length = 0; length < LOOKUP_HEAD_BYTES + 1 + 4 + 5; length++)
		assert_int_equal(lookup_frame_next(span_first(buf_span(&bytes), length),
					 LOOKUP_QUESTION_MAX_BYTES, &content, &size),
			LOOKUP_FRAME_MORE);
	assert_int_equal(lookup_frame_next(buf_span(&bytes), LOOKUP_QUESTION_MAX_BYTES, &content, &size),
		LOOKUP_FRAME_DONE);
	assert_true(lookup_question_unpack(content, &login));
	assert_span_equal(login, "alice");
	buf_consume(&bytes, size);
	assert_int_equal(lookup_frame_next(buf_span(&bytes), LOOKUP_QUESTION_MAX_BYTES, &content, &size),
		LOOKUP_FRAME_DONE);
	assert_true(lookup_question_unpack(content, &login));
	assert_span_equal(login, "bob");
	assert_int_equal(size, buf_length(&bytes));
	buf_fini(&bytes);
}

static void
lengths_have_bounds(void **state)
{
	static const struct {
		struct span bytes;
		enum lookup_frame wanted;
	} cases[] = {
		{ SPAN_LITERAL("\0\0\0\0x"), LOOKUP_FRAME_BAD },
		{ SPAN_LITERAL("\xff\xff\xff\xff"), LOOKUP_FRAME_BAD },
		{ SPAN_LITERAL("\0\0\1\5"), LOOKUP_FRAME_BAD },  /* one more than a question has */
		{ SPAN_LITERAL("\0\0\1\4"), LOOKUP_FRAME_MORE },
		{ SPAN_LITERAL("\0\0\0\1\1"), LOOKUP_FRAME_DONE },
	};
	struct span content;
	size_t size;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_int_equal(lookup_frame_next(cases[i].bytes, LOOKUP_QUESTION_MAX_BYTES, &content,
					 &size),
			cases[i].wanted);
}

static void
questions_that_are_none(void **state)
{
	static const struct span cases[] = {
		SPAN_LITERAL(""),
		SPAN_LITERAL("\1"),
		SPAN_LITERAL("\1\0\0\0\0"),                /* no login */
		SPAN_LITERAL("\2\0\0\0\1a"),               /* another version */
		SPAN_LITERAL("\1\0\0\0\2a"),               /* torn */
		SPAN_LITERAL("\1\0\0\0\1ab"),              /* more than that */
		SPAN_LITERAL("\1\xff\xff\xff\xff" "a"),
	};
	struct span login;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_false(lookup_question_unpack(cases[i], &login));
}

static void
answers(void **state)
{
	static const struct lookup_answer cases[] = {
		{ LOOKUP_FOUND, .identity = SPAN_LITERAL("an\0identity") },
		{ LOOKUP_UNKNOWN, .identity = { NULL, 0 } },
		{ LOOKUP_UNSURE, .reason = SPAN_LITERAL("the directory does not answer") },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct buf bytes = BUF_INIT(0);
		struct lookup_answer answer;
		struct span content;
		size_t size;

		lookup_answer_pack(&bytes, &cases[i]);
		assert_int_equal(lookup_frame_next(buf_span(&bytes), LOOKUP_ANSWER_MAX_BYTES, &content,
					 &size),
			LOOKUP_FRAME_DONE);
		assert_true(lookup_answer_unpack(content, &answer));
		assert_int_equal(answer.result, cases[i].result);
		assert_true(span_equal(answer.identity, cases[i].identity));
		assert_true(span_equal(answer.reason, cases[i].reason));
		for (size_t length = 0; length < content.length; length++)
			assert_false(lookup_answer_unpack(span_first(content, length), &answer));
		buf_add_byte(&bytes, 'x');
		content = span_from(buf_span(&bytes), LOOKUP_HEAD_BYTES);
		assert_false(lookup_answer_unpack(content, &answer));
		buf_fini(&bytes);
	}
}

static void
answers_that_are_none(void **state)
{
	struct lookup_answer answer;

	(void)state;
	assert_false(lookup_answer_unpack(SPAN_LITERAL("\3"), &answer));
	assert_false(lookup_answer_unpack(SPAN_LITERAL("\0\0\1\0\1"), &answer));
	assert_false(lookup_answer_unpack(SPAN_LITERAL("\2\0\0\2\1"), &answer));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_come_in_pieces),
		cmocka_unit_test(lengths_have_bounds),
		cmocka_unit_test(questions_that_are_none),
		cmocka_unit_test(answers),
		cmocka_unit_test(answers_that_are_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
