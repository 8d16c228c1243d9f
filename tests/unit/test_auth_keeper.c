/* SPDX-License-Identifier: BSD-2-Clause */
/* What outlives auth: what was spent, whose mail is held, and whom a login wrote to before. */
#include "auth_rig.h"

enum { MARKS_MOST = 8 };

static void
restart(struct rig *rig)
{
	auth_close(&rig->auth);
	for (unsigned i = 0; i < RIG_FRONTS; i++) {
		while (!rig->fronts[i].closed)
			fixture_run(rig->loop);
	}
	rig_open_auth(rig);
	for (unsigned i = 0; i < RIG_FRONTS; i++) {
		rig_connect(rig, &rig->fronts[i], ROLE_SMTP, i);
		rig_announced(&rig->fronts[i]);
	}
}

static void
log_in(struct rig_front *front, const char *session, const char *login)
{
	char password[64];

	snprintf(password, sizeof password, "%spw", login);
	assert_int_equal(rig_plain(front, session, login, password)->id, MSG_LOGIN_DONE);
}

/* To recipients by number, from first on. */
static struct rig_heard *
charge(struct rig_front *front, const char *login, unsigned first, unsigned count)
{
	unsigned char marks[MARKS_MOST * MESSAGE_MARK_BYTES] = { 0 };
	struct message_charge message = { .session = "s1", .login = login,
		.listener = "submission", .client_address = RIG_ADDRESS, .recipients = count,
		.marks = span_of(marks, (size_t)count * MESSAGE_MARK_BYTES) };
	struct buf content = BUF_INIT(0);

	for (unsigned i = 0; i < count; i++)
		marks[i * MESSAGE_MARK_BYTES] = (unsigned char)(first + i);
	message_charge_pack(&content, &message);
	rig_ask(front, MSG_CHARGE, &content);
	assert_int_equal(rig_hear(front)->id, MSG_CHARGED);
	return &front->heard;
}

static void
on_kept(void *context)
{
	struct rig *rig = context;

	rig->answered = true;
	loop_stop(rig->loop);
}

/* As at an orderly end. */
static void
keep(struct rig *rig)
{
	rig->answered = false;
	keeper_finish(rig->auth->keeper, on_kept, rig);
	while (!rig->answered)
		fixture_run(rig->loop);
}

static void
what_was_spent_is_spent_after_a_restart(void **state)
{
	struct rig *rig = *state;
	struct rig_front *front = &rig->fronts[0];
	uint64_t since_ms;

	log_in(front, "s1", "alice");
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(charge(front, "alice", i, 1)->verdict, CHARGE_PASS);
	assert_int_equal(charge(front, "alice", 9, 1)->verdict, CHARGE_HOLD);
	since_ms = usage_find(rig->auth->usage, USAGE_LOGIN, "alice")->over_since_ms;
	keep(rig);
	restart(rig);
	log_in(front, "s1", "alice");
	assert_int_equal(charge(front, "alice", 9, 1)->verdict, CHARGE_HOLD);
	/* And who was told is not told again. */
	assert_int_equal(
		usage_find(rig->auth->usage, USAGE_LOGIN, "alice")->over_since_ms, since_ms);
}

/* A crash forgets what a second brought, not more: nobody has to say anything. */
static void
it_is_written_by_itself(void **state)
{
	struct rig *rig = *state;
	struct rig_front *front = &rig->fronts[0];

	log_in(front, "s1", "alice");
	for (unsigned i = 0; i < 5; i++)
		charge(front, "alice", i, 1);
	while (usage_find(rig->auth->usage, USAGE_LOGIN, "alice")->changed)
		fixture_run_for(rig->loop, 50);
	/* It is on its way; the thread is idle again when it has answered this. */
	rig_plain(front, "s2", "bob", "wrong");
	restart(rig);
	log_in(front, "s1", "alice");
	assert_int_equal(charge(front, "alice", 9, 1)->verdict, CHARGE_HOLD);
}

static void
new_recipients_count_once(void **state)
{
	struct rig *rig = *state;
	struct rig_front *front = &rig->fronts[0];

	rig->limits[0] = (struct settings_limits){ .title = "default", .where = "rig.conf:2",
		.new_recipients_per_day = 6, .held_messages = 100, .over = LIMITS_OVER_TEMPFAIL };
	log_in(front, "s1", "alice");
	assert_int_equal(charge(front, "alice", 1, 3)->verdict, CHARGE_PASS);
	for (int i = 0; i < 20; i++)
		assert_int_equal(charge(front, "alice", 1, 3)->verdict, CHARGE_PASS);
	/* One known, three new; then four new are one too many, and none of them is learnt. */
	assert_int_equal(charge(front, "alice", 3, 4)->verdict, CHARGE_PASS);
	for (int i = 0; i < 3; i++)
		assert_int_equal(charge(front, "alice", 7, 1)->verdict, CHARGE_TEMPFAIL);
	assert_string_equal(front->heard.text, "More than 6 new recipients in a day");
	assert_int_equal(charge(front, "alice", 1, 6)->verdict, CHARGE_PASS);
	/* Another login has its own. */
	log_in(front, "s1", "bob");
	assert_int_equal(charge(front, "bob", 1, 6)->verdict, CHARGE_PASS);
	keep(rig);
	restart(rig);
	log_in(front, "s1", "alice");
	assert_int_equal(charge(front, "alice", 1, 6)->verdict, CHARGE_PASS);
	assert_int_equal(charge(front, "alice", 7, 1)->verdict, CHARGE_TEMPFAIL);
}

/* What is held was not sent to anybody: its recipients stay new. */
static void
held_recipients_stay_new(void **state)
{
	struct rig *rig = *state;
	struct rig_front *front = &rig->fronts[0];

	rig->limits[0] = (struct settings_limits){ .title = "default", .where = "rig.conf:2",
		.new_recipients_per_day = 2, .held_messages = 100 };
	log_in(front, "s1", "alice");
	assert_int_equal(charge(front, "alice", 1, 2)->verdict, CHARGE_PASS);
	for (int i = 0; i < 3; i++)
		assert_int_equal(charge(front, "alice", 3, 1)->verdict, CHARGE_HOLD);
}

/* Bounded: the oldest make room. */
static void
the_first_learnt_are_forgotten_first(void **state)
{
	struct rig *rig = *state;
	struct buf marks = BUF_INIT(0);
	struct rig_front *front = &rig->fronts[0];

	rig->limits[0] = (struct settings_limits){ .title = "default", .where = "rig.conf:2",
		.new_recipients_per_day = 1, .over = LIMITS_OVER_TEMPFAIL };
	log_in(front, "s1", "alice");
	assert_int_equal(charge(front, "alice", 1, 1)->verdict, CHARGE_PASS);
	for (uint64_t i = 0; i < MEMORY_MARKS_MAX; i++) {
		unsigned char mark[MESSAGE_MARK_BYTES] = { 0xff, (unsigned char)(i >> 8),
			(unsigned char)i };

		buf_clear(&marks);
		buf_add(&marks, mark, sizeof mark);
		known_learn(rig->auth->known, "alice", buf_span(&marks));
	}
	assert_int_equal(charge(front, "alice", 1, 1)->verdict, CHARGE_TEMPFAIL);
	buf_fini(&marks);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(what_was_spent_is_spent_after_a_restart),
		RIG_TEST(it_is_written_by_itself),
		RIG_TEST(new_recipients_count_once),
		RIG_TEST(held_recipients_stay_new),
		RIG_TEST(the_first_learnt_are_forgotten_first),
	};

	return cmocka_run_group_tests_name("auth/keeper", tests, NULL, NULL);
}
