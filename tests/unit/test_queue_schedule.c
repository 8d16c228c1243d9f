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
	schedule_set_rests(schedule, (struct schedule_rests){ 1000, 8000 });
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
	return (struct schedule_lot){ .flow = flow,
		.class = fresh ? SCHEDULE_NORMAL : SCHEDULE_TRIED };
}

/* A destination that is known to take as many as it may. */
static struct schedule_destination *
open_destination(const char *name, unsigned slots)
{
	struct schedule_destination *to = schedule_destination(schedule, name, slots);
	struct schedule_lot lot = { .destination = to };
	for (unsigned i = 0; i < slots; i++)
		schedule_saw(schedule, &lot, SCHEDULE_ARRIVED, "", 0);
	return to;
}

static void
test_due_order(void **state)
{
	(void)state;
	struct schedule_destination *to = open_destination("a", 100);
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
	struct schedule_destination *big = open_destination("big", 100);
	struct schedule_destination *small = open_destination("small", 100);
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
	struct schedule_destination *to = open_destination("a", 100);
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
	struct schedule_destination *to = open_destination("a", 100);
	struct schedule_lot lots[40];
	for (size_t i = 0; i < 40; i++) {
		lots[i] = lot_of(1, i >= 20);
		schedule_add(schedule, to, &lots[i], 0);
	}
	size_t tried = 0;
	for (int i = 0; i < 20; i++)
		tried += schedule_take(schedule, 0)->class == SCHEDULE_TRIED;
	assert_int_equal(tried, 5);
	for (int i = 0; i < 20; i++)
		tried += schedule_take(schedule, 0)->class == SCHEDULE_TRIED;
	assert_int_equal(tried, 20);
}

