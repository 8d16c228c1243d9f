/* SPDX-License-Identifier: BSD-2-Clause */
/* The role between front ends, queue and administrator: sessions, limits, charges, verbs, reload. */
#include "auth_session_fixture.h"

#include "auth/verbs_session.h"

/* ---- connections per login ------------------------------------------------------------------- */

static void
connections_are_limited_over_all_front_ends(void **state)
{
	struct rig_front *front = front_of(state, 0);
	struct rig_front *other = front_of(state, 1);
	struct rig_heard *heard;

	log_in(front, "s1", "alice");
	log_in(other, "s2", "alice");
	log_in(front, "s3", "alice");
	heard = rig_plain(other, "s4", "alice", "alicepw");
	assert_int_equal(heard->id, MSG_LOGIN_FAILED);
	assert_int_equal(heard->failure, LOGIN_LIMIT);
	assert_string_equal(heard->text, "Too many connections of this login, the most is 3");
	assert_int_equal(heard->delay_ms, 0);
	/* Others are not concerned, and the place of one that ended is free. */
	log_in(other, "s5", "bob");
	rig_end_session(front, "s1", "alice");
	settle(front);
	log_in(other, "s6", "alice");
	/* A named section of limits. */
	log_in(front, "s7", "strict");
	assert_int_equal(rig_plain(front, "s8", "strict", "strictpw")->failure, LOGIN_LIMIT);
}

static void
protocols_have_limits_of_their_own(void **state)
{
	struct message_login_start imap = rig_start("i1", "PLAIN");
	struct rig_front *front = front_of(state, 0);

	log_in(front, "s1", "strict");
	imap.listener = "imaps";
	imap.protocol = "imap";
	assert_int_equal(rig_login(front, imap, SPAN_LITERAL("\0strict\0strictpw"))->id,
		MSG_LOGIN_DONE);
}

static void
a_front_end_that_goes_takes_its_sessions_along(void **state)
{
	struct rig *rig = *state;

	log_in(&rig->fronts[0], "s1", "strict");
	channel_free(&rig->fronts[0].channel);
	while (sessions_count(rig->auth->sessions))
		fixture_run_for(rig->loop, 5);
	log_in(&rig->fronts[1], "s2", "strict");
	/* A new instance in the place of the old one. */
	rig_connect(rig, &rig->fronts[0], ROLE_SMTP, 0);
	rig_announced(&rig->fronts[0]);
	assert_int_equal(rig_plain(&rig->fronts[0], "s3", "strict", "strictpw")->failure,
		LOGIN_LIMIT);
	auth_drop_link(rig->auth, ROLE_SMTP, 1);
	log_in(&rig->fronts[0], "s4", "strict");
}

static void
nobody_ends_the_session_of_another_front_end(void **state)
{
	struct rig *rig = *state;

	log_in(&rig->fronts[0], "s1", "alice");
	rig_end_session(&rig->fronts[1], "s1", "alice");
	settle(&rig->fronts[1]);
	assert_int_equal(sessions_count(rig->auth->sessions), 1);
	/* Nor takes its place. */
	assert_int_equal(
		rig_plain(&rig->fronts[1], "s1", "bob", "bobpw")->failure, LOGIN_TEMPORARY);
	assert_string_equal(sessions_find(rig->auth->sessions, "s1")->use->login, "alice");
	log_in(&rig->fronts[0], "s1", "bob");
}

/* ---- charges --------------------------------------------------------------------------------- */

