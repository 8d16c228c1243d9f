/* SPDX-License-Identifier: BSD-2-Clause */
/* Who is next: due times, slots, fairness between destinations and senders, fresh before tried. */
#include "queue/schedule.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

static struct schedule *schedule;

static int
set_up(void **state)
{
	(void)state;
	schedule = schedule_new();
	schedule_set_slots(schedule, 100);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	schedule_free(&schedule);
	return 0;
}

static struct schedule_lot
lot_of(uint64_t flow, bool fresh)
{
	return (struct schedule_lot){ .flow = flow, .fresh = fresh };
}

static void
test_due_order(void **state)
{
	(void)state;
	struct schedule_destination *to = schedule_destination(schedule, "a", 100);
	static const int64_t due[] = { 50, 10, 40, 10, 30, 20 };
	struct schedule_lot lots[6];
	for (size_t i = 0; i < 6; i++) {
		lots[i] = lot_of(i, true);
		schedule_add(schedule, to, &lots[i], due[i]);
	}
	assert_int_equal(schedule_next_due(schedule), 10);
	assert_null(schedule_take(schedule, 9));
	int64_t before = 0;
	for (size_t i = 0; i < 6; i++) {
		struct schedule_lot *lot = schedule_take(schedule, 50);
		assert_non_null(lot);
		assert_true(lot->due_ms >= before);
		before = lot->due_ms;
		assert_int_equal(lot->state, SCHEDULE_UNDER_WAY);
	}
	assert_null(schedule_take(schedule, 50));
	assert_int_equal(schedule_next_due(schedule), INT64_MAX);
	assert_int_equal(schedule_count(schedule).under_way, 6);
}

static void
test_slots_of_destination_and_in_all(void **state)
{
	(void)state;
	struct schedule_destination *a = schedule_destination(schedule, "a", 2);
	struct schedule_destination *b = schedule_destination(schedule, "b", 2);
	struct schedule_lot lots[16];
	for (size_t i = 0; i < 16; i++) {
		lots[i] = lot_of(1, true);
		schedule_add(schedule, i % 2 ? b : a, &lots[i], 0);
	}
	struct schedule_lot *first = schedule_take(schedule, 1);
	for (int i = 0; i < 3; i++)
		assert_non_null(schedule_take(schedule, 1));
	assert_null(schedule_take(schedule, 1));
	schedule_done(schedule, first);
	struct schedule_lot *next = schedule_take(schedule, 1);
	assert_ptr_equal(next->destination, first->destination);
	assert_null(schedule_take(schedule, 1));
	schedule_set_slots(schedule, 4);
	schedule_done(schedule, next);
	assert_non_null(schedule_take(schedule, 1));
	schedule_destination(schedule, "a", 10); /* more for one: the total still holds */
	assert_null(schedule_take(schedule, 1));
	schedule_set_slots(schedule, 5);
	assert_ptr_equal(schedule_take(schedule, 1)->destination, a);
	schedule_set_slots(schedule, 0);
	assert_null(schedule_take(schedule, 1));
}

/* A destination that is full, or has much to do, does not keep others from theirs. */
static void
test_destinations_take_turns(void **state)
{
	(void)state;
	struct schedule_lot lots[12];
	struct schedule_destination *big = schedule_destination(schedule, "big", 100);
	struct schedule_destination *small = schedule_destination(schedule, "small", 100);
	for (size_t i = 0; i < 10; i++) {
		lots[i] = lot_of(1, true);
		schedule_add(schedule, big, &lots[i], 0);
	}
	for (size_t i = 10; i < 12; i++) {
		lots[i] = lot_of(1, true);
		schedule_add(schedule, small, &lots[i], 1);
	}
	size_t at_small = 0;
	for (int i = 0; i < 4; i++)
		at_small += schedule_take(schedule, 1)->destination == small;
	assert_int_equal(at_small, 2);
}

static void
test_senders_take_turns(void **state)
{
	(void)state;
	struct schedule_destination *to = schedule_destination(schedule, "a", 100);
	struct schedule_lot lots[103];
	for (size_t i = 0; i < 100; i++) {
		lots[i] = lot_of(1, true);
		schedule_add(schedule, to, &lots[i], (int64_t)i);
	}
	for (size_t i = 100; i < 103; i++) {
		lots[i] = lot_of(i, true);
		schedule_add(schedule, to, &lots[i], 100);
	}
	size_t others = 0;
	for (int i = 0; i < 4; i++)
		others += schedule_take(schedule, 100)->flow >= 100;
	assert_int_equal(others, 3);
	/* within one sender, first come first served */
	assert_ptr_equal(schedule_take(schedule, 100), &lots[1]);
	assert_ptr_equal(schedule_take(schedule, 100), &lots[2]);
}

