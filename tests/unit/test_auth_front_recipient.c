/* SPDX-License-Identifier: BSD-2-Clause */
/* RECIPIENT_ASK: what the directory says of an address, and who may ask. */
#include "auth_rig.h"

static const struct settings_domain domains[] = {
	{ .title = "example.org", .plus_address = "+", .recipients = RECIPIENTS_DIRECTORY },
	{ .title = "elsewhere.example", .plus_address = "", .recipients = RECIPIENTS_DIRECTORY },
};

static struct rig_front *
front_of(void **state)
{
	struct rig *rig = *state;

	rig->settings.domain.items = domains;
	rig->settings.domain.count = 2;
	auth_set_settings(rig->auth, &rig->settings);
	return &rig->fronts[0];
}

static void
send_question(struct rig_front *front, const char *path)
{
	const struct message_recipient_ask asked = { path };
	struct buf content = BUF_INIT(0);

	message_recipient_ask_pack(&content, &asked);
	rig_ask(front, MSG_RECIPIENT_ASK, &content);
}

static enum finding
ask(struct rig_front *front, const char *path)
{
	send_question(front, path);
	assert_int_equal(rig_hear(front)->id, MSG_RECIPIENT_TOLD);
	return front->heard.finding;
}

static void
addresses_of_accounts_are_known(void **state)
{
	static const struct {
		const char *path;
		enum finding finding;
	} cases[] = {
		{ "alice@example.org", FINDING_KNOWN },
		{ "ALICE@example.org", FINDING_KNOWN },
		{ "alice+tag@example.org", FINDING_KNOWN },
		{ "Alice+a+b@EXAMPLE.ORG", FINDING_KNOWN },
		{ "nobody@example.org", FINDING_UNKNOWN },
		{ "nobody+alice@example.org", FINDING_UNKNOWN },
		{ "alic_@example.org", FINDING_UNKNOWN },
		{ "%@example.org", FINDING_UNKNOWN },
		{ "PostMaster@example.org", FINDING_KNOWN },
		/* whoever asks: only domains of ours, by those settings */
		{ "alice@elsewhere.example", FINDING_UNSURE },
		{ "alice@example.net", FINDING_UNSURE },
		{ "alice", FINDING_UNSURE },
	};
	struct rig_front *front = front_of(state);

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		if (ask(front, cases[i].path) != cases[i].finding)
			fail_msg("%s", cases[i].path);
		assert_string_equal(front->heard.text,
			cases[i].finding == FINDING_UNKNOWN ? "5.1.1" : "");
	}
}

static void
what_changes_is_known_at_once(void **state)
{
	struct rig *rig = *state;
	struct rig_front *front = front_of(state);

	assert_int_equal(ask(front, "new@example.org"), FINDING_UNKNOWN);
	rig_verb(rig, "address add",
		json_pack("{s:s, s:s}", "login", "alice", "address", "new@example.org"));
	assert_int_equal(ask(front, "new@example.org"), FINDING_KNOWN);
	rig_verb(rig, "address delete",
		json_pack("{s:s, s:s}", "login", "alice", "address", "new@example.org"));
	assert_int_equal(ask(front, "new@example.org"), FINDING_UNKNOWN);
}

static void
a_front_end_may_go_before_the_answer(void **state)
{
	struct rig *rig = *state;
	struct rig_front *front = front_of(state);

	for (unsigned i = 0; i < 3; i++) {
		for (unsigned k = 0; k < 20; k++)
			send_question(front, "alice@example.org");
		fixture_run_for(rig->loop, 1);
		auth_drop_link(rig->auth, ROLE_SMTP, 0);
		rig_connect(rig, front, ROLE_SMTP, 0);
		rig_announced(front);
	}
	assert_int_equal(ask(front, "alice@example.org"), FINDING_KNOWN);
}

static void
malformed_questions_end_the_channel(void **state)
{
	struct rig_front *front = front_of(state);
	struct buf content = BUF_INIT(0);

	buf_add_text(&content, "x");
	rig_ask(front, MSG_RECIPIENT_ASK, &content);
	while (!front->closed)
		fixture_run(front->rig->loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(addresses_of_accounts_are_known),
		RIG_TEST(what_changes_is_known_at_once),
		RIG_TEST(a_front_end_may_go_before_the_answer),
		RIG_TEST(malformed_questions_end_the_channel),
	};

	return cmocka_run_group_tests_name("auth/front_recipient", tests, NULL, NULL);
}
