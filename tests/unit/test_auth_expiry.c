/* SPDX-License-Identifier: BSD-2-Clause */
/* Sessions end when their time comes, the first of them first, and those without a time do not. */
#include "auth_session_fixture.h"

#include "auth/expiry.h"

enum { FAR_MS = 3600 * 1000, LATE_MS = 10 * 1000 };

/* As it is when such a session begins. */
static void
set_end(struct rig *rig, const char *session, int64_t expires_ms)
{
	struct login_session *found = sessions_find(rig->auth->sessions, session);

	assert_non_null(found);
	sessions_set_expiry(found, expires_ms);
	expiry_consider(rig->auth, expires_ms);
}

static void
await_expiry(struct rig *rig, int64_t expires_ms)
{
	uint64_t begin = clock_steady_ms();

	while (rig->auth->expiry_ms != expires_ms) {
		assert_true(clock_steady_ms() - begin < LATE_MS);
		fixture_run_for(rig->loop, 5);
	}
}

static void
only_the_first_end_counts(void **state)
{
	static const struct {
		int64_t considered[4];
		int64_t first;
	} cases[] = {
		{ { 0, 0, 0, 0 }, 0 },
		{ { 0, 3, 0, 0 }, 3 },
		{ { 3, 2, 1, 0 }, 1 },
		{ { 1, 2, 3, 0 }, 1 },
		{ { 2, 0, 3, 1 }, 1 },
		{ { 2, 2, 2, 2 }, 2 },
	};
	struct rig *rig = *state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int64_t far = clock_wall_ms() + FAR_MS;

		rig->auth->expiry_ms = 0;
		for (size_t j = 0; j < 4; j++)
			expiry_consider(rig->auth,
				cases[i].considered[j] ? far + cases[i].considered[j] : 0);
		assert_int_equal(rig->auth->expiry_ms, cases[i].first ? far + cases[i].first : 0);
	}
}

static void
one_ends_and_the_others_go_on(void **state)
{
	struct rig *rig = *state;
	struct rig_front *front = front_of(state, 0);
	int64_t now = clock_wall_ms();

	log_in(front, "s1", "alice");
	log_in(front, "s2", "alice");
	log_in(front_of(state, 1), "s3", "bob");
	set_end(rig, "s2", now + FAR_MS);
	set_end(rig, "s1", now + 200);
	await_unasked(front, 0, 1);
	assert_true(clock_wall_ms() >= now + 200);
	assert_string_equal(front->about, "s1");
	/* The next one is waited for, and the first is not told again. */
	assert_int_equal(rig->auth->expiry_ms, now + FAR_MS);
	assert_int_equal(sessions_find(rig->auth->sessions, "s1")->expires_ms, 0);
	set_end(rig, "s2", clock_wall_ms() + 1);
	await_unasked(front, 0, 2);
	assert_string_equal(front->about, "s2");
	await_expiry(rig, 0);
	assert_int_equal(front->kicks, 2);
	assert_int_equal(front_of(state, 1)->kicks, 0);
}

static void
several_end_together(void **state)
{
	struct rig *rig = *state;
	int64_t end = clock_wall_ms() + 100;

	log_in(front_of(state, 0), "s1", "alice");
	log_in(front_of(state, 0), "s2", "robot");
	log_in(front_of(state, 1), "s3", "bob");
	set_end(rig, "s1", end);
	set_end(rig, "s2", end);
	set_end(rig, "s3", end);
	await_unasked(front_of(state, 0), 0, 2);
	await_unasked(front_of(state, 1), 0, 1);
	assert_int_equal(rig->auth->expiry_ms, 0);
}

static void
what_is_over_already_ends_at_once(void **state)
{
	struct rig *rig = *state;
	struct rig_front *front = front_of(state, 0);

	log_in(front, "s1", "alice");
	set_end(rig, "s1", 1);
	await_unasked(front, 0, 1);
	assert_string_equal(front->about, "s1");
	assert_int_equal(rig->auth->expiry_ms, 0);
}

static void
a_session_that_is_gone_is_not_told(void **state)
{
	struct rig *rig = *state;
	struct rig_front *front = front_of(state, 0);

	log_in(front, "s1", "alice");
	sessions_set_expiry(sessions_find(rig->auth->sessions, "s1"), 1);
	rig_end_session(front, "s1", "alice");
	settle(front);
	expiry_consider(rig->auth, 1);
	await_expiry(rig, 0);
	settle(front);
	assert_int_equal(front->kicks, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(only_the_first_end_counts),
		RIG_TEST(one_ends_and_the_others_go_on),
		RIG_TEST(several_end_together),
		RIG_TEST(what_is_over_already_ends_at_once),
		RIG_TEST(a_session_that_is_gone_is_not_told),
	};

	return cmocka_run_group_tests_name("auth/expiry", tests, NULL, NULL);
}
