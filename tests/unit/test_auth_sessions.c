/* SPDX-License-Identifier: BSD-2-Clause */
/* Who is logged in where, and budgets against a passed clock. */
#include "unit.h"

#include <stdio.h>

#include "auth/sessions.h"

static int fronts[2]; /* only their addresses matter */

enum { HOUR = SESSIONS_WINDOW_MS, NOW = 100 * SESSIONS_WINDOW_MS };

static int
make(void **state)
{
	*state = sessions_new();
	return 0;
}

static int
unmake(void **state)
{
	sessions_free((struct sessions **)state);
	return 0;
}

static struct login_session *
add(struct sessions *sessions, int front, uint64_t number, const char *id, const char *login,
	enum identity_protocol protocol)
{
	struct login_session_facts facts = {
		.id = id,
		.login = login,
		.listener = "submission",
		.client_address = "192.0.2.1",
		.mechanism = "PLAIN",
		.limits = "default",
		.protocol = protocol,
	};

	return sessions_add(sessions,
		&(const struct login_request){ &fronts[front], number }, &facts);
}

static void
counts_by_login_and_protocol(void **state)
{
	struct sessions *sessions = *state;

	add(sessions, 0, 1, "s1", "alice", IDENTITY_SMTP);
	add(sessions, 1, 1, "s2", "alice", IDENTITY_SMTP);
	add(sessions, 0, 2, "s3", "alice", IDENTITY_IMAP);
	add(sessions, 0, 3, "s4", "bob", IDENTITY_SMTP);
	assert_int_equal(sessions_count_of(sessions, "alice", IDENTITY_SMTP), 2);
	assert_int_equal(sessions_count_of(sessions, "alice", IDENTITY_IMAP), 1);
	assert_int_equal(sessions_count_of(sessions, "alice", IDENTITY_POP3), 0);
	assert_int_equal(sessions_count_of(sessions, "nobody", IDENTITY_SMTP), 0);
	sessions_end(sessions, sessions_find(sessions, "s2"));
	assert_int_equal(sessions_count_of(sessions, "alice", IDENTITY_SMTP), 1);
	assert_null(sessions_find(sessions, "s2"));
	assert_int_equal(sessions_count(sessions), 3);
}

static void
an_id_is_there_once(void **state)
{
	struct sessions *sessions = *state;

	add(sessions, 0, 1, "s1", "alice", IDENTITY_SMTP);
	add(sessions, 0, 1, "s1", "bob", IDENTITY_IMAP);
	assert_int_equal(sessions_count(sessions), 1);
	assert_int_equal(sessions_count_of(sessions, "alice", IDENTITY_SMTP), 0);
	assert_string_equal(sessions_find(sessions, "s1")->use->login, "bob");
}

static void
is_found_by_its_request(void **state)
{
	struct sessions *sessions = *state;
	const struct login_request first = { &fronts[0], 7 };
	const struct login_request other = { &fronts[1], 7 };

	add(sessions, 0, 7, "s1", "alice", IDENTITY_SMTP);
	assert_ptr_equal(sessions_find_request(sessions, &first), sessions_find(sessions, "s1"));
	assert_null(sessions_find_request(sessions, &other));
	/* The number is given again: it means the newer session, and both can end. */
	add(sessions, 0, 7, "s2", "alice", IDENTITY_SMTP);
	assert_ptr_equal(sessions_find_request(sessions, &first), sessions_find(sessions, "s2"));
	sessions_end(sessions, sessions_find(sessions, "s1"));
	assert_ptr_equal(sessions_find_request(sessions, &first), sessions_find(sessions, "s2"));
	sessions_end(sessions, sessions_find(sessions, "s2"));
	assert_null(sessions_find_request(sessions, &first));
	/* Announced ones came from no request. */
	add(sessions, 0, 0, "s3", "alice", IDENTITY_SMTP);
	assert_null(sessions_find_request(sessions, &(const struct login_request){ &fronts[0], 0 }));
}

