/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose mail a filter hears of, and that a client cannot talk its way around it. */
#include "milter_fixture.h"

/* The message has some fifty bytes, whatever its client declares. */
static void
by_size(void **state)
{
	static const struct {
		uint64_t smallest;
		uint64_t largest;
		uint64_t declared;
		bool asked;
	} rows[] = {
		{ 0, 0, 0, true },
		{ 10, 1000, 0, true },
		{ 10, 1000, 50, true },
		{ 10, 1000, 5, true },
		{ 10, 1000, 5000, true },
		{ 1000, 0, 0, false },
		{ 1000, 0, 5000, false },
		{ 0, 10, 0, false },
		{ 0, 10, 5, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct fixture fixture;

		fixture_open(&fixture, NULL);
		fixture.settings.smallest = rows[i].smallest;
		fixture.settings.largest = rows[i].largest;
		fixture.mail = mail_new(&fixture.session, "id", 0);
		fixture.mail->sender = "alice@example.org";
		fixture.mail->parameters = "";
		fixture.mail->declared_size = rows[i].declared;
		fixture.waits = true;
		chain_envfrom(fixture.chain, fixture.mail, fixture_on_verdict, &fixture);
		assert_true(fixture_await(&fixture) <= VERDICT_ACCEPT);
		assert_true(fixture_to(&fixture, "bob@example.net") <= VERDICT_ACCEPT);
		assert_true(fixture_data(&fixture) <= VERDICT_ACCEPT);
		fixture_content(&fixture, FIXTURE_HEADER, SPAN_LITERAL("hello\r\n"));
		assert_true(fixture_message(&fixture) <= VERDICT_ACCEPT);
		if ((strchr(fixture_heard(&fixture), 'E') != NULL) != rows[i].asked ||
			(strchr(fixture_heard(&fixture), 'L') != NULL) != rows[i].asked)
			fail_msg("row %zu: %s", i, fixture_heard(&fixture));
		fixture_close(&fixture);
	}
}

static void
by_session(void **state)
{
	static const struct identity alice = { .login = "alice", .mechanism = "PLAIN" };
	static const struct settings_permit permit = { .where = "permit",
		.principal = { .kind = PRINCIPAL_AUTHENTICATED },
		.rights = RIGHT_BYPASS_MILTERS };
	static const struct {
		enum milter_logins logins;
		bool bypass;
		const char *stranger;
		const char *alice;
	} rows[] = {
		{ MILTER_LOGINS_ANY, false, "OCHMRTLLNBE", "OCHMRTLLNBE" },
		{ MILTER_LOGINS_ANY, true, "OCHMRTLLNBE", "" },
		{ MILTER_LOGINS_ONLY, false, "", "OCHMRTLLNBE" },
		{ MILTER_LOGINS_NONE, false, "OCHMRTLLNBE", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		for (int logged_in = 0; logged_in < 2; logged_in++) {
			struct fixture fixture;

			fixture_open(&fixture, NULL);
			fixture.settings.logins = rows[i].logins;
			fixture.listener.permit =
				(struct settings_permits){ &permit, rows[i].bypass };
			fixture.session.identity = logged_in ? &alice : NULL;
			assert_true(fixture_mail(&fixture) <= VERDICT_ACCEPT);
			assert_string_equal(fixture_heard(&fixture),
				logged_in ? rows[i].alice : rows[i].stranger);
			assert_int_equal(fixture.dialed, fixture_heard(&fixture)[0] != '\0');
			fixture_close(&fixture);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_size),
		cmocka_unit_test(by_session),
	};

	return cmocka_run_group_tests_name("policy/milter asked", tests, NULL, NULL);
}
