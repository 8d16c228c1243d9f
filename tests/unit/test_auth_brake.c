/* SPDX-License-Identifier: BSD-2-Clause */
/* The brake against a passed clock: C11 and C12 of the attack catalogue, and who it must not hit. */
#include "unit.h"

#include <stdio.h>

#include "auth/brake.h"

enum { BASE = 1000, PER_LOGIN = 3, PER_ADDRESS = 6, WINDOW = 600000, WAIT = 5000, MOST = 100,
	START = 1000000 };

static const struct brake_rule rule = {
	.base_ms = BASE,
	.per_login = PER_LOGIN,
	.per_address = PER_ADDRESS,
	.window_ms = WINDOW,
	.wait_max_ms = WAIT,
};

struct where {
	unsigned char bytes[BRAKE_ADDRESS_BYTES];
};

#define ALICE span_text("alice")
#define UNSEEN span_text("")

static struct where
v4(unsigned last)
{
	return (struct where){
		{ 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, (unsigned char)(last >> 8),
			(unsigned char)last }
	};
}

static struct where
v6(unsigned char network, unsigned char host)
{
	return (struct where){ { 0x20, 1, 0xd, 0xb8, 0, 0, 0, network, 9, 9, 9, 9, 9, 9, 9, host } };
}

static int
make(void **state)
{
	*state = brake_new(MOST, &rule);
	return 0;
}

static int
unmake(void **state)
{
	brake_free((struct brake **)state);
	return 0;
}

static void
guess(struct brake *brake, struct where from, const char *login, int times, uint64_t now)
{
	for (int i = 0; i < times; i++)
		brake_failed(brake, from.bytes, span_text(login), UNSEEN, now);
}

/* What brake_each() tells of one name from anywhere. */
struct seen {
	const char *login;
	uint64_t failures;
	size_t rows; /* of all */
	bool has_owner;
};

static bool
on_seen(void *context, const struct brake_level_seen *row)
{
	struct seen *seen = context;

	seen->rows++;
	if (!row->network && strcmp(row->login, seen->login) == 0) {
		seen->failures = row->failures;
		seen->has_owner = row->has_owner;
	}
	return true;
}

static uint64_t
level_of(const struct brake *brake, const char *login)
{
	struct seen seen = { .login = login };

	brake_each(brake, START, on_seen, &seen);
	return seen.failures;
}

/* C11: every failure is answered late, and beyond the limit each later than the one before. */
static void
delays_grow_and_stop_growing(void **state)
{
	static const uint32_t wanted[] = { 1, 1, 1, 1, 2, 4, 8, 16, 30, 30, 30 };
	struct brake *brake = *state;

	for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
		assert_int_equal(brake_failed(brake, v4(1).bytes, ALICE, UNSEEN, START),
			wanted[i] * BASE);
}

static void
tries_wait_in_line_beyond_the_limit(void **state)
{
	struct brake *brake = *state;
	struct where from = v4(1);

	guess(brake, from, "alice", PER_LOGIN, START);
	assert_int_equal(brake_wait(brake, from.bytes, ALICE, START), BRAKE_PASS);
	guess(brake, from, "alice", 1, START);
	/* Many at once get one place after the other, and who would wait too long goes away. */
	for (uint32_t i = 1; i <= WAIT / BASE; i++)
		assert_int_equal(brake_wait(brake, from.bytes, ALICE, START), i * BASE);
	assert_int_equal(brake_wait(brake, from.bytes, ALICE, START), BRAKE_TURN_AWAY);
	/* The line moves with the clock. */
	assert_int_equal(brake_wait(brake, from.bytes, ALICE, START + 2 * BASE), WAIT - BASE);
	/* Another name from there, and this name from elsewhere, do not stand in it. */
	assert_int_equal(brake_wait(brake, from.bytes, span_text("bob"), START), BRAKE_PASS);
	assert_int_equal(brake_wait(brake, v4(2).bytes, ALICE, START), BRAKE_PASS);
}

static void
drains_within_the_window(void **state)
{
	struct brake *brake = *state;
	struct where from = v4(1);

	guess(brake, from, "alice", PER_LOGIN + 1, START);
	assert_int_not_equal(brake_wait(brake, from.bytes, ALICE, START), BRAKE_PASS);
	assert_int_equal(
		brake_wait(brake, from.bytes, ALICE, START + WINDOW / PER_LOGIN), BRAKE_PASS);
	/* Even the worst guesser is forgiven within a few windows: nothing is for ever. */
	guess(brake, from, "alice", 1000, START);
	assert_int_equal(brake_wait(brake, from.bytes, ALICE, START), BRAKE_TURN_AWAY);
	assert_int_equal(brake_wait(brake, from.bytes, ALICE, START + 4 * WINDOW), BRAKE_PASS);
}

