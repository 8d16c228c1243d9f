/* SPDX-License-Identifier: BSD-2-Clause */
/* What front ends must hear, and what auth believes of them: identities, revocations, a restart of auth. */
#include "auth_session_fixture.h"

/* ---- identities ------------------------------------------------------------------------------ */

static struct rig_heard *
renew(struct rig_front *front, const char *session, const char *login, uint64_t epoch,
	struct span grant)
{
	struct buf content = BUF_INIT(0);

	pack_session(&content, session, login, epoch, grant);
	rig_ask(front, MSG_IDENTITY_GET, &content);
	return rig_hear(front);
}

static void
an_identity_is_renewed_with_what_has_changed(void **state)
{
	struct rig_front *front = front_of(state, 0);
	struct rig *rig = *state;
	struct arena *arena = arena_new(0);
	struct buf old = BUF_INIT(0);
	struct identity identity;
	uint64_t epoch;

	log_in(front, "s1", "alice");
	epoch = epoch_of(&front->heard);
	buf_add_span(&old, buf_span(&front->heard.grant));
	rig_verb(rig, "address add",
		json_pack("{s:s, s:s}", "login", "alice", "address", "ali@example.org"));
	assert_int_equal(renew(front, "s1", "alice", epoch, buf_span(&old))->id, MSG_LOGIN_DONE);
	assert_true(identity_unpack(buf_span(&front->heard.identity), arena, &identity));
	assert_int_equal(identity.addresses.count, 2);
	assert_string_equal(identity.mechanism, "PLAIN");
	/* It is still one session, with the request it came from. */
	assert_int_equal(sessions_count(rig->auth->sessions), 1);
	/* Disabled: no longer. */
	rig_verb(rig, "account disable", json_pack("{s:s}", "login", "alice"));
	assert_int_equal(renew(front, "s1", "alice", epoch, buf_span(&old))->id, MSG_LOGIN_FAILED);
	assert_int_equal(front->heard.failure, LOGIN_BAD_CREDENTIALS);
	/* Enabled again: the grant from before stays void. */
	rig_verb(rig, "account enable", json_pack("{s:s}", "login", "alice"));
	assert_int_equal(renew(front, "s1", "alice", epoch, buf_span(&old))->id, MSG_LOGIN_FAILED);
	buf_fini(&old);
	arena_free(&arena);
}

/* What a captured front end could try: another login, another session, a grant of its own making. */
static void
no_identity_without_its_grant(void **state)
{
	struct rig_front *front = front_of(state, 0);
	struct buf grant = BUF_INIT(0);
	uint64_t epoch;

	log_in(front, "s1", "alice");
	epoch = epoch_of(&front->heard);
	buf_add_span(&grant, buf_span(&front->heard.grant));
	assert_int_equal(renew(front, "s1", "bob", epoch, buf_span(&grant))->id, MSG_LOGIN_FAILED);
	assert_int_equal(renew(front, "s2", "alice", epoch, buf_span(&grant))->id, MSG_LOGIN_FAILED);
	assert_int_equal(renew(front, "s1", "alice", epoch + 9, buf_span(&grant))->id,
		MSG_LOGIN_FAILED);
	assert_int_equal(renew(front, "s1", "alice", epoch, SPAN_EMPTY)->id, MSG_LOGIN_FAILED);
	grant.bytes[grant.begin] ^= 1;
	assert_int_equal(renew(front, "s1", "alice", epoch, buf_span(&grant))->id, MSG_LOGIN_FAILED);
	assert_int_equal(front->heard.failure, LOGIN_BAD_CREDENTIALS);
	buf_fini(&grant);
}

/* ---- revocation ------------------------------------------------------------------------------ */

static void
what_is_taken_away_is_told_to_everybody(void **state)
{
	static const struct {
		const char *verb;
		const char *name;
		const char *value;
	} verbs[] = {
		{ "account disable", "x", "" },
		{ "account passwd", "password", "newpw" },
		{ "address delete", "address", "alice@example.org" },
		{ "account delete", "x", "" },
	};
	struct rig *rig = *state;
	uint64_t last = 0;

	for (unsigned i = 0; i < 4; i++) {
		rig_verb(rig, verbs[i].verb,
			json_pack("{s:s, s:s}", "login", "alice", verbs[i].name, verbs[i].value));
		assert_string_equal(rig->error_kind, "");
		await_unasked(&rig->fronts[0], i + 1, 0);
		await_unasked(&rig->fronts[1], i + 1, 0);
		await_unasked(&rig->queue, i + 1, 0);
		assert_string_equal(rig->queue.about, "alice");
		assert_true(rig->queue.revoked_epoch > last);
		assert_int_equal(rig->fronts[1].revoked_epoch, rig->queue.revoked_epoch);
		last = rig->queue.revoked_epoch;
	}
	/* A queue that was not there hears it when it comes. */
	rig->queue.revokes = 0;
	rig_connect(rig, &rig->queue, ROLE_QUEUE, 0);
	await_unasked(&rig->queue, 1, 0);
	assert_int_equal(rig->queue.revoked_epoch, last);
}

static void
what_is_given_disturbs_nobody(void **state)
{
	struct rig *rig = *state;

	rig_verb(rig, "grant add",
		json_pack("{s:s, s:s, s:s}", "login", "bob", "right", "send-as", "pattern",
			"team@example.org"));
	rig_verb(rig, "account set", json_pack("{s:s, s:s}", "login", "bob", "limits", "strict"));
	settle(&rig->fronts[0]);
	assert_int_equal(rig->fronts[0].revokes, 0);
	assert_int_equal(rig->fronts[0].renewals, 2);
	assert_int_equal(rig->queue.revokes, 0);
}

