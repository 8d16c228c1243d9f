/* SPDX-License-Identifier: BSD-2-Clause */
/* What a front end may bring: grammar, grants and rights, each checked as if it were captured. */
#include "queue/admission.h"

#include "config/settings.h"
#include "ipc/grant.h"
#include "policy/identity.h"
#include "unit.h"

enum { NOW_MS = 5000000 };

static const char key[GRANT_KEY_BYTES] = "0123456789abcdef0123456789abcde";
static const char *const alice_addresses[] = { "alice@example.org" };
static const char *const domains[] = { "example.org" };

static const struct settings_permit listener_permits[] = {
	{ .title = "anonymous",
		.where = "f:1",
		.rights = RIGHT_SUBMIT | RIGHT_ANY_SENDER,
		.principal = { .kind = PRINCIPAL_ANONYMOUS, .text = "anonymous", .name = "" },
		.limits = "" },
	{ .title = "authenticated",
		.where = "f:2",
		.rights = RIGHT_SUBMIT | RIGHT_RELAY,
		.principal = { .kind = PRINCIPAL_AUTHENTICATED,
			.text = "authenticated",
			.name = "" },
		.limits = "" },
};

static const char *const plant[] = { "plc@example.org" };
static const struct settings_permit plant_permits[] = {
	{ .title = "certificate:press-4",
		.where = "f:3",
		.rights = RIGHT_SUBMIT,
		.principal = { .kind = PRINCIPAL_CERTIFICATE, .text = "", .name = "press-4" },
		.send_as = { plant, 1 },
		.limits = "" },
	{ .title = "authenticated",
		.where = "f:4",
		.rights = RIGHT_SUBMIT | RIGHT_RELAY,
		.principal = { .kind = PRINCIPAL_AUTHENTICATED, .text = "", .name = "" },
		.limits = "" },
};
/* Filters: of the listener by itself, and of those whose policy has one that is trusted. */
static const char *const plain_filters[] = { "plain" };
static const char *const trusted_filters[] = { "plain", "lists" };
static const char *const night_filters[] = { "night", "unheard-of" };
static const struct settings_policy policies[] = {
	{ .title = "default", .milters = { plain_filters, 1 } },
	{ .title = "lists", .milters = { trusted_filters, 2 } },
	{ .title = "night", .milters = { night_filters, 2 } },
};
static const char *const night_listeners[] = { "elsewhere" };
static const struct settings_milter milters[] = {
	{ .title = "plain" },
	{ .title = "lists", .change_envelope = true },
	{ .title = "night", .change_envelope = true, .listeners = { night_listeners, 1 } },
};

static const struct settings_listener listeners[] = { { .title = "submission",
	.permit = { listener_permits, 2 }, .login = LOGIN_SECURE, .limits = "small",
	.policy = "default" },
	{ .title = "plant", .permit = { plant_permits, 2 }, .login = LOGIN_SECURE,
		.limits = "small", .client_certificate = CLIENT_CERTIFICATE_ASK,
		.policy = "default" },
	{ .title = "deaf", .permit = { plant_permits, 2 }, .login = LOGIN_SECURE,
		.limits = "small", .policy = "default" },
	{ .title = "lists", .permit = { listener_permits, 2 }, .login = LOGIN_SECURE,
		.limits = "small", .policy = "lists" },
	{ .title = "night", .permit = { listener_permits, 2 }, .login = LOGIN_SECURE,
		.limits = "small", .policy = "night" },
	{ .title = "bare", .permit = { listener_permits, 2 }, .login = LOGIN_SECURE,
		.limits = "small", .policy = "gone" },
};

static const struct settings_limits limits[] = {
	{ .title = "default", .held_messages = 7 },
	{ .title = "small", .held_messages = 3 },
};

static const struct settings all_settings = { .hostname = "mail.example.org",
	.limits = { limits, 2 },
	.authoritative_domains = { domains, 1 }, .listener = { listeners, 6 },
	.policy = { policies, 3 }, .milter = { milters, 3 } };

static struct buf grant_bytes;
static struct buf granted_names; /* of the client's certificate, when it logged in */
static struct revoked *revoked;

static struct span
make_grant(const char *session, const char *login, const char *listener, int64_t expires_ms,
	uint64_t epoch)
{
	struct identity identity = { .login = "alice", .mechanism = "PLAIN",
		.addresses = { alice_addresses, 1 }, .limits = "", .protocols = IDENTITY_SMTP,
		.credential = "scanner", .credential_id = 7, .epoch = epoch };
	struct buf packed = BUF_INIT(0);
	identity_pack(&packed, &identity);
	struct grant grant = { .session = span_text(session), .login = span_text(login),
		.listener = span_text(listener), .identity = buf_span(&packed),
		.certificates = buf_span(&granted_names),
		.expires_ms = expires_ms, .epoch = epoch };
	buf_clear(&grant_bytes);
	grant_sign(&grant_bytes, span_of(key, sizeof(key)), &grant);
	buf_fini(&packed);
	return buf_span(&grant_bytes);
}

