/* SPDX-License-Identifier: BSD-2-Clause */
/* Decoys show each iteration count as often as real accounts do. */
#include "unit.h"

#include <stdio.h>

#include "auth/scram_mix.h"

enum { NAMES = 4000 };

static const struct span secret = SPAN_LITERAL("the secret of a database");

static uint32_t
choose(const struct scram_mix *mix, enum scram_hash hash, unsigned number)
{
	char name[32];

	snprintf(name, sizeof name, "name-%u", number);
	return scram_mix_choose(mix, hash, secret, span_text(name), 77);
}

static void
without_keys_it_is_the_setting(void **state)
{
	struct scram_mix mix = { .counts = { 0 } };

	(void)state;
	assert_int_equal(choose(&mix, SCRAM_SHA_256, 1), 77);
	scram_mix_add(&mix, SCRAM_SHA_1, 4096, 10);
	assert_int_equal(choose(&mix, SCRAM_SHA_256, 1), 77);
	assert_int_equal(choose(&mix, SCRAM_SHA_1, 1), 4096);
}

static void
each_as_often_as_real_ones(void **state)
{
	struct scram_mix mix = { .counts = { 0 } };
	unsigned old = 0;

	(void)state;
	scram_mix_add(&mix, SCRAM_SHA_256, 4096, 25);
	scram_mix_add(&mix, SCRAM_SHA_256, 10000, 75);
	scram_mix_add(&mix, SCRAM_SHA_1, 4096, 25);
	scram_mix_add(&mix, SCRAM_SHA_1, 10000, 75);
	for (unsigned i = 0; i < NAMES; i++) {
		uint32_t chosen = choose(&mix, SCRAM_SHA_256, i);

		old += chosen == 4096;
		/* Both keys of an account are made together. */
		assert_int_equal(choose(&mix, SCRAM_SHA_1, i), chosen);
		assert_int_equal(choose(&mix, SCRAM_SHA_256, i), chosen);
	}
	/* 1000, with a deviation of 27. */
	assert_in_range(old, 860, 1140);
}

static void
few_names_change_when_an_account_does(void **state)
{
	struct scram_mix before = { .counts = { 0 } };
	struct scram_mix after = { .counts = { 0 } };
	unsigned changed = 0;
	unsigned back = 0;

	(void)state;
	scram_mix_add(&before, SCRAM_SHA_256, 4096, 500);
	scram_mix_add(&before, SCRAM_SHA_256, 10000, 500);
	scram_mix_add(&after, SCRAM_SHA_256, 4096, 495);
	scram_mix_add(&after, SCRAM_SHA_256, 10000, 505);
	for (unsigned i = 0; i < NAMES; i++) {
		uint32_t first = choose(&before, SCRAM_SHA_256, i);
		uint32_t second = choose(&after, SCRAM_SHA_256, i);

		changed += first != second;
		back += first > second;
	}
	/* 20 expected; and always from the old count to the new one, as a new password does. */
	assert_in_range(changed, 1, 60);
	assert_int_equal(back, 0);
}

static void
more_counts_than_there_is_room_for(void **state)
{
	struct scram_mix mix = { .counts = { 0 } };

	(void)state;
	for (uint32_t i = 0; i < 3 * SCRAM_MIX_ROWS_MAX; i++)
		scram_mix_add(&mix, SCRAM_SHA_256, 4096 + i, 1);
	assert_int_equal(mix.counts[SCRAM_SHA_256], SCRAM_MIX_ROWS_MAX);
	for (unsigned i = 0; i < 100; i++)
		assert_in_range(choose(&mix, SCRAM_SHA_256, i), 4096, 4095 + SCRAM_MIX_ROWS_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_keys_it_is_the_setting),
		cmocka_unit_test(each_as_often_as_real_ones),
		cmocka_unit_test(few_names_change_when_an_account_does),
		cmocka_unit_test(more_counts_than_there_is_room_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