static void
test_fresh_before_tried_but_not_for_ever(void **state)
{
	(void)state;
	struct schedule_destination *to = schedule_destination(schedule, "a", 100);
	struct schedule_lot lots[40];
	for (size_t i = 0; i < 40; i++) {
		lots[i] = lot_of(1, i >= 20);
		schedule_add(schedule, to, &lots[i], 0);
	}
	size_t tried = 0;
	for (int i = 0; i < 20; i++)
		tried += !schedule_take(schedule, 0)->fresh;
	assert_int_equal(tried, 5);
	for (int i = 0; i < 20; i++)
		tried += !schedule_take(schedule, 0)->fresh;
	assert_int_equal(tried, 20);
}

static void
test_remove(void **state)
{
	(void)state;
	struct schedule_destination *to = schedule_destination(schedule, "a", 100);
	struct schedule_lot lots[6];
	for (size_t i = 0; i < 6; i++) {
		lots[i] = lot_of(i / 2, true);
		schedule_add(schedule, to, &lots[i], i == 5 ? 100 : 0);
	}
	struct schedule_lot *taken = schedule_take(schedule, 0);
	assert_ptr_equal(taken, &lots[0]);
	schedule_remove(schedule, &lots[1]); /* ready, the last of its sender */
	schedule_remove(schedule, &lots[2]); /* ready, the first of its sender */
	schedule_remove(schedule, &lots[5]); /* waiting */
	assert_int_equal(lots[1].state, SCHEDULE_IDLE);
	assert_int_equal(lots[5].state, SCHEDULE_IDLE);
	schedule_remove(schedule, &lots[1]);
	assert_ptr_equal(schedule_take(schedule, 100), &lots[3]);
	assert_ptr_equal(schedule_take(schedule, 100), &lots[4]);
	assert_null(schedule_take(schedule, 100));
	assert_int_equal(schedule_count(schedule).ready, 0);
	assert_int_equal(schedule_count(schedule).waiting, 0);
	schedule_add(schedule, to, &lots[1], 0);
	assert_ptr_equal(schedule_take(schedule, 0), &lots[1]);
}

static void
test_many(void **state)
{
	(void)state;
	enum { LOTS = 100000, DESTINATIONS = 37 };
	struct schedule_lot *lots = calloc(LOTS, sizeof(*lots));
	struct schedule_destination *to[DESTINATIONS];
	uint64_t number = 7;
	schedule_set_slots(schedule, 1000);
	for (size_t i = 0; i < DESTINATIONS; i++) {
		char name[20];
		snprintf(name, sizeof(name), "d%zu", i);
		to[i] = schedule_destination(schedule, name, 50);
	}
	for (size_t i = 0; i < LOTS; i++) {
		number = number * UINT64_C(6364136223846793005) + 1;
		lots[i] = lot_of((number >> 50) % 100, (number >> 33) % 2);
		schedule_add(schedule, to[i % DESTINATIONS], &lots[i],
			(int64_t)(number >> 30) % 1000000);
	}
	for (size_t i = 0; i < LOTS; i += 7)
		schedule_remove(schedule, &lots[i]);
	size_t taken = 0;
	int64_t now = 0;
	while (schedule_next_due(schedule) != INT64_MAX || schedule_count(schedule).ready) {
		struct schedule_lot *lot = schedule_take(schedule, now);
		if (!lot) {
			now = schedule_next_due(schedule);
			continue;
		}
		assert_true(lot->due_ms <= now);
		taken++;
		schedule_done(schedule, lot);
	}
	assert_int_equal(taken, LOTS - (LOTS + 6) / 7);
	free(lots);
}

static void
test_retry(void **state)
{
	(void)state;
	static const uint64_t items[] = { 5, 10, 20 };
	const struct settings_durations retry = { items, 3 };
	const struct settings_durations none = { NULL, 0 };
	assert_int_equal(schedule_retry_ms(&retry, 1), 5);
	assert_int_equal(schedule_retry_ms(&retry, 2), 10);
	assert_int_equal(schedule_retry_ms(&retry, 3), 20);
	assert_int_equal(schedule_retry_ms(&retry, 1000), 20);
	assert_int_equal(schedule_retry_ms(&retry, 0), 5);
	assert_true(schedule_retry_ms(&none, 1) > 0);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_due_order),
		TEST(test_slots_of_destination_and_in_all),
		TEST(test_destinations_take_turns),
		TEST(test_senders_take_turns),
		TEST(test_fresh_before_tried_but_not_for_ever),
		TEST(test_remove),
		TEST(test_many),
		TEST(test_retry),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