static void
a_changed_password_holds_at_once(void **state)
{
	struct rig *rig = *state;
	struct rig_front *front = &rig->fronts[0];

	log_in(front, "s1", "alice");
	rig_verb(rig, "account passwd",
		json_pack("{s:s, s:s}", "login", "alice", "password", "new one"));
	assert_int_equal(rig_plain(front, "s2", "alice", "alicepw")->failure, LOGIN_BAD_CREDENTIALS);
	assert_int_equal(rig_plain(front, "s2", "alice", "new one")->id, MSG_LOGIN_DONE);
}

/* ---- restart --------------------------------------------------------------------------------- */

/* auth dies and comes back; the front ends keep what they have. */
static void
restart(struct rig *rig)
{
	auth_close(&rig->auth);
	for (unsigned i = 0; i < RIG_FRONTS; i++) {
		while (!rig->fronts[i].closed)
			fixture_run(rig->loop);
	}
	rig_open_auth(rig);
	for (unsigned i = 0; i < RIG_FRONTS; i++)
		rig_connect(rig, &rig->fronts[i], ROLE_SMTP, i);
}

static void
announce(struct rig_front *front, const char *session, const char *login, uint64_t epoch,
	struct span grant)
{
	struct buf content = BUF_INIT(0);

	pack_session(&content, session, login, epoch, grant);
	rig_send(front, MSG_SESSION_ANNOUNCE, &content);
}

static void
after_a_restart_sessions_are_announced_first(void **state)
{
	struct rig *rig = *state;
	struct rig_front *front = &rig->fronts[0];
	struct message_login_start start = rig_start("s2", "PLAIN");
	uint64_t epoch;

	log_in(front, "s1", "strict");
	epoch = epoch_of(&front->heard);
	restart(rig);
	start.has_initial = true;
	start.initial = SPAN_LITERAL("\0strict\0strictpw");
	rig_begin(&rig->fronts[1], &start);
	announce(front, "s1", "strict", epoch, buf_span(&front->heard.grant));
	rig_announced(&rig->fronts[1]);
	/* One front end has not said yet who is logged in: nobody is let in past a limit. */
	fixture_run_for(rig->loop, 50);
	assert_int_equal(rig->fronts[1].heard.id, MSG_NONE);
	rig_announced(front);
	assert_int_equal(rig_hear(&rig->fronts[1])->failure, LOGIN_LIMIT);
	assert_int_equal(sessions_count(rig->auth->sessions), 1);
	assert_int_equal(charge(front, "s1", "strict", 1)->verdict, CHARGE_PASS);
	/* The session has kept how it logged in. */
	assert_string_equal(sessions_next(rig->auth->sessions, NULL)->mechanism, "PLAIN");
	log_in(front, "s3", "alice");
}

static void
what_is_announced_must_have_its_grant(void **state)
{
	struct rig *rig = *state;
	struct rig_front *front = &rig->fronts[0];
	uint64_t epoch;

	log_in(front, "s1", "alice");
	epoch = epoch_of(&front->heard);
	restart(rig);
	announce(front, "s1", "bob", epoch, buf_span(&front->heard.grant));
	await_unasked(front, 0, 1);
	assert_string_equal(front->about, "s1");
	announce(front, "s2", "alice", epoch, SPAN_EMPTY);
	await_unasked(front, 0, 2);
	assert_string_equal(front->about, "s2");
	assert_int_equal(sessions_count(rig->auth->sessions), 0);
	announce(front, "s1", "alice", epoch, buf_span(&front->heard.grant));
	rig_announced(front);
	rig_announced(&rig->fronts[1]);
	settle(front);
	assert_int_equal(sessions_count(rig->auth->sessions), 1);
	assert_int_equal(front->kicks, 2);
}

static void
what_changed_meanwhile_is_told(void **state)
{
	struct rig *rig = *state;
	struct rig_front *front = &rig->fronts[0];
	struct directory_local_settings off = { .protocols = 7, .limits = "", .disabled = true };
	struct directory_local *local;
	struct fault fault = FAULT_INIT;
	uint64_t epoch;
	uint64_t risen;

	log_in(front, "s1", "alice");
	epoch = epoch_of(&front->heard);
	auth_close(&rig->auth);
	while (!front->closed)
		fixture_run(rig->loop);
	local = directory_local_open(rig->state_dir, 0, &fault);
	assert_true(directory_local_set(local, "alice", &off, &risen, &fault));
	directory_local_close(&local);
	rig_open_auth(rig);
	rig_connect(rig, front, ROLE_SMTP, 0);
	announce(front, "s1", "alice", epoch, buf_span(&front->heard.grant));
	await_unasked(front, 1, 0);
	assert_string_equal(front->about, "alice");
	assert_int_equal(front->revoked_epoch, risen);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(an_identity_is_renewed_with_what_has_changed),
		RIG_TEST(no_identity_without_its_grant),
		RIG_TEST(what_is_taken_away_is_told_to_everybody),
		RIG_TEST(what_is_given_disturbs_nobody),
		RIG_TEST(a_changed_password_holds_at_once),
		RIG_TEST(after_a_restart_sessions_are_announced_first),
		RIG_TEST(what_is_announced_must_have_its_grant),
		RIG_TEST(what_changed_meanwhile_is_told),
	};

	return cmocka_run_group_tests_name("auth/role", tests, NULL, NULL);
}