static struct message_recipient one_recipient;

static struct message_commit
good_commit(void)
{
	one_recipient =
		(struct message_recipient){ .number = 0, .path = "bob@example.net", .orcpt = "" };
	return (struct message_commit){
		.id = "1m7ywbk2rsnvj0000",
		.session = "s1",
		.listener = "submission",
		.protocol = "ESMTPSA",
		.client_address = "192.0.2.1",
		.login = "alice",
		.grant = make_grant("s1", "alice", "submission", NOW_MS + 1000, 3),
		.hold_reason = "",
		.allowed_sender = "",
		.envelope = { .sender = "alice@example.org", .envid = "", .recipient_count = 1,
			.recipients = &one_recipient },
		.content = { .header = SPAN_LITERAL("Subject: x\r\n\r\n") },
	};
}

static int
set_up(void **state)
{
	(void)state;
	buf_init(&grant_bytes, 0);
	revoked = revoked_new();
	revoked_know(revoked);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	buf_fini(&grant_bytes);
	revoked_free(&revoked);
	return 0;
}

static struct admitted admitted;

static unsigned
check(const struct message_commit *commit)
{
	struct admission admission = { .settings = &all_settings,
		.grant_key = span_of(key, sizeof(key)), .revoked = revoked };
	struct verdict verdict = admission_check(&admission, commit, NOW_MS, &admitted);
	return verdict.kind == VERDICT_CONTINUE ? 250 : verdict.code;
}

static void
test_good(void **state)
{
	(void)state;
	struct message_commit commit = good_commit();
	assert_int_equal(check(&commit), 250);
	assert_int_equal(admitted.held_most, 3);
	assert_string_equal(admitted.owner, "alice@example.org");
	commit.envelope.sender = "";
	assert_int_equal(check(&commit), 250);
	commit.content.header = SPAN_LITERAL("\r\n");
	assert_int_equal(check(&commit), 250);
	one_recipient.path = "postmaster";
	assert_int_equal(check(&commit), 250);
	one_recipient.orcpt = "rfc822;bob@example.net";
	commit.envelope.envid = "a+2Bb";
	assert_int_equal(check(&commit), 250);
}

/* It counts without a login, where the listener asks for it; and of a login only what was signed. */
static void
test_certificates(void **state)
{
	static const char *const names[] = { "press-4", "sha256:aa" };
	static const char *const strangers[] = { "press-5" };
	struct message_commit commit = good_commit();

	(void)state;
	one_recipient.path = "bob@example.org";
	commit.login = "";
	commit.grant = SPAN_EMPTY;
	commit.envelope.sender = "plc@example.org";
	commit.listener = "plant";
	assert_int_equal(check(&commit), 530);
	commit.certificates = (struct certificate_names){ strangers, 1 };
	assert_int_equal(check(&commit), 530);
	commit.certificates = (struct certificate_names){ names, 2 };
	assert_int_equal(check(&commit), 250);
	commit.envelope.sender = "alice@example.org";
	assert_int_equal(check(&commit), 550);
	commit.envelope.sender = "plc@example.org";
	commit.listener = "deaf";
	assert_int_equal(check(&commit), 530);
	/* With a login: no name that was not there when auth signed, and none less. */
	commit.listener = "plant";
	commit.login = "alice";
	commit.grant = make_grant("s1", "alice", "plant", NOW_MS + 1000, 3);
	assert_int_equal(check(&commit), 451);
	commit.certificates.count = 0;
	commit.envelope.sender = "alice@example.org";
	assert_int_equal(check(&commit), 250);
	certificate_names_pack(&granted_names, &(const struct certificate_names){ names, 2 });
	commit.grant = make_grant("s1", "alice", "plant", NOW_MS + 1000, 3);
	assert_int_equal(check(&commit), 451);
	commit.certificates = (struct certificate_names){ names, 2 };
	commit.envelope.sender = "plc@example.org";
	assert_int_equal(check(&commit), 250);
	buf_fini(&granted_names);
}