/* C11: names change, the address stays. */
static void
an_address_with_a_list_of_names_is_braked(void **state)
{
	struct brake *brake = *state;
	char login[16];

	for (int i = 0; i <= PER_ADDRESS; i++) {
		snprintf(login, sizeof login, "user%d", i);
		assert_int_equal(brake_wait(brake, v4(1).bytes, span_text(login), START),
			BRAKE_PASS);
		guess(brake, v4(1), login, 1, START);
	}
	assert_int_equal(brake_wait(brake, v4(1).bytes, span_text("other"), START), BASE);
	assert_int_equal(brake_wait(brake, v4(2).bytes, span_text("other"), START), BRAKE_PASS);
}

static void
ipv6_counts_by_its_network(void **state)
{
	struct brake *brake = *state;
	char login[16];

	for (int i = 0; i <= PER_ADDRESS; i++) {
		snprintf(login, sizeof login, "user%d", i);
		guess(brake, v6(1, (unsigned char)i), login, 1, START);
	}
	assert_int_equal(brake_wait(brake, v6(1, 99).bytes, span_text("x"), START), BASE);
	assert_int_equal(brake_wait(brake, v6(2, 1).bytes, span_text("x"), START), BRAKE_PASS);
}

/* C12: 200 addresses guess at one account; strangers are slowed, the owner is not. */
static void
distributed_guessing_does_not_lock_the_owner_out(void **state)
{
	struct brake *brake = *state;
	struct where home = v4(7);

	brake_passed(brake, home.bytes, ALICE);
	for (unsigned i = 0; i < 200; i++)
		guess(brake, v4(1000 + i), "alice", 1, START);
	assert_int_not_equal(brake_wait(brake, v4(3000).bytes, ALICE, START), BRAKE_PASS);
	assert_int_equal(brake_wait(brake, home.bytes, ALICE, START), BRAKE_PASS);
	assert_true(level_of(brake, "alice") > 5 * PER_LOGIN);
	/* Nor does a bad neighbour behind the owner's own address. */
	for (int i = 0; i < 50; i++)
		guess(brake, home, i % 2 ? "bob" : "carol", 1, START);
	assert_int_not_equal(brake_wait(brake, home.bytes, span_text("dave"), START), BRAKE_PASS);
	assert_int_equal(brake_wait(brake, home.bytes, ALICE, START), BRAKE_PASS);
	/* But guesses at the owner from there are held up like any. */
	guess(brake, home, "alice", PER_LOGIN + 1, START);
	assert_int_not_equal(brake_wait(brake, home.bytes, ALICE, START), BRAKE_PASS);
}

static void
the_same_wrong_password_counts_once(void **state)
{
	struct brake *brake = *state;
	struct where from = v4(1);
	char password[24];

	for (int i = 0; i < 100; i++)
		assert_int_equal(
			brake_failed(brake, from.bytes, ALICE, span_text("old"), START), BASE);
	assert_int_equal(brake_wait(brake, from.bytes, ALICE, START), BRAKE_PASS);
	assert_int_equal(level_of(brake, "alice"), 1);
	for (int i = 0; i < PER_LOGIN; i++) {
		snprintf(password, sizeof password, "guess%d", i);
		brake_failed(brake, from.bytes, ALICE, span_text(password), START);
	}
	assert_int_equal(brake_wait(brake, from.bytes, ALICE, START), BASE);
}

static void
a_right_login_clears_its_own_line(void **state)
{
	struct brake *brake = *state;
	struct where from = v4(1);

	guess(brake, from, "alice", PER_LOGIN + 2, START);
	guess(brake, v4(2), "alice", PER_LOGIN + 2, START);
	brake_passed(brake, from.bytes, ALICE);
	assert_int_equal(brake_wait(brake, from.bytes, ALICE, START), BRAKE_PASS);
	assert_int_not_equal(brake_wait(brake, v4(2).bytes, ALICE, START), BRAKE_PASS);
	brake_reset(brake, ALICE);
	assert_int_equal(brake_wait(brake, v4(2).bytes, ALICE, START), BRAKE_PASS);
	assert_int_equal(level_of(brake, "alice"), 0);
}

/* A name that could not be read, or is not known yet, must not brake others far away. */
static void
no_name_counts_by_address_alone(void **state)
{
	struct brake *brake = *state;

	for (unsigned i = 0; i < 100; i++)
		guess(brake, v4(i), "", 1, START);
	assert_int_equal(brake_wait(brake, v4(1000).bytes, span_text(""), START), BRAKE_PASS);
	guess(brake, v4(1), "", PER_ADDRESS, START);
	assert_int_not_equal(brake_wait(brake, v4(1).bytes, ALICE, START), BRAKE_PASS);
}

static void
memory_is_bounded(void **state)
{
	struct brake *brake = *state;
	char login[16];

	for (unsigned i = 0; i < 10 * MOST; i++) {
		snprintf(login, sizeof login, "user%u", i);
		guess(brake, v4(i), login, PER_LOGIN + 1, START);
		assert_int_equal(brake_wait(brake, v4(i).bytes, span_text(login), START), BASE);
	}
	/* The oldest were forgotten, the newest are there. */
	assert_int_equal(brake_wait(brake, v4(0).bytes, span_text("user0"), START), BRAKE_PASS);
}

