/* SPDX-License-Identifier: BSD-2-Clause */
/* Who still needs a body file: each step from each state. */
#include "unit.h"

#include "queue/body_loans.h"

enum { FILE_NUMBER = 7 };

/* How a file came to where it is. */
enum state {
	STRANGE,
	OPEN,
	SEALED,
	UNWANTED,
};

static void
put(struct body_loans *loans, enum state state)
{
	if (state >= OPEN)
		body_loans_add(loans, FILE_NUMBER);
	if (state >= SEALED)
		body_loans_seal(loans, FILE_NUMBER);
	if (state >= UNWANTED)
		assert_false(body_loans_drop(loans, FILE_NUMBER));
	assert_int_equal(body_loans_count(loans), state != STRANGE);
	assert_int_equal(body_loans_is_open(loans, FILE_NUMBER), state == OPEN);
}

static bool
reopen(struct body_loans *loans, uint64_t number)
{
	return body_loans_reopen(loans, number, true);
}

static bool
reopen_for_nobody(struct body_loans *loans, uint64_t number)
{
	return body_loans_reopen(loans, number, false);
}

static void
each_step_from_each_state(void **state)
{
	static const struct {
		bool (*step)(struct body_loans *loans, uint64_t number);
		enum state from;
		bool answer;
		bool is_lent;
		bool is_open;
	} cases[] = {
		{ body_loans_drop, STRANGE, false, false, false },
		{ body_loans_drop, OPEN, true, false, false },
		{ body_loans_drop, SEALED, false, true, false },
		{ body_loans_drop, UNWANTED, false, true, false },
		{ body_loans_take, STRANGE, false, false, false },
		{ body_loans_take, OPEN, true, false, false },
		{ body_loans_take, SEALED, true, false, false },
		{ body_loans_take, UNWANTED, true, false, false },
		{ reopen, STRANGE, false, false, false },
		{ reopen, OPEN, false, true, true },
		{ reopen, SEALED, false, true, true },
		{ reopen, UNWANTED, true, false, false },
		{ reopen_for_nobody, OPEN, false, true, true },
		{ reopen_for_nobody, SEALED, true, false, false },
		{ reopen_for_nobody, UNWANTED, true, false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct body_loans loans = { .states = { .slots = NULL } };

		put(&loans, cases[i].from);
		assert_int_equal(cases[i].step(&loans, FILE_NUMBER), cases[i].answer);
		assert_int_equal(body_loans_count(&loans), cases[i].is_lent);
		assert_int_equal(body_loans_is_open(&loans, FILE_NUMBER), cases[i].is_open);
		body_loans_fini(&loans);
	}
}

/* The front end has gone: of many only those that no COMMIT names. */
static void
the_open_ones_are_taken(void **state)
{
	struct body_loans loans = { .states = { .slots = NULL } };
	uint64_t sum = 0;
	size_t count;
	uint64_t *open;

	(void)state;
	for (uint64_t number = 1; number <= 100; number++) {
		body_loans_add(&loans, number);
		if (number > 60)
			body_loans_seal(&loans, number);
		if (number > 80)
			assert_false(body_loans_drop(&loans, number));
	}
	open = body_loans_take_open(&loans, &count);
	assert_int_equal(count, 60);
	for (size_t i = 0; i < count; i++)
		sum += open[i];
	assert_int_equal(sum, 60 * 61 / 2);
	mem_free(&open);
	assert_int_equal(body_loans_count(&loans), 40);
	open = body_loans_take_open(&loans, &count);
	assert_int_equal(count, 0);
	mem_free(&open);
	body_loans_fini(&loans);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_step_from_each_state),
		cmocka_unit_test(the_open_ones_are_taken),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