static void
test_grammar(void **state)
{
	(void)state;
	static const char *const bad_ids[] = { "", "0001.F0", "a b", "a\nb", "a/b", "\xc3\xa4" };
	static const char *const bad_paths[] = { "bob", "bob@", "@example.net",
		"bob@example.net>", "bob@example.net\r\nRCPT", "b\xc3\xb6" "b@example.net",
		"a b@example.net" };
	static const char *const bad_orcpts[] = { "rfc822", "rfc822;a b", "rfc822;a\r\nb",
		"rfc822;a+0D" };
	for (size_t i = 0; i < sizeof(bad_ids) / sizeof(bad_ids[0]); i++) {
		struct message_commit commit = good_commit();
		commit.id = bad_ids[i];
		assert_int_equal(check(&commit), 554);
	}
	for (size_t i = 0; i < sizeof(bad_paths) / sizeof(bad_paths[0]); i++) {
		struct message_commit commit = good_commit();
		one_recipient.path = bad_paths[i];
		assert_int_equal(check(&commit), 554);
		one_recipient.path = "bob@example.net";
		commit.envelope.sender = bad_paths[i];
		assert_int_equal(check(&commit), 554);
	}
	for (size_t i = 0; i < sizeof(bad_orcpts) / sizeof(bad_orcpts[0]); i++) {
		struct message_commit commit = good_commit();
		one_recipient.orcpt = bad_orcpts[i];
		assert_int_equal(check(&commit), 554);
		one_recipient.orcpt = "";
		commit.envelope.envid = "a b";
		assert_int_equal(check(&commit), 554);
	}
	struct message_commit commit = good_commit();
	one_recipient.number = 1;
	assert_int_equal(check(&commit), 554);
	commit = good_commit();
	commit.session = "s\n1";
	assert_int_equal(check(&commit), 554);
	static const struct span bad_headers[] = { SPAN_LITERAL(""), SPAN_LITERAL("A: b\r\n"),
		SPAN_LITERAL("A: b\n\n"), SPAN_LITERAL("A: b") };
	for (size_t i = 0; i < sizeof(bad_headers) / sizeof(bad_headers[0]); i++) {
		commit = good_commit();
		commit.content.header = bad_headers[i];
		assert_int_equal(check(&commit), 554);
	}
}

static void
test_grants(void **state)
{
	(void)state;
	static const struct {
		const char *session;
		const char *login;
		const char *listener;
		int64_t expires_ms;
		unsigned code;
	} cases[] = {
		{ "s1", "alice", "submission", NOW_MS + 1, 250 },
		{ "s2", "alice", "submission", NOW_MS + 1, 451 }, /* another session's */
		{ "s1", "bob", "submission", NOW_MS + 1, 451 },
		{ "s1", "alice", "smtp", NOW_MS + 1, 451 },
		{ "s1", "alice", "submission", NOW_MS - 1, 451 }, /* over */
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct message_commit commit = good_commit();
		commit.grant = make_grant(cases[i].session, cases[i].login, cases[i].listener,
			cases[i].expires_ms, 3);
		assert_int_equal(check(&commit), cases[i].code);
	}
	/* bob's name on alice's identity, properly signed: auth would not, but it is looked at */
	struct message_commit commit = good_commit();
	commit.login = "bob";
	commit.grant = make_grant("s1", "bob", "submission", NOW_MS + 1, 3);
	assert_int_equal(check(&commit), 451);
	/* every changed byte */
	commit = good_commit();
	for (size_t i = 0; i < commit.grant.length; i++) {
		((char *)grant_bytes.bytes + grant_bytes.begin)[i] ^= 1;
		assert_int_equal(check(&commit), 451);
		((char *)grant_bytes.bytes + grant_bytes.begin)[i] ^= 1;
	}
	commit.grant = SPAN_EMPTY;
	assert_int_equal(check(&commit), 451);
	commit = good_commit();
	revoked_add(revoked, SPAN_LITERAL("alice"), 3);
	revoked_add_credential(revoked, 6);
	assert_int_equal(check(&commit), 250);
	revoked_add_credential(revoked, 7);
	assert_int_equal(check(&commit), 451);
	revoked_free(&revoked);
	revoked = revoked_new();
	revoked_know(revoked);
	assert_int_equal(check(&commit), 250);
	revoked_add(revoked, SPAN_LITERAL("alice"), 4);
	assert_int_equal(check(&commit), 451);
	/* A queue that has just started knows of nothing that was withdrawn. */
	revoked_free(&revoked);
	revoked = revoked_new();
	assert_int_equal(check(&commit), 451);
}

static void
test_rights(void **state)
{
	(void)state;
	struct message_commit commit = good_commit();
	commit.envelope.sender = "ceo@example.org"; /* N4: not what auth granted */
	assert_int_equal(check(&commit), 550);
	commit.envelope.sender = "alice@example.com";
	assert_int_equal(check(&commit), 550);
	/* a stranger: other domains to ours, and nothing else */
	commit = good_commit();
	commit.login = "";
	assert_int_equal(check(&commit), 451); /* a grant, but no login */
	commit.grant = SPAN_EMPTY;
	commit.envelope.sender = "carol@example.com";
	assert_int_equal(check(&commit), 550);
	one_recipient.path = "bob@example.org";
	assert_int_equal(check(&commit), 250);
	commit.envelope.sender = "bob@example.org";
	assert_int_equal(check(&commit), 550);
	commit.listener = "nowhere";
	assert_int_equal(check(&commit), 451);
}