/* A flood of names that nobody has fills the memory for names, and not that for owners. */
static void
a_flood_of_names_does_not_lock_the_owner_out(void **state)
{
	struct brake *brake = *state;
	struct where home = v4(7);
	char login[16];

	brake_passed(brake, home.bytes, ALICE);
	for (unsigned i = 0; i < 10 * MOST; i++) {
		snprintf(login, sizeof login, "user%u", i);
		guess(brake, v4(100 + i), login, 1, START);
	}
	for (unsigned i = 0; i < 200; i++)
		guess(brake, v4(2000 + i), "alice", 1, START);
	assert_int_not_equal(brake_wait(brake, v4(3000).bytes, ALICE, START), BRAKE_PASS);
	assert_int_equal(brake_wait(brake, home.bytes, ALICE, START), BRAKE_PASS);
}

/* One stranger alone never brakes the owner, wherever the owner is, however long he guesses. */
static void
one_stranger_does_not_lock_out_an_owner_who_is_new(void **state)
{
	struct brake *brake = *state;
	struct where stranger = v6(1, 1);

	for (uint64_t now = START; now < START + 3 * WINDOW; now += 1000) {
		if (brake_wait(brake, stranger.bytes, ALICE, now) != BRAKE_TURN_AWAY)
			guess(brake, stranger, "alice", 1, now);
		assert_int_equal(brake_wait(brake, v4(9).bytes, ALICE, now), BRAKE_PASS);
	}
}

static void
an_address_is_forgiven(void **state)
{
	struct brake *brake = *state;

	guess(brake, v6(1, 1), "alice", PER_ADDRESS + 2, START);
	guess(brake, v4(2), "alice", PER_LOGIN + 1, START);
	brake_reset_address(brake, v6(1, 77).bytes);
	assert_int_equal(brake_wait(brake, v6(1, 2).bytes, span_text("bob"), START), BRAKE_PASS);
	assert_int_equal(brake_wait(brake, v6(1, 2).bytes, ALICE, START), BRAKE_PASS);
	assert_int_not_equal(brake_wait(brake, v4(2).bytes, ALICE, START), BRAKE_PASS);
}

static bool
on_first(void *context, const struct brake_level_seen *row)
{
	struct brake_level_seen *first = context;

	*first = *row;
	return false;
}

static void
levels_are_told(void **state)
{
	struct brake *brake = *state;
	struct seen seen = { .login = "alice" };
	struct brake_level_seen first = { .login = "" };

	brake_passed(brake, v4(1).bytes, ALICE);
	guess(brake, v4(1), "alice", 2, START);
	guess(brake, v4(1), "", 1, START);
	brake_each(brake, START, on_seen, &seen);
	/* alice from there, alice, and the address; not "no name from there". */
	assert_int_equal(seen.rows, 3);
	assert_int_equal(seen.failures, 2);
	assert_true(seen.has_owner);
	brake_each(brake, START, on_first, &first);
	assert_string_equal(first.login, "alice");
	assert_memory_equal(first.network, v4(1).bytes, BRAKE_ADDRESS_BYTES);
	assert_int_equal(first.limit, PER_LOGIN);
	assert_int_equal(first.whole_ms, 2 * WINDOW / PER_LOGIN);
	seen = (struct seen){ .login = "alice" };
	brake_each(brake, START + WINDOW, on_seen, &seen);
	assert_int_equal(seen.rows, 0);
}

static void
can_be_switched_off(void **state)
{
	struct brake *brake = *state;
	struct brake_rule off = rule;

	off.base_ms = 0;
	brake_set_rule(brake, &off);
	guess(brake, v4(1), "alice", 100, START);
	assert_int_equal(brake_failed(brake, v4(1).bytes, ALICE, UNSEEN, START), 0);
	assert_int_equal(brake_wait(brake, v4(1).bytes, ALICE, START), BRAKE_PASS);
}

#define BRAKE_TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BRAKE_TEST(delays_grow_and_stop_growing),
		BRAKE_TEST(tries_wait_in_line_beyond_the_limit),
		BRAKE_TEST(drains_within_the_window),
		BRAKE_TEST(an_address_with_a_list_of_names_is_braked),
		BRAKE_TEST(ipv6_counts_by_its_network),
		BRAKE_TEST(distributed_guessing_does_not_lock_the_owner_out),
		BRAKE_TEST(the_same_wrong_password_counts_once),
		BRAKE_TEST(a_right_login_clears_its_own_line),
		BRAKE_TEST(no_name_counts_by_address_alone),
		BRAKE_TEST(memory_is_bounded),
		BRAKE_TEST(a_flood_of_names_does_not_lock_the_owner_out),
		BRAKE_TEST(one_stranger_does_not_lock_out_an_owner_who_is_new),
		BRAKE_TEST(an_address_is_forgiven),
		BRAKE_TEST(levels_are_told),
		BRAKE_TEST(can_be_switched_off),
	};

	return cmocka_run_group_tests_name("auth/brake", tests, NULL, NULL);
}
