/* SPDX-License-Identifier: BSD-2-Clause */
/* What is done to originator fields, byte for byte; who may stand there is asked by tests/rights. */
#include "unit.h"

#include "policy/originators.h"

static const char *const own[] = { "alice@example.org", "ali@example.org" };
static const char *const granted[] = { "ceo@example.org" };
static const struct identity alice = { .login = "alice", .addresses = { own, 2 } };
static const struct settings_listener listener = { .inherit = true };

static struct verdict
judge(enum wrong_sender wrong, enum posing_name posing, const char *before, const char *after)
{
	const struct settings_permit permit = { .where = "f:1",
		.principal = { .kind = PRINCIPAL_AUTHENTICATED }, .on_behalf = { granted, 1 },
		.wrong_sender = wrong, .posing_name = posing };
	const struct settings settings = { .permit = { &permit, 1 } };
	struct mail_session session = { .settings = &settings, .listener = &listener,
		.identity = &alice };
	struct arena *arena = arena_new(0);
	struct buf text = BUF_INIT(0);
	struct header header;
	struct verdict verdict;

	assert_true(header_parse(span_text(before), 0, arena, &header, NULL));
	verdict = originators_judge(&session, &header, false);
	assert_true(header_format(&header, &text));
	if (after)
		assert_string_equal(buf_text(&text), after);
	buf_fini(&text);
	arena_free(&arena);
	return verdict;
}

static void
nothing_is_changed_that_need_not_be(void **state)
{
	static const char *const same[] = {
		"From:   Alice\r\n\t<alice@example.org> (me)\r\nX: y\r\n",
		"From: ali@example.org,\r\n alice@example.org\r\nSender:alice@example.org\r\n",
		"From: alice@example.org\r\nResent-From: ali@example.org\r\n",
		"From: \"x\" <alice@example.org>\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
		for (enum wrong_sender wrong = WRONG_SENDER_NEXT; wrong <= WRONG_SENDER_HOLD;
			wrong++) {
			struct verdict verdict =
				judge(wrong, POSING_NAME_STRIP, same[i], same[i]);

			assert_int_equal(verdict.kind, VERDICT_CONTINUE);
			assert_int_equal(verdict.changed, 0);
		}
	}
}

static void
rewriting(void **state)
{
	struct verdict verdict = judge(WRONG_SENDER_REWRITE, POSING_NAME_NEXT,
		"X: 1\r\nFrom: Bob\r\n <bob@example.net>\r\nSender: x@example.net\r\nY: 2\r\n",
		"X: 1\r\nFrom: alice@example.org\r\nY: 2\r\n"
		"Reply-To: Bob\r\n <bob@example.net>\r\n");

	(void)state;
	assert_int_equal(verdict.changed, VERDICT_REWRITTEN);
	assert_string_equal(verdict.where, "f:1");
	judge(WRONG_SENDER_REWRITE, POSING_NAME_NEXT,
		"Resent-From: bob@example.net\r\nResent-From: ali@example.org\r\n"
		"Resent-Sender: x@example.net\r\nFrom: alice@example.org\r\n",
		"Resent-From: alice@example.org\r\nResent-From: ali@example.org\r\n"
		"Resent-Sender: alice@example.org\r\nFrom: alice@example.org\r\n");
	/* What is refused is not of interest, but what is unclear stays unclear. */
	verdict = judge(WRONG_SENDER_REWRITE, POSING_NAME_NEXT,
		"From: bob@example.net\r\nSender: g: x@y.z;\r\n", NULL);
	assert_int_equal(verdict.code, 554);
}

static void
on_behalf(void **state)
{
	struct verdict verdict = judge(WRONG_SENDER_ON_BEHALF, POSING_NAME_NEXT,
		"From: CEO <ceo@example.org>\r\nTo: x@y.z\r\n",
		"From: CEO <ceo@example.org>\r\nSender: alice@example.org\r\nTo: x@y.z\r\n");

	(void)state;
	assert_int_equal(verdict.changed, VERDICT_ON_BEHALF);
	verdict = judge(WRONG_SENDER_REFUSE, POSING_NAME_NEXT, "From: ceo@example.org\r\n", NULL);
	assert_non_null(strstr(verdict.text, "needs a Sender"));
}

static void
names(void **state)
{
	struct verdict verdict = judge(WRONG_SENDER_NEXT, POSING_NAME_STRIP,
		"From: \"bob@example.net\" <alice@example.org>, Ali <ali@example.org>\r\n"
		"Sender: \"bob@example.net\"\r\n <alice@example.org>\r\n",
		"From: alice@example.org, ali@example.org\r\nSender: alice@example.org\r\n");

	(void)state;
	assert_int_equal(verdict.changed, VERDICT_STRIPPED);
	verdict = judge(WRONG_SENDER_NEXT, POSING_NAME_REFUSE,
		"From: \"bob@example.net\" <alice@example.org>\r\n", NULL);
	assert_int_equal(verdict.code, 550);
	assert_string_equal(verdict.where, "f:1");
	/* Both at once: the Sender is added, and the name goes. */
	verdict = judge(WRONG_SENDER_ON_BEHALF, POSING_NAME_STRIP,
		"From: \"bob@example.net\" <ceo@example.org>\r\n",
		"From: ceo@example.org\r\nSender: alice@example.org\r\n");
	assert_int_equal(verdict.changed, VERDICT_ON_BEHALF | VERDICT_STRIPPED);
	/* A name that repeats the address of its own mailbox shows nobody else. */
	judge(WRONG_SENDER_NEXT, POSING_NAME_REFUSE,
		"From: \"CEO@example.org\" <ceo@example.org>\r\nSender: ali@example.org\r\n",
		"From: \"CEO@example.org\" <ceo@example.org>\r\nSender: ali@example.org\r\n");
	/* What is held is rid of it as well. */
	verdict = judge(WRONG_SENDER_HOLD, POSING_NAME_STRIP,
		"From: \"alice@example.org\" <bob@example.net>\r\nSender: \"x@y.z\" <ali@example.org>\r\n",
		"From: \"alice@example.org\" <bob@example.net>\r\nSender: ali@example.org\r\n");
	assert_int_equal(verdict.kind, VERDICT_HOLD);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_changed_that_need_not_be),
		cmocka_unit_test(rewriting),
		cmocka_unit_test(on_behalf),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
