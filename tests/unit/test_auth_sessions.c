/* SPDX-License-Identifier: BSD-2-Clause */
/* Who is logged in where. */
#include "unit.h"

#include <stdio.h>

#include "auth/sessions.h"

static int fronts[2]; /* only their addresses matter */

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
logins_are_forgotten_with_their_last_session(void **state)
{
	struct sessions *sessions = *state;

	add(sessions, 0, 1, "s1", "alice", IDENTITY_SMTP);
	add(sessions, 0, 2, "s2", "alice", IDENTITY_IMAP);
	sessions_end(sessions, sessions_find(sessions, "s1"));
	assert_non_null(sessions_find_login(sessions, "alice"));
	sessions_end(sessions, sessions_find(sessions, "s2"));
	assert_null(sessions_find_login(sessions, "alice"));
	assert_null(sessions_next_login(sessions, NULL));
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
		SESSIONS_TEST(logins_are_forgotten_with_their_last_session),
	};

	return cmocka_run_group_tests_name("auth/sessions", tests, NULL, NULL);
}