static void
a_front_end_takes_its_sessions_along(void **state)
{
	struct sessions *sessions = *state;

	for (int i = 0; i < 10; i++) {
		char id[16];

		snprintf(id, sizeof id, "s%d", i);
		add(sessions, i % 2, (uint64_t)i + 1, id, "alice", IDENTITY_SMTP);
	}
	sessions_drop_front(sessions, &fronts[0]);
	assert_int_equal(sessions_count(sessions), 5);
	for (struct login_session *session = sessions_next(sessions, NULL); session;
		session = sessions_next(sessions, session))
		assert_ptr_equal(session->request.front, &fronts[1]);
}

static void
charges_messages_and_recipients(void **state)
{
	struct settings_limits limits = { .messages_per_hour = 2, .recipients_per_hour = 10,
		.over = LIMITS_OVER_HOLD };
	struct login_use *use = add(*state, 0, 1, "s1", "alice", IDENTITY_SMTP)->use;
	char text[SESSIONS_TEXT_SIZE];

	assert_int_equal(sessions_charge(use, &limits, 4, NOW, text), CHARGE_PASS);
	assert_string_equal(text, "");
	/* 4 + 7 recipients would be too many; the message itself would not. */
	assert_int_equal(sessions_charge(use, &limits, 7, NOW, text), CHARGE_HOLD);
	assert_string_equal(text, "More than 10 recipients in an hour");
	/* What was held is not spent. */
	assert_int_equal(sessions_charge(use, &limits, 6, NOW, text), CHARGE_PASS);
	limits.over = LIMITS_OVER_TEMPFAIL;
	assert_int_equal(sessions_charge(use, &limits, 1, NOW, text), CHARGE_TEMPFAIL);
	assert_string_equal(text, "More than 2 messages in an hour");
	limits.over = LIMITS_OVER_REFUSE;
	assert_int_equal(sessions_charge(use, &limits, 1, NOW, text), CHARGE_REFUSE);
	/* Half an hour gives back half of it. */
	assert_int_equal(sessions_charge(use, &limits, 5, NOW + HOUR / 2, text), CHARGE_PASS);
	sessions_forgive(use);
	assert_int_equal(sessions_charge(use, &limits, 10, NOW + HOUR / 2, text), CHARGE_PASS);
	limits = (struct settings_limits){ .messages_per_hour = 0 };
	for (int i = 0; i < 100; i++)
		assert_int_equal(sessions_charge(use, &limits, 1000, NOW, text), CHARGE_PASS);
}

static void
logins_are_forgotten_when_nothing_depends_on_them(void **state)
{
	struct settings_limits limits = { .messages_per_hour = 2 };
	struct sessions *sessions = *state;
	struct login_use *use = add(sessions, 0, 1, "s1", "alice", IDENTITY_SMTP)->use;
	char text[SESSIONS_TEXT_SIZE];

	sessions_charge(use, &limits, 1, NOW, text);
	sessions_sweep(sessions, NOW + 2 * HOUR);
	assert_non_null(sessions_find_login(sessions, "alice"));
	sessions_end(sessions, sessions_find(sessions, "s1"));
	/* Logging in anew must not make a budget whole. */
	sessions_sweep(sessions, NOW + HOUR / 2);
	assert_non_null(sessions_find_login(sessions, "alice"));
	sessions_sweep(sessions, NOW + HOUR + 1);
	assert_null(sessions_find_login(sessions, "alice"));
}

#define SESSIONS_TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SESSIONS_TEST(counts_by_login_and_protocol),
		SESSIONS_TEST(an_id_is_there_once),
		SESSIONS_TEST(is_found_by_its_request),
		SESSIONS_TEST(a_front_end_takes_its_sessions_along),
		SESSIONS_TEST(charges_messages_and_recipients),
		SESSIONS_TEST(logins_are_forgotten_when_nothing_depends_on_them),
	};

	return cmocka_run_group_tests_name("auth/sessions", tests, NULL, NULL);
}
