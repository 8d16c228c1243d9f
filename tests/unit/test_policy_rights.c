/* SPDX-License-Identifier: BSD-2-Clause */
/* Who may send as whom: one world, a table of questions. */
#include "unit.h"

#include "policy/originators.h"
#include "policy/rights.h"
#include "policy/rights_stage.h"

#define TEXTS(...)                                                                                  \
	{ .items = (const char *const[]){ __VA_ARGS__ },                                            \
		.count = sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *) }

/* 10.1.0.0/24, as config/network.h keeps it. */
static const struct network devices = {
	.address = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 1, 0, 0 }, .bits = 120
};

static const struct settings_permit global_permits[] = {
	{ .where = "f:1", .principal = { .kind = PRINCIPAL_AUTHENTICATED },
		.rights = RIGHT_SUBMIT | RIGHT_RELAY, .limits = "" },
	{ .where = "f:2", .principal = { .kind = PRINCIPAL_GROUP, .name = "support" },
		.send_as = TEXTS("support@example.org", "@help.example.org"),
		.on_behalf = TEXTS("ceo@example.org"), .limits = "" },
	{ .where = "f:3", .principal = { .kind = PRINCIPAL_LOGIN, .name = "gateway" },
		.rights = RIGHT_ANY_SENDER | RIGHT_OWN_DOMAIN_SENDER, .limits = "" },
	{ .where = "f:4", .principal = { .kind = PRINCIPAL_LOGIN, .name = "ticket" },
		.wrong_sender = WRONG_SENDER_REWRITE, .limits = "" },
	{ .where = "f:5", .principal = { .kind = PRINCIPAL_LOGIN, .name = "watched" },
		.wrong_sender = WRONG_SENDER_HOLD, .limits = "" },
};
static const struct settings_permit global_denies[] = {
	{ .where = "f:6", .principal = { .kind = PRINCIPAL_LOGIN, .name = "muted" },
		.rights = RIGHT_SUBMIT, .limits = "" },
	{ .where = "f:7", .principal = { .kind = PRINCIPAL_GROUP, .name = "support" },
		.send_as = TEXTS("root@help.example.org"), .limits = "" },
};
static const struct settings_permit mx_permits[] = {
	{ .where = "f:8", .principal = { .kind = PRINCIPAL_ANONYMOUS },
		.rights = RIGHT_SUBMIT | RIGHT_ANY_SENDER, .limits = "" },
};
static const struct settings_permit device_permits[] = {
	{ .where = "f:9", .principal = { .kind = PRINCIPAL_NETWORK, .network = devices },
		.rights = RIGHT_SUBMIT | RIGHT_RELAY,
		.send_as = TEXTS("scanner@example.org"), .limits = "" },
};

static const struct settings_listener listeners[] = {
	{ .title = "submission", .where = "f:20", .login = LOGIN_SECURE, .inherit = true,
		.limits = "" },
	{ .title = "mx", .where = "f:21", .login = LOGIN_SECURE, .inherit = true, .limits = "",
		.permit = { mx_permits, 1 } },
	{ .title = "devices", .where = "f:22", .login = LOGIN_OFF, .inherit = false, .limits = "",
		.permit = { device_permits, 1 } },
	{ .title = "strict", .where = "f:23", .login = LOGIN_SECURE, .inherit = true, .limits = "",
		.permit = { mx_permits, 1 }, .stranger_from = STRANGER_FROM_REFUSE },
	{ .title = "careful", .where = "f:24", .login = LOGIN_SECURE, .inherit = true, .limits = "",
		.permit = { mx_permits, 1 }, .stranger_from = STRANGER_FROM_HOLD },
};

static const struct settings_domain domains[] = {
	{ .title = "plus.example.org", .plus_address = "+" },
};

static struct settings settings = {
	.hostname = "mail.example.org",
	.authoritative_domains = TEXTS("example.org", "help.example.org", "plus.example.org"),
	.domain = { domains, 1 },
	.listener = { listeners, 5 },
	.permit = { global_permits, 5 },
	.deny = { global_denies, 2 },
};

static const struct identity_grant bobs_grant = {
	.pattern = "team@example.org", .where = "directory grant",
};