static void
messages_are_charged_over_all_front_ends(void **state)
{
	struct rig_front *front = front_of(state, 0);
	struct rig_front *other = front_of(state, 1);

	log_in(front, "s1", "alice");
	log_in(other, "s2", "alice");
	for (int i = 0; i < 5; i++)
		assert_int_equal(
			charge(i % 2 ? front : other, i % 2 ? "s1" : "s2", "alice", 1)->verdict,
			CHARGE_PASS);
	assert_int_equal(charge(front, "s1", "alice", 1)->verdict, CHARGE_HOLD);
	assert_string_equal(front->heard.text, "More than 5 messages in an hour");
	log_in(front, "s3", "bob");
	assert_int_equal(charge(front, "s3", "bob", 20)->verdict, CHARGE_PASS);
	assert_int_equal(charge(front, "s3", "bob", 21)->verdict, CHARGE_HOLD);
	/* Another section, another answer; and the right to pass by. */
	log_in(front, "s4", "strict");
	assert_int_equal(charge(front, "s4", "strict", 1)->verdict, CHARGE_PASS);
	assert_int_equal(charge(front, "s4", "strict", 1)->verdict, CHARGE_REFUSE);
	log_in(front, "s5", "robot");
	for (int i = 0; i < 20; i++)
		assert_int_equal(charge(front, "s5", "robot", 100)->verdict, CHARGE_PASS);
	/* Logging out and in again gives nothing back. */
	rig_end_session(front, "s1", "alice");
	rig_end_session(other, "s2", "alice");
	settle(other);
	log_in(front, "s6", "alice");
	assert_int_equal(charge(front, "s6", "alice", 1)->verdict, CHARGE_HOLD);
}

/* Asks for nothing, and is looked at before what is sent behind it. */
static void
refund(struct rig_front *front, const char *session, uint32_t charge)
{
	struct message_refund message = { .session = session, .charge = charge };
	struct buf content = BUF_INIT(0);

	message_refund_pack(&content, &message);
	rig_send(front, MSG_REFUND, &content);
}

static void
what_comes_to_nothing_is_given_back(void **state)
{
	struct rig_front *front = front_of(state, 0);
	uint32_t first;

	log_in(front, "s1", "alice");
	for (int i = 0; i < 20; i++) {
		assert_int_equal(charge(front, "s1", "alice", 1)->verdict, CHARGE_PASS);
		refund(front, "s1", front->request);
	}
	for (int i = 0; i < 5; i++)
		assert_int_equal(charge(front, "s1", "alice", 1)->verdict, CHARGE_PASS);
	first = front->request;
	/* Once, by the session itself, and only what was charged. */
	refund(front, "s2", first);
	refund(front, "s1", first + 1000);
	assert_int_equal(charge(front, "s1", "alice", 1)->verdict, CHARGE_HOLD);
	refund(front, "s1", front->request);
	refund(front, "s1", first);
	refund(front, "s1", first);
	assert_int_equal(charge(front, "s1", "alice", 1)->verdict, CHARGE_PASS);
	assert_int_equal(charge(front, "s1", "alice", 1)->verdict, CHARGE_HOLD);
}

static void
strangers_are_charged_by_address(void **state)
{
	struct rig *rig = *state;
	struct rig_front *front = front_of(state, 0);

	for (int i = 0; i < 20; i++)
		assert_int_equal(charge(front, "s1", "", 1)->verdict, CHARGE_PASS);
	rig->listeners[0].limits = "strict";
	rig->limits[1].over = LIMITS_OVER_HOLD;
	assert_int_equal(charge(front, "s1", "", 1)->verdict, CHARGE_PASS);
	/* Another session from there, over another front end; nobody's mail is held. */
	assert_int_equal(charge(front_of(state, 1), "s2", "", 1)->verdict, CHARGE_TEMPFAIL);
	assert_non_null(usage_find(rig->auth->usage, USAGE_ADDRESS, "192.0.2.7"));
}

static void
nobody_charges_another(void **state)
{
	struct rig_front *front = front_of(state, 0);

	log_in(front, "s1", "alice");
	assert_int_equal(charge(front, "s1", "bob", 1)->verdict, CHARGE_TEMPFAIL);
	assert_int_equal(charge(front, "s2", "alice", 1)->verdict, CHARGE_TEMPFAIL);
	assert_int_equal(charge(front_of(state, 1), "s1", "alice", 1)->verdict, CHARGE_TEMPFAIL);
	assert_int_equal(charge(front, "s1", "alice", 1)->verdict, CHARGE_PASS);
}

/* ---- verbs about sessions and limits --------------------------------------------------------- */

static const char *
text_at(json_t *pages, const char *list, size_t row, const char *name)
{
	json_t *rows = json_object_get(json_array_get(pages, 0), list);
	const char *text =
		json_string_value(json_object_get(json_array_get(rows, row), name));

	return text ? text : "";
}