/* What a filter put in: believed of a policy that has one that may, and of no other. */
static void
test_changed_envelope(void **state)
{
	static const struct {
		const char *listener;
		const char *sender;
		const char *allowed; /* NULL: no filter changed it */
		bool added;          /* the recipient */
		const char *recipient;
		unsigned code;
	} cases[] = {
		{ "lists", "bounce@lists.example.com", "alice@example.org", false, NULL, 250 },
		{ "lists", "bounce@lists.example.com", "", false, NULL, 250 },
		{ "lists", "", "alice@example.org", false, NULL, 250 },
		{ "lists", "bounce@lists.example.com", NULL, false, NULL, 550 },
		/* The one in whose place it stands has to be the session's own. */
		{ "lists", "bounce@lists.example.com", "bob@example.org", false, NULL, 550 },
		{ "lists", "alice@example.org", "bob@example.org", false, NULL, 550 },
		{ "lists", "bounce@lists.example.com", "a b@example.org", false, NULL, 554 },
		{ "lists", "a b", "alice@example.org", false, NULL, 554 },
		/* Nobody else may say so: what a captured front end would. */
		{ "submission", "bounce@lists.example.com", "alice@example.org", false, NULL, 451 },
		{ "submission", "alice@example.org", "alice@example.org", false, NULL, 451 },
		{ "submission", "alice@example.org", NULL, true, NULL, 451 },
		{ "bare", "bounce@lists.example.com", "alice@example.org", false, NULL, 451 },
		/* A filter that may, but is not asked about this session. */
		{ "night", "bounce@lists.example.com", "alice@example.org", false, NULL, 451 },
		{ "night", "alice@example.org", NULL, true, NULL, 451 },
		{ "lists", "alice@example.org", NULL, true, NULL, 250 },
		{ "lists", "bob@example.org", NULL, true, NULL, 550 },
		{ "lists", "alice@example.org", NULL, true, "a b@example.net", 554 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		static const uint32_t first[] = { 0 };
		struct message_commit commit = good_commit();
		commit.listener = cases[i].listener;
		commit.grant =
			make_grant("s1", "alice", cases[i].listener, NOW_MS + 1000, 3);
		commit.envelope.sender = cases[i].sender;
		commit.sender_changed = cases[i].allowed;
		commit.allowed_sender = cases[i].allowed ? cases[i].allowed : "";
		commit.added = first;
		commit.added_count = cases[i].added;
		if (cases[i].recipient)
			one_recipient.path = cases[i].recipient;
		if (check(&commit) != cases[i].code)
			print_error("case %zu\n", i);
		assert_int_equal(check(&commit), cases[i].code);
	}
}

/* Of several recipients it is those that are named which pass, and no other. */
static void
test_added_recipients(void **state)
{
	static const uint32_t added[] = { 0, 2 };
	static const uint32_t others[] = { 1, 2 };
	const struct message_recipient recipients[] = { { 0, "dan@example.net", 0, "" },
		{ 1, "bob@example.org", 0, "" }, { 2, "eve@example.net", 0, "" } };
	struct message_commit commit = good_commit();

	(void)state;
	/* A stranger reaches our own domains alone. */
	commit.listener = "lists";
	commit.login = "";
	commit.grant = SPAN_EMPTY;
	commit.envelope.sender = "carol@example.com";
	commit.envelope.recipients = recipients;
	commit.envelope.recipient_count = 3;
	assert_int_equal(check(&commit), 550);
	commit.added = added;
	commit.added_count = 2;
	assert_int_equal(check(&commit), 250);
	commit.added_count = 1;
	assert_int_equal(check(&commit), 550);
	commit.added = others;
	commit.added_count = 2;
	assert_int_equal(check(&commit), 550);
}

static void
test_smtputf8(void **state)
{
	(void)state;
	struct message_commit commit = good_commit();
	one_recipient.path = "b\xc3\xb6" "b@example.net";
	commit.envelope.smtputf8 = true;
	assert_int_equal(check(&commit), 250);
	one_recipient.path = "b\xc3@example.net";
	assert_int_equal(check(&commit), 554);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_good),
		TEST(test_grammar),
		TEST(test_certificates),
		TEST(test_grants),
		TEST(test_rights),
		TEST(test_changed_envelope),
		TEST(test_added_recipients),
		TEST(test_smtputf8),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