static const struct identity identities[] = {
	{ .login = "alice", .mechanism = "PLAIN", .limits = "",
		.addresses = TEXTS("alice@example.org", "ali@example.org") },
	{ .login = "bob", .mechanism = "PLAIN", .limits = "", .addresses = TEXTS("bob@example.org"),
		.groups = TEXTS("staff", "Support"), .send_as = { &bobs_grant, 1 } },
	{ .login = "gateway", .mechanism = "PLAIN", .limits = "" },
	{ .login = "muted", .mechanism = "PLAIN", .limits = "",
		.addresses = TEXTS("muted@example.org") },
	{ .login = "pia", .mechanism = "PLAIN", .limits = "",
		.addresses = TEXTS("pia@plus.example.org") },
	{ .login = "ticket", .mechanism = "PLAIN", .limits = "",
		.addresses = TEXTS("ticket@example.org") },
	{ .login = "watched", .mechanism = "PLAIN", .limits = "",
		.addresses = TEXTS("watched@example.org") },
};

static struct mail_session
session_of(const char *login, const char *listener, bool device)
{
	struct mail_session session = {
		.settings = &settings,
		.listener = settings_find_listener(&settings, listener),
		.helo = "client", .client_address = "192.0.2.1",
	};

	memcpy(session.client_network, devices.address, NETWORK_BYTES);
	if (!device)
		session.client_network[13] = 99;
	for (size_t i = 0; login && i < sizeof identities / sizeof *identities; i++)
		if (strcmp(identities[i].login, login) == 0)
			session.identity = &identities[i];
	assert_true(!login || session.identity);
	return session;
}