static json_int_t
number_at(json_t *pages, const char *list, size_t row, const char *name)
{
	json_t *rows = json_object_get(json_array_get(pages, 0), list);

	return json_integer_value(json_object_get(json_array_get(rows, row), name));
}

static void
sessions_are_listed_and_kicked(void **state)
{
	struct rig *rig = *state;
	json_t *pages;

	log_in(&rig->fronts[0], "s1", "alice");
	log_in(&rig->fronts[1], "s2", "bob");
	log_in(&rig->fronts[1], "s3", "alice");
	pages = rig_verb(rig, "sessions list", json_object());
	assert_int_equal(json_array_size(json_object_get(json_array_get(pages, 0), "sessions")), 3);
	assert_string_equal(text_at(pages, "sessions", 1, "session"), "s2");
	assert_string_equal(text_at(pages, "sessions", 1, "login"), "bob");
	assert_string_equal(text_at(pages, "sessions", 1, "protocol"), "smtp");
	assert_string_equal(text_at(pages, "sessions", 1, "listener"), "submission");
	assert_string_equal(text_at(pages, "sessions", 1, "address"), RIG_ADDRESS);
	assert_string_equal(text_at(pages, "sessions", 1, "mechanism"), "PLAIN");
	assert_true(number_at(pages, "sessions", 1, "since_ms") > 1000000);
	pages = rig_verb(rig, "sessions list", json_pack("{s:s}", "login", "Alice"));
	assert_int_equal(json_array_size(json_object_get(json_array_get(pages, 0), "sessions")), 2);

	pages = rig_verb(rig, "sessions kick", json_pack("{s:s}", "session", "s2"));
	assert_int_equal(json_integer_value(json_object_get(json_array_get(pages, 0), "sessions")), 1);
	await_unasked(&rig->fronts[1], 0, 1);
	assert_string_equal(rig->fronts[1].about, "s2");
	pages = rig_verb(rig, "sessions kick", json_pack("{s:s}", "login", "alice"));
	assert_int_equal(json_integer_value(json_object_get(json_array_get(pages, 0), "sessions")), 2);
	await_unasked(&rig->fronts[0], 0, 1);
	await_unasked(&rig->fronts[1], 0, 2);
	rig_verb(rig, "sessions kick", json_pack("{s:s}", "session", "s9"));
	assert_string_equal(rig->error_kind, "missing");
	rig_verb(rig, "sessions kick", json_object());
	assert_string_equal(rig->error_kind, "usage");
}

/* What was seen is told at once, though it is written later; names that nobody has are not kept. */
static void
logins_are_reported(void **state)
{
	struct rig *rig = *state;
	struct message_login_start clear = rig_start("s2", "PLAIN");
	json_t *pages;

	rig_plain(&rig->fronts[0], "s1", "alice", "alicepw");
	rig_plain(&rig->fronts[0], "s9", "alice", "wrong");
	rig_plain(&rig->fronts[0], "s9", "nobody", "wrong");
	clear.listener = "devices";
	clear.client_address = "10.1.2.3";
	clear.tls = false;
	clear.tls_version = "";
	clear.bind_exporter = clear.bind_endpoint = SPAN_EMPTY;
	rig_login(&rig->fronts[0], clear, SPAN_LITERAL("\0bob\0bobpw"));
	pages = rig_verb(rig, "report logins", json_object());
	assert_int_equal(json_array_size(json_object_get(json_array_get(pages, 0), "logins")), 2);
	assert_string_equal(text_at(pages, "logins", 0, "login"), "alice");
	assert_string_equal(text_at(pages, "logins", 0, "tls"), "TLS1.3");
	assert_int_equal(number_at(pages, "logins", 0, "successes"), 1);
	assert_int_equal(number_at(pages, "logins", 0, "failures"), 1);
	pages = rig_verb(rig, "report logins", json_pack("{s:s}", "login", "bob"));
	assert_string_equal(text_at(pages, "logins", 0, "address"), "10.1.2.3");
	pages = rig_verb(rig, "report insecure", json_object());
	assert_int_equal(json_array_size(json_object_get(json_array_get(pages, 0), "logins")), 1);
	assert_string_equal(text_at(pages, "logins", 0, "login"), "bob");
	assert_string_equal(text_at(pages, "logins", 0, "reason"), "password in clear");
	assert_string_equal(text_at(pages, "settings", 0, "listener"), "challenge");
	assert_string_equal(text_at(pages, "settings", 1, "listener"), "devices");
	rig_verb(rig, "report logins", json_pack("{s:s}", "since_ms", "soon"));
	assert_string_equal(rig->error_kind, "usage");
}

