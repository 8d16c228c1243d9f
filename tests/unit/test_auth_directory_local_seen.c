/* SPDX-License-Identifier: BSD-2-Clause */
/* Logins seen: added up, bounded for each login, asked for by pages, and dating app passwords. */
#include "accounts_fixture.h"

#include "auth/directory_local_app.h"
#include "auth/directory_local_seen.h"

static void
see(struct accounts *accounts, const struct login_seen *row)
{
	if (!directory_local_see(accounts->local, row, 1, &accounts->fault))
		fail_msg("%s", accounts->fault.text);
}

static struct login_seen
login_at(const char *login, const char *address, int64_t at)
{
	return (struct login_seen){ .login = login, .protocol = IDENTITY_SMTP, .listener = "submission",
		.mechanism = "PLAIN", .tls = "TLS1.3", .address = address, .first_ms = at,
		.last_ms = at, .successes = 1 };
}

struct heard {
	char text[4096];
	size_t count;
	struct login_seen last;
};

static void
hear(void *context, const struct login_seen *row)
{
	struct heard *heard = context;
	size_t length = strlen(heard->text);

	snprintf(heard->text + length, sizeof heard->text - length, "%s@%s ", row->login,
		row->address);
	heard->last = *row;
	heard->last.login = heard->last.address = heard->last.listener = heard->last.mechanism =
		heard->last.tls = "";
	heard->last.label = row->label[0] ? "some" : "";
	heard->count++;
}

/* True: there is more behind. */
static bool
ask(struct accounts *accounts, struct heard *heard, const struct login_seen_question *question)
{
	bool more;

	memset(heard, 0, sizeof *heard);
	if (!directory_local_seen(accounts->local, question, hear, heard, &more, &accounts->fault))
		fail_msg("%s", accounts->fault.text);
	return more;
}

static void
the_same_login_is_added_up(void **state)
{
	const struct login_seen_question all = { .login = "", .after = "", .max = 100 };
	struct accounts *accounts = *state;
	struct login_seen row = login_at("alice", "192.0.2.1", 100);
	struct heard heard;

	see(accounts, &row);
	row.last_ms = row.first_ms = 300;
	row.successes = 5;
	see(accounts, &row);
	row = login_at("alice", "192.0.2.1", 400);
	row.last_ms = 0;
	row.successes = 0;
	row.failed_ms = 400;
	row.failures = 2;
	see(accounts, &row);
	row = login_at("alice", "192.0.2.2", 200);
	see(accounts, &row);
	accounts_reopen(accounts);
	ask(accounts, &heard, &all);
	assert_string_equal(heard.text, "alice@192.0.2.1 alice@192.0.2.2 ");
	row = login_at("alice", "192.0.2.1", 500);
	see(accounts, &row);
	ask(accounts, &heard, &(struct login_seen_question){ .login = "alice", .after = "",
		.since_ms = 450, .max = 100 });
	assert_int_equal(heard.count, 1);
	assert_int_equal(heard.last.first_ms, 100);
	assert_int_equal(heard.last.last_ms, 500);
	assert_int_equal(heard.last.failed_ms, 400);
	assert_int_equal(heard.last.successes, 7);
	assert_int_equal(heard.last.failures, 2);
}

static void
the_oldest_rows_of_a_login_go(void **state)
{
	const struct login_seen_question all = { .login = "", .after = "", .max = 1000 };
	struct accounts *accounts = *state;
	struct heard heard;
	char address[16];

	for (int i = 0; i < LOGIN_SEEN_ROWS_MAX + 10; i++) {
		struct login_seen row = login_at("alice", address, 1000 + i);

		snprintf(address, sizeof address, "a%03d", i);
		see(accounts, &row);
	}
	/* A guesser with many addresses pushes out guesses alone; also all at one time. */
	for (int i = 0; i < 3 * LOGIN_SEEN_STRANGE_MAX; i++) {
		struct login_seen row = login_at("alice", address, 0);

		snprintf(address, sizeof address, "g%03d", i);
		row.last_ms = 0;
		row.successes = 0;
		row.failed_ms = 9999;
		row.failures = 1;
		see(accounts, &row);
	}
	ask(accounts, &heard, &all);
	assert_int_equal(heard.count, LOGIN_SEEN_ROWS_MAX + LOGIN_SEEN_STRANGE_MAX);
	assert_null(strstr(heard.text, "a009 "));
	assert_non_null(strstr(heard.text, "a010 "));
	assert_non_null(strstr(heard.text, "a073 "));
}