/* The letter before the address: what stands in the wire form of MAIL FROM. */
static void
senders(void **state)
{
	static const struct {
		const char *name;
		const char *login;
		const char *listener;
		bool device;
		const char *sender;
		unsigned code; /* 0: passes; 1: held */
	} cases[] = {
		{ "F1 own", "alice", "submission", false, "alice@example.org", 0 },
		{ "F2 second address", "alice", "submission", false, "ali@example.org", 0 },
		{ "F3 another's", "alice", "submission", false, "bob@example.org", 550 },
		{ "F4 foreign", "alice", "submission", false, "ceo@example.com", 550 },
		{ "F5 domain case", "alice", "submission", false, "alice@EXAMPLE.ORG", 0 },
		{ "F6 local case", "alice", "submission", false, "ALICE@example.org", 0 },
		{ "F7 plus not on", "alice", "submission", false, "alice+x@example.org", 550 },
		{ "F7 plus on", "pia", "submission", false, "pia+x@plus.example.org", 0 },
		{ "plus of another", "alice", "submission", false, "pia+x@plus.example.org", 550 },
		{ "F8 quoted", "alice", "submission", false, "\"alice\"@example.org", 0 },
		{ "F10", "alice", "submission", false, "\"alice@example.org\"@example.com", 550 },
		{ "F21 literal", "alice", "submission", false, "alice@[127.0.0.1]", 550 },
		{ "F23 null", "alice", "submission", false, "", 0 },
		{ "F30 shared, member", "bob", "submission", false, "team@example.org", 0 },
		{ "F30 shared, other", "alice", "submission", false, "team@example.org", 550 },
		{ "group permit", "bob", "submission", false, "support@example.org", 0 },
		{ "group permit, domain", "bob", "submission", false, "x@help.example.org", 0 },
		{ "deny beats permit", "bob", "submission", false, "root@help.example.org", 550 },
		{ "group permit, other", "alice", "submission", false, "support@example.org", 550 },
		{ "on behalf is not send as", "bob", "submission", false, "ceo@example.org", 550 },
		{ "any-sender", "gateway", "submission", false, "x@example.com", 0 },
		{ "own-domain-sender", "gateway", "submission", false, "alice@example.org", 0 },
		{ "submit denied", "muted", "submission", false, "muted@example.org", 550 },
		{ "C3 no login", NULL, "submission", false, "alice@example.org", 530 },
		{ "C3 no login, null", NULL, "submission", false, "", 530 },
		{ "stranger, own domain", NULL, "mx", false, "x@example.com", 0 },
		{ "stranger, null", NULL, "mx", false, "", 0 },
		{ "stranger as one of us", NULL, "mx", false, "alice@example.org", 550 },
		{ "login on the mx", "alice", "mx", false, "alice@example.org", 0 },
		{ "login on the mx as stranger", "alice", "mx", false, "x@example.com", 550 },
		{ "device", NULL, "devices", true, "scanner@example.org", 0 },
		{ "device as other", NULL, "devices", true, "alice@example.org", 550 },
		{ "device as foreigner", NULL, "devices", true, "x@example.com", 550 },
		{ "device from elsewhere", NULL, "devices", false, "scanner@example.org", 550 },
		{ "device rights do not leak", NULL, "submission", true, "scanner@example.org", 530 },
		{ "inherit = no", "alice", "devices", false, "alice@example.org", 550 },
		{ "hold", "watched", "submission", false, "bob@example.org", 1 },
		{ "syntax", "gateway", "submission", false, "a@b@c", 553 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct mail_session session =
			session_of(cases[i].login, cases[i].listener, cases[i].device);
		struct verdict verdict = rights_check_sender(&session, cases[i].sender);
		unsigned code = verdict.kind == VERDICT_HOLD ? 1 : verdict.code;

		if (code != cases[i].code)
			fail_msg("%s: %u %s (%s)", cases[i].name, code, verdict.text,
				verdict.where);
		if (code == 550)
			assert_string_equal(verdict.enhanced, "5.7.1");
	}
}

static void
recipients(void **state)
{
	static const struct {
		const char *login;
		const char *listener;
		bool device;
		const char *recipient;
		unsigned code;
	} cases[] = {
		{ "alice", "submission", false, "x@example.net", 0 },
		{ "gateway", "submission", false, "x@example.net", 0 },
		{ NULL, "mx", false, "x@example.net", 550 },
		{ NULL, "mx", false, "alice@example.org", 0 },
		{ NULL, "mx", false, "alice@EXAMPLE.org", 0 },
		{ NULL, "mx", false, "Postmaster", 0 },
		{ NULL, "mx", false, "alice@sub.example.org", 550 },
		{ NULL, "mx", false, "x%example.net@example.org", 0 },
		{ NULL, "submission", false, "alice@example.org", 530 },
		{ NULL, "devices", true, "x@example.net", 0 },
		{ NULL, "devices", false, "alice@example.org", 550 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct mail_session session =
			session_of(cases[i].login, cases[i].listener, cases[i].device);

		assert_int_equal(
			rights_check_recipient(&session, cases[i].recipient).code, cases[i].code);
	}
}

static void
headers(void **state)
{
	static const struct {
		const char *name;
		const char *login;
		const char *listener;
		const char *header;
		unsigned code;
	} cases[] = {
		{ "G1", "alice", "submission", "From: Alice <alice@example.org>\r\n", 0 },
		{ "G2", "alice", "submission", "From: <bob@example.org>\r\n", 550 },
		{ "G3 own first", "alice", "submission",
			"From: <alice@example.org>\r\nFrom: <bob@example.org>\r\n", 554 },
		{ "G3 own last", "alice", "submission",
			"From: <bob@example.org>\r\nFrom: <alice@example.org>\r\n", 554 },
		{ "G4", "alice", "submission",
			"From: <alice@example.org>, <bob@example.org>\r\n", 550 },
		{ "G5", "alice", "submission",
			"From: <alice@example.org>, <bob@example.org>\r\n"
			"Sender: <alice@example.org>\r\n", 550 },
		{ "both mine", "alice", "submission",
			"From: <alice@example.org>, <ali@example.org>\r\n"
			"Sender: <alice@example.org>\r\n", 0 },
		{ "both mine, no Sender", "alice", "submission",
			"From: <alice@example.org>, <ali@example.org>\r\n", 554 },
		{ "G9 group", "alice", "submission", "From: g:bob@example.org;\r\n", 554 },
		{ "G12 display name", "alice", "submission",
			"From: \"bob@example.org\" <alice@example.org>\r\n", 0 },
		{ "none", "alice", "submission", "To: bob@example.org\r\n", 554 },
		{ "Sender of another", "alice", "submission",
			"From: alice@example.org\r\nSender: bob@example.org\r\n", 550 },
		{ "two Senders", "alice", "submission",
			"From: alice@example.org\r\nSender: alice@example.org\r\n"
			"Sender: bob@example.org\r\n", 554 },
		{ "Resent-From of another", "alice", "submission",
			"From: alice@example.org\r\nResent-From: bob@example.org\r\n", 550 },
		{ "second Resent-From", "alice", "submission",
			"From: alice@example.org\r\nResent-From: alice@example.org\r\n"
			"Resent-From: bob@example.org\r\n", 550 },
		{ "Resent-Sender of another", "alice", "submission",
			"From: alice@example.org\r\nResent-Sender: bob@example.org\r\n", 550 },
		{ "name in capitals", "alice", "submission", "FROM: bob@example.org\r\n", 550 },
		{ "on behalf", "bob", "submission",
			"From: ceo@example.org\r\nSender: bob@example.org\r\n", 0 },
		{ "on behalf without Sender", "bob", "submission",
			"From: ceo@example.org\r\n", 550 },
		{ "the grantor as Sender", "bob", "submission",
			"From: ceo@example.org\r\nSender: ceo@example.org\r\n", 550 },
		{ "stranger as one of us: lists send members' mail home", NULL, "mx",
			"From: alice@example.org\r\n", 0 },
		{ "stranger with a mess", NULL, "mx", "From: g: a@b.c;\r\n", 0 },
		{ "stranger refused", NULL, "strict", "From: alice@example.org\r\n", 550 },
		{ "stranger held", NULL, "careful", "From: alice@example.org\r\n", 1 },
		{ "stranger as himself", NULL, "strict", "From: x@example.com\r\n", 0 },
		{ "hold", "watched", "submission", "From: bob@example.org\r\n", 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct mail_session session = session_of(cases[i].login, cases[i].listener, false);
		struct arena *arena = arena_new(0);
		struct header header;
		struct verdict verdict;
		unsigned code;

		assert_true(header_parse(span_text(cases[i].header), 0, arena, &header, NULL));
		verdict = originators_judge(&session, &header, false);
		code = verdict.kind == VERDICT_HOLD ? 1 : verdict.code;
		if (code != cases[i].code)
			fail_msg("%s: %u %s (%s)", cases[i].name, code, verdict.text,
				verdict.where);
		arena_free(&arena);
	}
}

static struct verdict answer;

static void
on_done(void *context, const struct verdict *verdict)
{
	(void)context;
	answer = *verdict;
}

static void
who_needs_smtputf8(void **state)
{
	static const struct {
		const char *sender;
		bool smtputf8;
		unsigned code;
	} cases[] = {
		{ "alice@example.org", false, 0 },
		{ "al\xc3\xaf" "ce@example.org", false, 553 },
		{ "al\xc3\xaf" "ce@example.org", true, 0 },
		{ "", false, 0 },
		/* What is no address at all is refused for that, elsewhere. */
		{ "alice@", false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_int_equal(
			rights_check_smtputf8(cases[i].sender, cases[i].smtputf8).code,
			cases[i].code);
}

static void
rewrite(void **state)
{
	struct mail_session session = session_of("ticket", "submission", false);
	struct mail *mail = mail_new(&session, "id", 0);
	struct stage *stage = rights_stage_type.open(&session, NULL);
	struct buf block = BUF_INIT(0);

	(void)state;
	mail->sender = "customer@example.com";
	rights_stage_type.envfrom(stage, mail, on_done, NULL);
	assert_int_equal(answer.kind, VERDICT_CONTINUE);
	assert_string_equal(mail->sender, "ticket@example.org");
	buf_add_text(&mail->header_block, "From: Customer <customer@example.com>\r\nTo: a@b.c\r\n");
	assert_true(mail_parse_header(mail, true, NULL));
	rights_stage_type.eom(stage, mail, on_done, NULL);
	assert_int_equal(answer.kind, VERDICT_CONTINUE);
	assert_true(header_format(&mail->header, &block));
	assert_string_equal(buf_text(&block),
		"From: ticket@example.org\r\nTo: a@b.c\r\n"
		"Reply-To: Customer <customer@example.com>\r\n");
	buf_fini(&block);
	rights_stage_type.close(&stage);
	mail_free(&mail);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(senders),
		cmocka_unit_test(recipients),
		cmocka_unit_test(headers),
		cmocka_unit_test(who_needs_smtputf8),
		cmocka_unit_test(rewrite),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