static void
long_lists_come_in_pages(void **state)
{
	struct rig *rig = *state;
	json_t *pages;
	char id[16];

	for (int i = 0; i < 2 * VERBS_SESSION_PAGE + 1; i++) {
		struct login_session_facts facts = { .id = id, .login = "alice", .listener = "l",
			.client_address = "a", .mechanism = "m", .credential = "",
			.limits = "default", .protocol = IDENTITY_SMTP };

		snprintf(id, sizeof id, "s%d", i);
		sessions_add(rig->auth->sessions, &(const struct login_request){ rig, 0 }, &facts);
	}
	pages = rig_verb(rig, "sessions list", json_object());
	assert_int_equal(json_array_size(pages), 3);
	assert_string_equal(text_at(pages, "sessions", 999, "session"), "s999");
	assert_int_equal(
		json_array_size(json_object_get(json_array_get(pages, 2), "sessions")), 1);
}

static void
limits_are_shown_and_reset(void **state)
{
	static const struct {
		const char *limit;
		int64_t spent;
		int64_t amount;
	} rows[] = {
		{ "messages-per-hour", 5, 5 },
		{ "recipients-per-hour", 10, 20 },
		{ "connections-per-login", 1, 3 },
		{ "failures-per-login", 1, 100 }, /* from this address */
		{ "failures-per-login", 1, 500 }, /* from anywhere */
	};
	struct rig *rig = *state;
	struct rig_front *front = &rig->fronts[0];
	json_t *pages;

	log_in(front, "s1", "alice");
	for (int i = 0; i < 5; i++)
		charge(front, "s1", "alice", 2);
	rig_plain(front, "s2", "alice", "wrong");
	pages = rig_verb(rig, "limits show", json_pack("{s:s}", "login", "alice"));
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_string_equal(text_at(pages, "limits", i, "who"), "alice");
		assert_string_equal(text_at(pages, "limits", i, "limit"), rows[i].limit);
		assert_int_equal(number_at(pages, "limits", i, "spent"), rows[i].spent);
		assert_int_equal(number_at(pages, "limits", i, "amount"), rows[i].amount);
	}
	assert_string_equal(text_at(pages, "limits", 0, "limits"), "default");
	/* Half of the recipients are spent: the rest of the hour's half brings them back. */
	assert_in_range(number_at(pages, "limits", 1, "whole_ms"), 29 * 60000, 30 * 60000);
	assert_string_equal(text_at(pages, "limits", 3, "address"), "192.0.2.7");
	assert_int_equal(charge(front, "s1", "alice", 1)->verdict, CHARGE_HOLD);
	pages = rig_verb(rig, "limits show", json_pack("{s:s}", "login", "alice"));
	assert_true(number_at(pages, "limits", 0, "held_since_ms") > 1700000000000);
	rig_verb(rig, "limits reset", json_pack("{s:s}", "login", "alice"));
	assert_string_equal(rig->error_kind, "");
	assert_int_equal(charge(front, "s1", "alice", 1)->verdict, CHARGE_PASS);
	/* Of everybody what is spent, and the address whose failures were not forgiven. */
	pages = rig_verb(rig, "limits show", json_object());
	assert_int_equal(number_at(pages, "limits", 0, "spent"), 1);
	pages = rig_verb(rig, "limits show", json_pack("{s:s}", "address", "192.0.2.7"));
	assert_string_equal(text_at(pages, "limits", 0, "limit"), "failures-per-address");
	rig_verb(rig, "limits reset", json_pack("{s:s}", "address", "192.0.2.7"));
	pages = rig_verb(rig, "limits show", json_pack("{s:s}", "address", "192.0.2.7"));
	assert_int_equal(
		json_array_size(json_object_get(json_array_get(pages, 0), "limits")), 0);
	rig_verb(rig, "limits reset", json_object());
	assert_string_equal(rig->error_kind, "usage");
	rig_verb(rig, "limits reset", json_pack("{s:s}", "address", "nowhere"));
	assert_string_equal(rig->error_kind, "usage");
	rig_verb(rig, "limits show", json_pack("{s:s, s:s}", "address", "::1", "login", "a"));
	assert_string_equal(rig->error_kind, "usage");
}

