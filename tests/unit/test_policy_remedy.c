/* SPDX-License-Identifier: BSD-2-Clause */
/* Which wrong-sender holds, and with which address. */
#include "unit.h"

#include "policy/remedy.h"

static const char *const patterns[] = { "@example.org", ".example.org", "*", "desk@example.org" };
static const char *const own[] = { "alice@example.org", "ali@example.org" };
static const struct identity alice = { .login = "alice", .addresses = { own, 2 } };
static const struct identity nobody = { .login = "nobody" };
static const struct settings_listener listener = { .inherit = true };

/* The sections of the file in their order, all for everybody who has, or has not, logged in. */
static struct remedy
ask(const struct identity *identity, enum wrong_sender first, enum wrong_sender second,
	size_t pattern_count)
{
	const struct principal principal = {
		.kind = identity ? PRINCIPAL_AUTHENTICATED : PRINCIPAL_ANONYMOUS
	};
	const struct settings_permit permits[] = {
		{ .where = "f:1", .principal = principal, .wrong_sender = first,
			.send_as = { patterns, pattern_count } },
		{ .where = "f:2", .principal = principal, .wrong_sender = second },
	};
	const struct settings settings = { .permit = { permits, 2 } };
	struct mail_session session = { .settings = &settings, .listener = &listener,
		.identity = identity };

	return remedy_of(&session);
}

static void
the_first_that_says_something(void **state)
{
	static const struct {
		enum wrong_sender first;
		enum wrong_sender second;
		enum wrong_sender kind;
		const char *where;
	} cases[] = {
		{ WRONG_SENDER_NEXT, WRONG_SENDER_NEXT, WRONG_SENDER_REFUSE, "" },
		{ WRONG_SENDER_NEXT, WRONG_SENDER_HOLD, WRONG_SENDER_HOLD, "f:2" },
		{ WRONG_SENDER_REFUSE, WRONG_SENDER_HOLD, WRONG_SENDER_REFUSE, "f:1" },
		{ WRONG_SENDER_HOLD, WRONG_SENDER_REWRITE, WRONG_SENDER_HOLD, "f:1" },
		{ WRONG_SENDER_REWRITE, WRONG_SENDER_REFUSE, WRONG_SENDER_REWRITE, "f:1" },
		{ WRONG_SENDER_NEXT, WRONG_SENDER_ON_BEHALF, WRONG_SENDER_ON_BEHALF, "f:2" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct remedy remedy = ask(&alice, cases[i].first, cases[i].second, 0);

		assert_int_equal(remedy.kind, cases[i].kind);
		assert_string_equal(remedy.where, cases[i].where);
	}
}

static void
the_address(void **state)
{
	struct remedy remedy = ask(&alice, WRONG_SENDER_REWRITE, WRONG_SENDER_NEXT, 4);

	(void)state;
	assert_string_equal(remedy.instead, "alice@example.org");
	/* Without a login it is the first in send-as that is one address, if there is one. */
	remedy = ask(NULL, WRONG_SENDER_REWRITE, WRONG_SENDER_NEXT, 4);
	assert_int_equal(remedy.kind, WRONG_SENDER_REWRITE);
	assert_string_equal(remedy.instead, "desk@example.org");
	remedy = ask(NULL, WRONG_SENDER_ON_BEHALF, WRONG_SENDER_NEXT, 3);
	assert_int_equal(remedy.kind, WRONG_SENDER_REFUSE);
	/* A login without an address does not borrow that of a permit. */
	remedy = ask(&nobody, WRONG_SENDER_REWRITE, WRONG_SENDER_NEXT, 4);
	assert_int_equal(remedy.kind, WRONG_SENDER_REFUSE);
	assert_string_equal(remedy.where, "f:1");
}

static void
what_is_said(void **state)
{
	const struct claim claim = { .where = "f:9", .reason = "denied to this login" };
	struct remedy remedy = { .kind = WRONG_SENDER_REWRITE, .where = "f:1" };
	struct verdict verdict = remedy_refuse(&remedy, "From", &claim);

	(void)state;
	assert_int_equal(verdict.kind, VERDICT_REJECT);
	assert_int_equal(verdict.code, 550);
	assert_string_equal(verdict.enhanced, "5.7.1");
	assert_string_equal(verdict.where, "f:9");
	assert_string_equal(verdict.text,
		"Client does not have permission to send as this sender (From: denied to this login)");
	remedy.kind = WRONG_SENDER_HOLD;
	verdict = remedy_refuse(&remedy, "From", &claim);
	assert_int_equal(verdict.kind, VERDICT_HOLD);
	assert_string_equal(verdict.where, "f:1");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_that_says_something),
		cmocka_unit_test(the_address),
		cmocka_unit_test(what_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
