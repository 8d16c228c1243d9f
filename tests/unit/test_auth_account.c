/* SPDX-License-Identifier: BSD-2-Clause */
/* Accounts: shared by count, and why one may not log in. */
#include "unit.h"

#include "auth/account.h"

static void
is_shared_by_count(void **state)
{
	struct account *account = account_new();
	struct account *second = account_use(account);

	(void)state;
	assert_ptr_equal(second, account);
	account_drop(&account);
	assert_null(account);
	assert_string_equal(second->identity.login, "");
	account_drop(&second);
	account_drop(&second);
}

static void
says_why_it_may_not_log_in(void **state)
{
	struct account *account = account_new();

	(void)state;
	account->identity.protocols = IDENTITY_SMTP | IDENTITY_POP3;
	assert_null(account_refusal(account, IDENTITY_SMTP, 1000));
	assert_non_null(account_refusal(account, IDENTITY_IMAP, 1000));
	account->expires_ms = 1000;
	assert_null(account_refusal(account, IDENTITY_SMTP, 999));
	assert_string_equal(account_refusal(account, IDENTITY_SMTP, 1000), "account has expired");
	account->disabled = true;
	assert_string_equal(account_refusal(account, IDENTITY_SMTP, 999), "account is disabled");
	account_drop(&account);
}

static void
knows_protocols_by_name(void **state)
{
	enum identity_protocol protocol = IDENTITY_SMTP;

	(void)state;
	assert_true(account_find_protocol(span_text("pop3"), &protocol));
	assert_int_equal(protocol, IDENTITY_POP3);
	assert_true(account_find_protocol(span_text("imap"), &protocol));
	assert_int_equal(protocol, IDENTITY_IMAP);
	assert_false(account_find_protocol(span_text("SMTP"), &protocol));
	assert_false(account_find_protocol(span_text(""), &protocol));
	assert_int_equal(protocol, IDENTITY_IMAP);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_shared_by_count),
		cmocka_unit_test(says_why_it_may_not_log_in),
		cmocka_unit_test(knows_protocols_by_name),
	};

	return cmocka_run_group_tests_name("auth/account", tests, NULL, NULL);
}