static void
who_met_which_limit_is_reported(void **state)
{
	struct rig *rig = *state;
	struct rig_front *front = &rig->fronts[0];
	json_t *pages;

	log_in(front, "s1", "strict");
	rig_plain(front, "s2", "strict", "strictpw");
	charge(front, "s1", "strict", 1);
	for (int i = 0; i < 3; i++)
		charge(front, "s1", "strict", 1);
	pages = rig_verb(rig, "report limits", json_object());
	assert_string_equal(text_at(pages, "limits", 0, "who"), "strict");
	assert_string_equal(text_at(pages, "limits", 0, "limit"), "messages-per-hour");
	assert_string_equal(text_at(pages, "limits", 0, "outcome"), "refused");
	assert_string_equal(
		text_at(pages, "limits", 0, "text"), "More than 1 messages in an hour");
	assert_int_equal(number_at(pages, "limits", 0, "count"), 3);
	assert_string_equal(text_at(pages, "limits", 1, "limit"), "connections-per-login");
	pages = rig_verb(rig, "report limits", json_pack("{s:I}", "since_ms",
		(json_int_t)4000000000000));
	assert_int_equal(
		json_array_size(json_object_get(json_array_get(pages, 0), "limits")), 0);
}

static void
explain_knows_the_directory(void **state)
{
	struct rig *rig = *state;
	json_t *pages = rig_verb(rig, "explain",
		json_pack("{s:s, s:s, s:s}", "login", "alice", "listener", "submission", "mail_from",
			"alice@example.org"));

	assert_string_equal(
		json_string_value(json_object_get(json_array_get(pages, 0), "verdict")), "pass");
	rig_verb(rig, "explain",
		json_pack("{s:s, s:s, s:s}", "login", "nobody", "listener", "submission",
			"mail_from", "x@example.org"));
	assert_string_equal(rig->error_kind, "missing");
	rig_verb(rig, "no such", json_object());
	assert_string_equal(rig->error_kind, "usage");
}

/* ---- reload ---------------------------------------------------------------------------------- */

static void
new_settings_hold_for_new_logins(void **state)
{
	struct rig *rig = *state;
	struct settings changed = rig->settings;
	struct settings_listener listeners[6];

	log_in(&rig->fronts[0], "s1", "alice");
	memcpy(listeners, rig->listeners, sizeof listeners);
	listeners[0].login = LOGIN_OFF;
	changed.listener.items = listeners;
	changed.holds = 0;
	auth_set_settings(rig->auth, &changed);
	assert_int_equal(rig_plain(&rig->fronts[0], "s2", "alice", "alicepw")->failure,
		LOGIN_NO_MECHANISM);
	auth_set_settings(rig->auth, &rig->settings);
	log_in(&rig->fronts[0], "s3", "alice");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(connections_are_limited_over_all_front_ends),
		RIG_TEST(protocols_have_limits_of_their_own),
		RIG_TEST(a_front_end_that_goes_takes_its_sessions_along),
		RIG_TEST(nobody_ends_the_session_of_another_front_end),
		RIG_TEST(messages_are_charged_over_all_front_ends),
		RIG_TEST(nobody_charges_another),
		RIG_TEST(sessions_are_listed_and_kicked),
		RIG_TEST(logins_are_reported),
		RIG_TEST(long_lists_come_in_pages),
		RIG_TEST(limits_are_shown_and_reset),
		RIG_TEST(who_met_which_limit_is_reported),
		RIG_TEST(what_comes_to_nothing_is_given_back),
		RIG_TEST(strangers_are_charged_by_address),
		RIG_TEST(explain_knows_the_directory),
		RIG_TEST(new_settings_hold_for_new_logins),
	};

	return cmocka_run_group_tests_name("auth/role", tests, NULL, NULL);
}
