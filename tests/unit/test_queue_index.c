/* SPDX-License-Identifier: BSD-2-Clause */
/* The hash table against a plain array, through growth, holes and shrinking. */
#include "queue/index.h"
#include "unit.h"

enum { KEYS = 3000, STEPS = 200000 };

static void
test_against_an_array(void **state)
{
	(void)state;
	static int values[KEYS];
	static bool there[KEYS];
	struct index index = { .slots = NULL };
	uint64_t number = 1;
	size_t count = 0;
	for (int i = 0; i < STEPS; i++) {
		number = number * UINT64_C(6364136223846793005) + 1442695040888963407u;
		/* first it grows, then it shrinks; keys lie close together and far apart */
		bool add = (number >> 33) % 100 < (i < STEPS / 2 ? 60 : 30);
		size_t at = (number >> 40) % KEYS;
		uint64_t key = at % 2 ? at : (uint64_t)at << 40;
		if (add && !there[at]) {
			index_add(&index, key, &values[at]);
			there[at] = true;
			count++;
		} else if (!add) {
			assert_ptr_equal(index_take(&index, key), there[at] ? &values[at] : NULL);
			count -= there[at];
			there[at] = false;
		}
		assert_ptr_equal(index_find(&index, key), there[at] ? &values[at] : NULL);
		assert_int_equal(index.count, count);
	}
	for (size_t at = 0; at < KEYS; at++) {
		uint64_t key = at % 2 ? at : (uint64_t)at << 40;
		assert_ptr_equal(index_find(&index, key), there[at] ? &values[at] : NULL);
	}
	uint64_t key;
	for (; count; count--) {
		void *value = index_any(&index, &key);
		assert_non_null(value);
		assert_ptr_equal(index_take(&index, key), value);
	}
	assert_null(index_any(&index, &key));
	assert_true(index.room <= 16);
	index_fini(&index);
}

static void
test_empty(void **state)
{
	(void)state;
	struct index index = { .slots = NULL };
	assert_null(index_find(&index, 0));
	assert_null(index_take(&index, 0));
	index_fini(&index);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_an_array),
		cmocka_unit_test(test_empty),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