static void
test_remove(void **state)
{
	(void)state;
	struct schedule_destination *to = open_destination("a", 100);
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

/* Of eight turns, when all have somebody; then those of the classes that are left. */
static void
test_classes_take_turns(void **state)
{
	(void)state;
	enum { EACH = 80 };
	static struct schedule_lot lots[SCHEDULE_CLASS_COUNT][EACH];
	size_t taken[SCHEDULE_CLASS_COUNT] = { 0 };
	struct schedule_destination *to = open_destination("a", 1000);
	schedule_set_slots(schedule, 1000);
	for (unsigned class = 0; class < SCHEDULE_CLASS_COUNT; class++) {
		for (size_t i = 0; i < EACH; i++) {
			lots[class][i] = (struct schedule_lot){ .class = class };
			schedule_add(schedule, to, &lots[class][i], 0);
		}
	}
	for (size_t i = 0; i < 160; i++)
		taken[schedule_take(schedule, 0)->class]++;
	assert_int_equal(taken[SCHEDULE_HIGH], 60);
	assert_int_equal(taken[SCHEDULE_NORMAL], 40);
	assert_int_equal(taken[SCHEDULE_LOW], 20);
	assert_int_equal(taken[SCHEDULE_TRIED], 40);
	for (size_t i = 0; i < 4 * EACH - 160; i++)
		taken[schedule_take(schedule, 0)->class]++;
	for (unsigned class = 0; class < SCHEDULE_CLASS_COUNT; class++)
		assert_int_equal(taken[class], EACH);
}

static struct schedule_standing seen;

static void
see(void *context, const struct schedule_standing *standing)
{
	(void)context;
	seen = *standing;
}

static struct schedule_standing
standing(void)
{
	schedule_visit(schedule, see, NULL);
	return seen;
}

static struct schedule_lot *
try_once(int64_t now_ms, enum schedule_sight sight)
{
	struct schedule_lot *lot = schedule_take(schedule, now_ms);
	assert_non_null(lot);
	schedule_done(schedule, lot);
	schedule_saw(schedule, lot, sight, "refused", now_ms);
	schedule_add(schedule, lot->destination, lot, now_ms);
	return lot;
}

static void
test_rests_grow(void **state)
{
	(void)state;
	static const int64_t rests[] = { 1000, 2000, 4000, 8000, 8000 };
	struct schedule_destination *to = schedule_destination(schedule, "a", 20);
	struct schedule_lot lots[30];
	int64_t now_ms = 5000;
	for (size_t i = 0; i < 30; i++) {
		lots[i] = lot_of(i, true);
		schedule_add(schedule, to, &lots[i], 0);
	}
	for (size_t i = 0; i < sizeof(rests) / sizeof(rests[0]); i++) {
		try_once(now_ms, SCHEDULE_UNREACHED);
		assert_int_equal(standing().outages, i + 1);
		assert_int_equal(standing().rest_until_ms, now_ms + rests[i]);
		assert_int_equal(standing().is_down, rests[i] == 8000);
		assert_int_equal(standing().failing_ms, 5000);
		assert_string_equal(standing().why, "refused");
		assert_null(schedule_take(schedule, now_ms));
		assert_null(schedule_take(schedule, now_ms + rests[i] - 1));
		assert_int_equal(schedule_next_due(schedule), now_ms + rests[i]);
		now_ms += rests[i];
	}
	/* One alone tries it again; when it has arrived, more and more follow. */
	struct schedule_lot *first = schedule_take(schedule, now_ms);
	assert_non_null(first);
	assert_null(schedule_take(schedule, now_ms));
	schedule_done(schedule, first);
	schedule_saw(schedule, first, SCHEDULE_ARRIVED, "", now_ms);
	assert_int_equal(standing().outages, 0);
	struct schedule_lot *second = schedule_take(schedule, now_ms);
	assert_non_null(second);
	assert_non_null(schedule_take(schedule, now_ms));
	assert_null(schedule_take(schedule, now_ms));
	schedule_done(schedule, second);
	schedule_saw(schedule, second, SCHEDULE_ARRIVED, "", now_ms);
	assert_non_null(schedule_take(schedule, now_ms));
	assert_non_null(schedule_take(schedule, now_ms));
	assert_null(schedule_take(schedule, now_ms));
	assert_int_equal(standing().open, 3);
}

/* What was sent before a destination went to rest says nothing new. */
static void
test_one_outage_counts_once(void **state)
{
	(void)state;
	struct schedule_destination *to = schedule_destination(schedule, "a", 20);
	struct schedule_lot lots[10];
	for (size_t i = 0; i < 10; i++) {
		lots[i] = lot_of(i, true);
		schedule_add(schedule, to, &lots[i], 0);
		assert_non_null(schedule_take(schedule, 1));
	}
	for (size_t i = 0; i < 10; i++) {
		schedule_done(schedule, &lots[i]);
		schedule_saw(schedule, &lots[i], SCHEDULE_UNREACHED, "refused", 1);
	}
	assert_int_equal(standing().outages, 1);
	assert_int_equal(standing().rest_until_ms, 1001);
}

static void
test_others_go_on_while_one_rests(void **state)
{
	(void)state;
	struct schedule_lot lots[20];
	struct schedule_destination *dead = schedule_destination(schedule, "dead", 20);
	struct schedule_destination *well = schedule_destination(schedule, "well", 20);
	schedule_set_slots(schedule, 2);
	for (size_t i = 0; i < 20; i++) {
		lots[i] = lot_of(1, true);
		schedule_add(schedule, i < 10 ? dead : well, &lots[i], i < 10 ? 0 : 10);
	}
	assert_ptr_equal(try_once(1, SCHEDULE_UNREACHED)->destination, dead);
	for (size_t i = 10; i < 20; i++) {
		struct schedule_lot *lot = schedule_take(schedule, 20);
		assert_ptr_equal(lot->destination, well);
		schedule_done(schedule, lot);
	}
	assert_null(schedule_take(schedule, 20));
	/* By hand: at once. */
	schedule_wake(schedule);
	assert_ptr_equal(schedule_take(schedule, 20)->destination, dead);
}

static void
test_what_is_due_at_one_that_is_down(void **state)
{
	(void)state;
	struct schedule_destination *to = schedule_destination(schedule, "a", 20);
	struct schedule_lot lots[3];
	for (size_t i = 0; i < 3; i++) {
		lots[i] = lot_of(i, true);
		schedule_add(schedule, to, &lots[i], i == 2 ? 100000 : 0);
	}
	int64_t now_ms = 1;
	for (size_t i = 0; i < 3; i++, now_ms += 10000) {
		try_once(now_ms, SCHEDULE_UNREACHED);
		assert_null(schedule_take_shut(schedule, now_ms));
	}
	try_once(now_ms, SCHEDULE_UNREACHED);
	assert_true(standing().is_down);
	for (size_t i = 0; i < 2; i++) {
		struct schedule_lot *lot = schedule_take_shut(schedule, now_ms);
		assert_non_null(lot);
		assert_int_equal(lot->state, SCHEDULE_IDLE);
	}
	assert_null(schedule_take_shut(schedule, now_ms));
	assert_int_equal(schedule_count(schedule).waiting, 1);
	assert_int_equal(schedule_next_due(schedule), 100000);
	/* Its rest has ended meanwhile: what comes due then tries it. */
	assert_ptr_equal(schedule_take(schedule, 100000), &lots[2]);
}

static void
test_fewer_at_once_when_connections_break(void **state)
{
	(void)state;
	struct schedule_destination *to = open_destination("a", 16);
	struct schedule_lot lots[4];
	for (size_t i = 0; i < 4; i++) {
		lots[i] = lot_of(i, true);
		schedule_add(schedule, to, &lots[i], 0);
	}
	assert_int_equal(standing().open, 16);
	try_once(1, SCHEDULE_BROKE_OFF);
	assert_int_equal(standing().open, 8);
	try_once(1, SCHEDULE_BROKE_OFF);
	try_once(1, SCHEDULE_BROKE_OFF);
	try_once(1, SCHEDULE_BROKE_OFF);
	try_once(1, SCHEDULE_BROKE_OFF);
	assert_int_equal(standing().open, 1);
	assert_int_equal(standing().rest_until_ms, 0);
	try_once(1, SCHEDULE_ARRIVED);
	assert_int_equal(standing().open, 2);
}

/* Four that were under way together and broke off tell it once; what went later tells it anew. */
static void
test_what_breaks_off_together_counts_once(void **state)
{
	(void)state;
	struct schedule_destination *to = open_destination("a", 16);
	struct schedule_lot lots[4];
	for (size_t i = 0; i < 4; i++) {
		lots[i] = lot_of(i, true);
		schedule_add(schedule, to, &lots[i], 0);
	}
	for (size_t i = 0; i < 4; i++)
		assert_non_null(schedule_take(schedule, 1));
	for (size_t i = 0; i < 4; i++) {
		schedule_done(schedule, &lots[i]);
		schedule_saw(schedule, &lots[i], SCHEDULE_BROKE_OFF, "broken", 1);
		assert_int_equal(standing().open, 8);
		schedule_add(schedule, to, &lots[i], 1);
	}
	assert_string_equal(standing().why, "broken");
	try_once(1, SCHEDULE_BROKE_OFF);
	assert_int_equal(standing().open, 4);
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
		TEST(test_classes_take_turns),
		TEST(test_rests_grow),
		TEST(test_one_outage_counts_once),
		TEST(test_others_go_on_while_one_rests),
		TEST(test_what_is_due_at_one_that_is_down),
		TEST(test_fewer_at_once_when_connections_break),
		TEST(test_what_breaks_off_together_counts_once),
		TEST(test_remove),
		TEST(test_many),
		TEST(test_retry),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
