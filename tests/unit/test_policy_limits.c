/* SPDX-License-Identifier: BSD-2-Clause */
/* Which limits section holds for whom, and its limits of size and recipients. */
#include "unit.h"

#include "policy/identity.h"
#include "policy/limits.h"

static const struct settings_limits sections[] = {
	{ .title = "default", .where = "f:1", .recipients_per_message = 3, .message_size = 100 },
	{ .title = "list", .where = "f:2" },
	{ .title = "desk", .where = "f:3", .recipients_per_message = 1 },
};
static const struct settings_permit permits[] = {
	{ .where = "f:4", .principal = { .kind = PRINCIPAL_LOGIN, .name = "desk" }, .limits = "desk" },
	{ .where = "f:5", .principal = { .kind = PRINCIPAL_LOGIN, .name = "free" }, .limits = "",
		.rights = RIGHT_BYPASS_SIZE | RIGHT_BYPASS_LIMITS },
};
static struct settings settings = {
	.limits = { sections, 3 },
	.permit = { permits, 2 },
};
static struct settings_listener listener = { .limits = "", .inherit = true };

static struct verdict answer;

static void
on_done(void *context, const struct verdict *verdict)
{
	(void)context;
	answer = *verdict;
}

static void
which_section(void **state)
{
	static const struct {
		const char *login;
		const char *of_identity;
		const char *of_listener;
		const char *title;
	} cases[] = {
		{ NULL, "", "", "default" },
		{ NULL, "", "list", "list" },
		{ "desk", "", "list", "desk" },
		{ "desk", "list", "", "list" },
		{ "desk", "gone", "", "default" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct identity identity = { .login = cases[i].login,
			.limits = cases[i].of_identity };
		struct mail_session session = { .settings = &settings, .listener = &listener,
			};

		if (cases[i].login)
			session.identity = &identity;
		listener.limits = cases[i].of_listener;
		assert_string_equal(limits_of(&session)->title, cases[i].title);
	}
	listener.limits = "";
}

/* Who has no login keeps a budget only where a section was named for it. */
static void
which_section_for_a_stranger(void **state)
{
	static const struct settings_permit anonymous[] = {
		{ .where = "f:6", .principal = { .kind = PRINCIPAL_ANONYMOUS, .name = "" },
			.limits = "desk" },
	};
	struct settings with_permit = { .limits = { sections, 3 }, .permit = { anonymous, 1 } };
	struct mail_session session = { .settings = &settings, .listener = &listener };

	(void)state;
	listener.limits = "default";
	assert_null(limits_of_stranger(&session));
	listener.limits = "list";
	assert_string_equal(limits_of_stranger(&session)->title, "list");
	session.settings = &with_permit;
	assert_string_equal(limits_of_stranger(&session)->title, "desk");
	listener.limits = "";
}

static void
size_and_recipients(void **state)
{
	struct identity identity = { .login = "alice", .limits = "" };
	struct mail_session session = { .settings = &settings, .listener = &listener,
		.identity = &identity };
	struct mail *mail = mail_new(&session, "id", 0);
	struct stage *stage = limits_stage_type.open(&session, NULL);
	struct mail_recipient recipient = { .path = "x@y.z" };

	(void)state;
	mail->declared_size = 100;
	limits_stage_type.envfrom(stage, mail, on_done, NULL);
	assert_int_equal(answer.kind, VERDICT_CONTINUE);
	mail->declared_size = 101;
	limits_stage_type.envfrom(stage, mail, on_done, NULL);
	assert_int_equal(answer.code, 552);
	for (int i = 0; i < 3; i++) {
		limits_stage_type.envrcpt(stage, mail, &recipient, on_done, NULL);
		assert_int_equal(answer.kind, VERDICT_CONTINUE);
		mail_add_recipient(mail, "x@y.z", "", 0);
	}
	limits_stage_type.envrcpt(stage, mail, &recipient, on_done, NULL);
	assert_int_equal(answer.code, 452);
	assert_string_equal(answer.enhanced, "4.5.3");
	buf_add_text(&mail->header_block, "From: x\r\n");
	mail->body_length = 92;
	limits_stage_type.eom(stage, mail, on_done, NULL);
	assert_int_equal(answer.code, 552);
	identity.login = "free";
	limits_stage_type.eom(stage, mail, on_done, NULL);
	assert_int_equal(answer.kind, VERDICT_CONTINUE);
	limits_stage_type.envrcpt(stage, mail, &recipient, on_done, NULL);
	assert_int_equal(answer.kind, VERDICT_CONTINUE);
	limits_stage_type.close(&stage);
	mail_free(&mail);
}

static void
identity_there_and_back(void **state)
{
	const char *addresses[] = { "alice@example.org", "ali@example.org" };
	const char *groups[] = { "staff", "support" };
	const struct settings_texts all = { groups, 2 };
	struct arena *arena = arena_new(0);
	struct identity_grant grants[] = {
		identity_grant_make(arena, "team@example.org", &all, 0),
		identity_grant_make(arena, "@help.example.org", &all, 2),
	};
	struct identity from = { .login = "alice", .mechanism = "PLAIN",
		.addresses = { addresses, 2 }, .groups = { groups, 2 }, .limits = "desk",
		.send_as = { grants, 2 }, .credential = "scanner", .credential_id = 12,
		.protocols = IDENTITY_SMTP | IDENTITY_POP3, .epoch = 7 };
	struct buf bytes = BUF_INIT(0);
	struct identity to;

	(void)state;
	identity_pack(&bytes, &from);
	assert_true(identity_unpack(buf_span(&bytes), arena, &to));
	assert_string_equal(to.login, "alice");
	assert_string_equal(identity_primary(&to), "alice@example.org");
	assert_int_equal(to.addresses.count, 2);
	assert_string_equal(to.groups.items[0], "staff");
	assert_int_equal(to.on_behalf.count, 0);
	assert_int_equal(to.send_as.count, 2);
	assert_string_equal(to.send_as.items[0].where, "directory grant");
	assert_string_equal(to.send_as.items[1].pattern, "@help.example.org");
	assert_string_equal(to.send_as.items[1].where, "grant of group support");
	assert_string_equal(to.credential, "scanner");
	assert_int_equal(to.credential_id, 12);
	assert_string_equal(to.limits, "desk");
	assert_int_equal(to.protocols, IDENTITY_SMTP | IDENTITY_POP3);
	assert_int_equal(to.epoch, 7);
	for (size_t length = 0; length < buf_length(&bytes); length++)
		assert_false(identity_unpack(span_first(buf_span(&bytes), length), arena, &to));
	/* A grant of a group that is not there. */
	grants[1].group = 3;
	buf_clear(&bytes);
	identity_pack(&bytes, &from);
	assert_false(identity_unpack(buf_span(&bytes), arena, &to));
	grants[1].group = 2;
	buf_clear(&bytes);
	from.login = "";
	identity_pack(&bytes, &from);
	assert_false(identity_unpack(buf_span(&bytes), arena, &to));
	buf_fini(&bytes);
	arena_free(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(which_section),
		cmocka_unit_test(which_section_for_a_stranger),
		cmocka_unit_test(size_and_recipients),
		cmocka_unit_test(identity_there_and_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
