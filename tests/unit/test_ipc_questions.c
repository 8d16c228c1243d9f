/* SPDX-License-Identifier: BSD-2-Clause */
/* Questions under way and the numbers they bear. */
#include "unit.h"

#include "io/loop.h"
#include "ipc/questions.h"

struct asker {
	struct questions *questions;
	unsigned answers;
	unsigned ends;
	uint32_t forget;
	bool again;
};

static bool
on_answer(void *context, struct channel_message *answer)
{
	struct asker *asker = context;

	if (!answer) {
		asker->ends++;
		return true;
	}
	asker->answers++;
	if (asker->forget)
		questions_forget(asker->questions, asker->forget);
	if (asker->again)
		assert_true(questions_add(asker->questions, 0, on_answer, asker) != 0);
	return true;
}

static void
numbers(void **state)
{
	struct loop *loop = loop_new();
	struct asker asker = { .questions = questions_new(loop) };
	struct channel_message answer = { .fd = -1 };
	uint32_t first = questions_add(asker.questions, 0, on_answer, &asker);
	uint32_t second;

	(void)state;
	assert_true(first != 0);
	questions_answer(asker.questions, first, &answer);
	assert_int_equal(asker.answers, 1);
	questions_answer(asker.questions, first, &answer);
	assert_int_equal(asker.answers, 1);
	/* The same slot, another number. */
	second = questions_add(asker.questions, 0, on_answer, &asker);
	assert_true(second != 0 && second != first);
	questions_answer(asker.questions, first, &answer);
	questions_answer(asker.questions, 0, &answer);
	questions_answer(asker.questions, UINT32_MAX, &answer);
	assert_int_equal(asker.answers, 1);
	/* A callback that forgets its own question, and one that asks again. */
	asker.forget = second;
	asker.again = true;
	questions_answer(asker.questions, second, &answer);
	assert_int_equal(asker.answers, 2);
	questions_fail(asker.questions);
	assert_int_equal(asker.ends, 1);
	questions_free(&asker.questions);
	loop_free(&loop);
}

static void
many(void **state)
{
	enum { COUNT = 5000 };
	struct loop *loop = loop_new();
	struct asker asker = { .questions = questions_new(loop) };
	struct channel_message answer = { .fd = -1 };
	static uint32_t asked[COUNT];

	(void)state;
	for (unsigned i = 0; i < COUNT; i++)
		asked[i] = questions_add(asker.questions, 60000, on_answer, &asker);
	for (unsigned i = 0; i < COUNT; i += 2)
		questions_answer(asker.questions, asked[i], &answer);
	assert_int_equal(asker.answers, COUNT / 2);
	questions_fail(asker.questions);
	assert_int_equal(asker.ends, COUNT / 2);
	questions_free(&asker.questions);
	loop_free(&loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