static void
pages_end_between_logins(void **state)
{
	struct login_seen_question question = { .login = "", .after = "", .max = 1 };
	struct accounts *accounts = *state;
	struct login_seen rows[] = { login_at("alice", "1", 1), login_at("alice", "2", 2),
		login_at("bob", "1", 3), login_at("carol", "1", 4) };
	struct heard heard;

	assert_true(directory_local_see(accounts->local, rows, 4, &accounts->fault));
	assert_true(ask(accounts, &heard, &question));
	assert_string_equal(heard.text, "alice@2 alice@1 ");
	question.after = "alice";
	assert_true(ask(accounts, &heard, &question));
	question.after = "bob";
	assert_false(ask(accounts, &heard, &question));
	assert_string_equal(heard.text, "carol@1 ");
}

static void
what_is_insecure_is_told_apart(void **state)
{
	static const struct {
		const char *tls;
		uint64_t successes;
		bool insecure;
	} cases[] = {
		{ "", 1, true }, { "TLS1.0", 1, true }, { "TLS1.1", 1, true }, { "TLS1.2", 1, false },
		{ "TLS1.3", 1, false }, { "", 0, false },
	};
	const struct login_seen_question question = {
		.login = "", .after = "", .insecure = true, .max = 100
	};
	struct accounts *accounts = *state;
	struct heard heard;
	char login[8];
	char wanted[8];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct login_seen row = login_at(login, "x", 5);

		snprintf(login, sizeof login, "u%zu", i);
		row.tls = cases[i].tls;
		row.successes = cases[i].successes;
		see(accounts, &row);
	}
	ask(accounts, &heard, &question);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		snprintf(wanted, sizeof wanted, "u%zu@", i);
		assert_int_equal(strstr(heard.text, wanted) != NULL, cases[i].insecure);
	}
}

static void
app_passwords_are_dated(void **state)
{
	const struct directory_local_app app = { .label = "scanner", .protocols = 7 };
	const struct login_seen_question all = { .login = "", .after = "", .max = 100 };
	struct accounts *accounts = *state;
	struct login_seen row = login_at("alice", "192.0.2.1", 700);
	struct account *account;
	struct heard heard;
	uint64_t id;

	accounts_add(accounts, "alice");
	assert_true(directory_local_add_app(accounts->local, "alice", &app, span_text("x"),
		&accounts->fault));
	account = accounts_find(accounts, "alice");
	row.credential = account->apps[0].id;
	account_drop(&account);
	see(accounts, &row);
	row.last_ms = 600; /* an older one comes late */
	row.address = "192.0.2.9";
	see(accounts, &row);
	account = accounts_find(accounts, "alice");
	assert_int_equal(account->apps[0].used_ms, 700);
	assert_int_equal(account->apps[0].used_protocol, IDENTITY_SMTP);
	assert_string_equal(account->apps[0].used_address, "192.0.2.1");
	account_drop(&account);
	ask(accounts, &heard, &all);
	assert_string_equal(heard.last.label, "some");
	assert_true(directory_local_revoke_app(accounts->local, "alice", "scanner", &id,
		&accounts->fault));
	ask(accounts, &heard, &all);
	assert_string_equal(heard.last.label, "");
	assert_int_equal(heard.last.credential, id);
}

static void
they_go_with_their_account(void **state)
{
	const struct login_seen_question all = { .login = "", .after = "", .max = 100 };
	struct accounts *accounts = *state;
	struct login_seen row = login_at("alice", "1", 1);
	struct heard heard;
	uint64_t epoch;

	accounts_add(accounts, "alice");
	see(accounts, &row);
	assert_true(directory_local_delete(accounts->local, "alice", &epoch, &accounts->fault));
	ask(accounts, &heard, &all);
	assert_int_equal(heard.count, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ACCOUNTS_TEST(the_same_login_is_added_up),
		ACCOUNTS_TEST(the_oldest_rows_of_a_login_go),
		ACCOUNTS_TEST(pages_end_between_logins),
		ACCOUNTS_TEST(what_is_insecure_is_told_apart),
		ACCOUNTS_TEST(app_passwords_are_dated),
		ACCOUNTS_TEST(they_go_with_their_account),
	};

	return cmocka_run_group_tests_name("auth/directory_local_seen", tests, NULL, NULL);
}
