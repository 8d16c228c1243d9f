/* SPDX-License-Identifier: BSD-2-Clause */
/* explain: the same decisions as the gate's, with the line that made them. */
#include "unit.h"

#include <stdlib.h>

#include "auth/explain.h"

enum { NOW = 1000000 };

static const char *const domains[] = { "example.org" };
static const char *const scanner[] = { "scanner@example.org" };
static const struct network devices = {
	{ 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 1, 0, 0 }, 112
};

static struct settings_permit permits[] = {
	{ .where = "f:10", .principal = { .kind = PRINCIPAL_AUTHENTICATED, .name = "" },
		.rights = RIGHT_SUBMIT | RIGHT_RELAY, .limits = "" },
	{ .where = "f:11", .principal = { .kind = PRINCIPAL_LOGIN, .name = "mild" },
		.wrong_sender = WRONG_SENDER_REWRITE, .limits = "" },
	{ .where = "f:12", .principal = { .kind = PRINCIPAL_NETWORK, .name = "" },
		.rights = RIGHT_SUBMIT | RIGHT_RELAY, .send_as = { scanner, 1 }, .limits = "" },
};
static const char *const allowed[] = { "@example.net" };
static const struct settings_listener listeners[] = {
	{ .title = "submission", .where = "f:1", .login = LOGIN_SECURE, .inherit = true,
		.limits = "", .identity = "", .fixed_from = "", .qualify_domain = "" },
	{ .title = "box", .where = "f:20", .login = LOGIN_OFF, .inherit = true, .limits = "",
		.identity = "alice", .networks = { &devices, 1 }, .fixed_from = "alice@example.org",
		.lenient = true, .qualify_domain = "example.org",
		.recipients_allowed = { allowed, 1 } },
};
static const struct settings_limits limits[] = { { .title = "default", .where = "f:2" } };
static struct settings settings = {
	.authoritative_domains = { domains, 1 },
	.listener = { listeners, 2 },
	.permit = { permits, 3 },
	.limits = { limits, 1 },
};

struct explain_case {
	const char *args;
	const char *login;  /* NULL: none */
	const char *verdict;
	int code;
	const char *where;  /* part of it; NULL: any */
};

static const struct explain_case cases[] = {
	{ "{\"listener\":\"submission\",\"mail_from\":\"alice@example.org\"}", "alice", "pass", 0,
		"own address" },
	{ "{\"listener\":\"submission\",\"mail_from\":\"<ALICE@example.org>\"}", "alice", "pass", 0,
		NULL },
	{ "{\"listener\":\"submission\",\"mail_from\":\"bob@example.org\"}", "alice", "refuse", 550,
		"no permit" },
	{ "{\"listener\":\"submission\",\"mail_from\":\"<>\"}", "alice", "pass", 0, "null sender" },
	{ "{\"listener\":\"submission\",\"mail_from\":\"<>\",\"from\":\"alice@example.org\"}", "alice",
		"pass", 0, "own address" },
	{ "{\"listener\":\"submission\",\"mail_from\":\"alice@example.org\"}", NULL, "refuse", 530,
		NULL },
	{ "{\"listener\":\"submission\",\"mail_from\":\"a b\"}", "alice", "refuse", 553, "grammar" },
	/* header */
	{ "{\"listener\":\"submission\",\"mail_from\":\"alice@example.org\","
	  "\"from\":\"Alice <alice@example.org>\"}",
		"alice", "pass", 0, NULL },
	{ "{\"listener\":\"submission\",\"mail_from\":\"alice@example.org\","
	  "\"from\":\"Bob <bob@example.org>\"}",
		"alice", "refuse", 550, NULL },
	{ "{\"listener\":\"submission\",\"mail_from\":\"\",\"from\":\"a\\r\\nFrom: b\"}", "alice", "refuse",
		554, "grammar" },
	{ "{\"listener\":\"submission\",\"mail_from\":\"alice@example.org\","
	  "\"from\":\"alice@example.org\",\"sender\":\"bob@example.org\"}",
		"alice", "refuse", 550, "no permit" },
	/* "From: alice@example.org\r\nFrom: x\r\n", and without its last line end */
	{ "{\"listener\":\"submission\",\"mail_from\":\"alice@example.org\","
	  "\"header\":\"RnJvbTogYWxpY2VAZXhhbXBsZS5vcmcNCkZyb206IHgNCg==\"}",
		"alice", "refuse", 554, "grammar" },
	{ "{\"listener\":\"submission\",\"mail_from\":\"alice@example.org\","
	  "\"header\":\"RnJvbTogYWxpY2VAZXhhbXBsZS5vcmcNCkZyb206IHg=\"}",
		"alice", "refuse", 554, "grammar" },
	/* SMTPUTF8, or not */
	{ "{\"listener\":\"submission\",\"mail_from\":\"\u00e4@example.org\"}", "alice", "refuse", 553,
		"grammar" },
	{ "{\"listener\":\"submission\",\"mail_from\":\"\u00e4@example.org\",\"smtputf8\":true}",
		"alice", "refuse", 550, "no permit" },
	/* recipient */
	{ "{\"listener\":\"submission\",\"mail_from\":\"alice@example.org\","
	  "\"rcpt\":\"<u@example.net>\"}",
		"alice", "pass", 0, NULL },
	{ "{\"listener\":\"submission\",\"mail_from\":\"alice@example.org\",\"rcpt\":\"nonsense\"}",
		"alice", "pass", 0, NULL },
	/* a network, and a permit that rewrites */
	{ "{\"listener\":\"submission\",\"mail_from\":\"scanner@example.org\",\"ip\":\"10.1.0.5\"}", NULL,
		"pass", 0, "f:12" },
	{ "{\"listener\":\"submission\",\"mail_from\":\"bob@example.org\",\"ip\":\"10.1.0.5\"}", NULL,
		"refuse", 550, NULL },
	{ "{\"listener\":\"submission\",\"mail_from\":\"scanner@example.org\",\"ip\":\"10.2.0.5\"}", NULL,
		"refuse", 530, NULL },
	{ "{\"listener\":\"submission\",\"mail_from\":\"bob@example.org\"}", "mild", "rewrite", 0, "f:11" },
	/* a listener for devices */
	{ "{\"listener\":\"box\",\"mail_from\":\"x@y.org\",\"ip\":\"10.1.0.5\",\"rcpt\":\"u@example.net\","
	  "\"from\":\"Bob, <a>, x@\"}", "alice", "pass", 0, "own address" },
	{ "{\"listener\":\"box\",\"mail_from\":\"x@y.org\",\"rcpt\":\"u@example.com\"}", "alice", "refuse",
		550, "f:20" },
	{ "{\"listener\":\"box\",\"mail_from\":\"x@y.org\",\"ip\":\"10.2.0.5\"}", "alice", "refuse", 554,
		"f:20" },
	{ "{\"listener\":\"box\",\"mail_from\":\"x@y.org\",\"ip\":\"10.1.0.5\"}", "off", "refuse", 550,
		"f:20" },
	{ "{\"listener\":\"box\",\"login\":\"off\",\"mail_from\":\"x@y.org\",\"ip\":\"10.1.0.5\"}", "off",
		"refuse", 535, "account" },
	/* an account that may not log in */
	{ "{\"listener\":\"submission\",\"mail_from\":\"off@example.org\"}", "off", "refuse", 535,
		"account" },
};

static struct account *
make_account(const char *login)
{
	struct account *account = account_new();
	char *address = arena_printf(account->arena, "%s@example.org", login);

	account->identity.login = login;
	account->identity.protocols = IDENTITY_SMTP;
	account->identity.addresses.items =
		arena_dup(account->arena, &(const char *){ address }, sizeof(char *));
	account->identity.addresses.count = 1;
	account->disabled = strcmp(login, "off") == 0;
	return account;
}

static const char *
text_of(json_t *data, const char *name)
{
	return json_string_value(json_object_get(data, name));
}

static void
decides_as_the_gate_does(void **state)
{
	(void)state;
	permits[2].principal.network = devices;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct account *account = cases[i].login ? make_account(cases[i].login) : NULL;
		json_t *args = json_loads(cases[i].args, 0, NULL);
		struct fault fault = FAULT_INIT;
		json_t *data = explain(&settings, args, account, NOW, &fault);

		if (!data)
			fail_msg("%s: %s", cases[i].args, fault.text);
		if (strcmp(text_of(data, "verdict"), cases[i].verdict) != 0)
			fail_msg("%s: %s", cases[i].args, text_of(data, "verdict"));
		assert_int_equal(json_integer_value(json_object_get(data, "code")), cases[i].code);
		if (cases[i].where)
			assert_non_null(strstr(text_of(data, "where"), cases[i].where));
		json_decref(data);
		json_decref(args);
		account_drop(&account);
	}
}

static void
tells_rights_limits_and_rewriting(void **state)
{
	struct account *account = make_account("mild");
	json_t *args = json_pack("{s:s, s:s}", "listener", "submission", "mail_from",
		"bob@example.org");
	struct fault fault = FAULT_INIT;
	json_t *data = explain(&settings, args, account, NOW, &fault);
	char *rights = json_dumps(json_object_get(data, "rights"), JSON_COMPACT);

	(void)state;
	assert_string_equal(rights, "[\"submit\",\"relay\"]");
	assert_string_equal(text_of(data, "limits"), "default");
	assert_string_equal(text_of(json_object_get(data, "becomes"), "mail_from"),
		"mild@example.org");
	free(rights);
	json_decref(data);
	json_decref(args);
	account_drop(&account);
}

static void
tells_which_filters_are_asked(void **state)
{
	static const char *const both[] = { "av", "dkim" };
	static const struct settings_milter milters[] = {
		{ .title = "dkim", .where = "f:30", .logins = MILTER_LOGINS_ONLY },
		{ .title = "av", .where = "f:31", .largest = 1000 },
	};
	static const struct settings_policy policies[] = { { .title = "default" },
		{ .title = "out", .milters = { both, 2 } } };
	static const struct {
		const char *policy;
		uint32_t right;
		const char *filters;
	} rows[] = {
		{ "default", 0, "[]" },
		{ "out", 0,
			"[{\"asked\":true,\"largest\":1000,\"name\":\"av\"},{\"asked\":false,"
			"\"missed\":\"logins\",\"name\":\"dkim\",\"where\":\"f:30\"}]" },
		{ "out", RIGHT_BYPASS_MILTERS,
			"[{\"asked\":false,\"largest\":1000,\"missed\":\"bypass-milters\",\"name\":"
			"\"av\",\"where\":\"f:40\"},{\"asked\":false,\"missed\":\"logins\",\"name\":"
			"\"dkim\",\"where\":\"f:30\"}]" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct settings_permit permit = { .where = "f:40",
			.principal = { .kind = PRINCIPAL_ANONYMOUS, .name = "" },
			.rights = rows[i].right, .limits = "" };
		struct settings_listener listener = listeners[0];
		struct settings own = settings;
		json_t *args = json_pack("{s:s, s:s}", "listener", "submission", "mail_from", "");
		struct fault fault = FAULT_INIT;
		json_t *data;
		char *filters;

		listener.policy = rows[i].policy;
		listener.permit = (struct settings_permits){ &permit, 1 };
		own.listener = (struct settings_listeners){ &listener, 1 };
		own.policy = (struct settings_policies){ policies, 2 };
		own.milter = (struct settings_milters){ milters, 2 };
		data = explain(&own, args, NULL, NOW, &fault);
		filters = json_dumps(json_object_get(data, "filters"), JSON_COMPACT | JSON_SORT_KEYS);
		assert_string_equal(filters, rows[i].filters);
		free(filters);
		json_decref(data);
		json_decref(args);
	}
}

static void
tells_every_step(void **state)
{
	struct account *account = make_account("alice");
	json_t *args = json_pack("{s:s, s:s, s:s, s:s}", "listener", "submission", "mail_from",
		"alice@example.org", "rcpt", "u@example.net", "from", "bob@example.org");
	struct fault fault = FAULT_INIT;
	json_t *data = explain(&settings, args, account, NOW, &fault);
	json_t *steps = json_object_get(data, "steps");
	static const struct {
		const char *at;
		const char *verdict;
		const char *where;
	} expected[] = {
		{ "MAIL", "pass", "own address" },
		{ "RCPT", "pass", "f:10" },
		{ "header", "refuse", "no permit names this sender of ours" },
	};

	(void)state;
	assert_int_equal(json_array_size(steps), 3);
	for (size_t i = 0; i < 3; i++) {
		json_t *step = json_array_get(steps, i);

		assert_string_equal(text_of(step, "at"), expected[i].at);
		assert_string_equal(text_of(step, "verdict"), expected[i].verdict);
		assert_string_equal(text_of(step, "where"), expected[i].where);
	}
	assert_int_equal(json_object_size(json_object_get(data, "becomes")), 0);
	json_decref(data);
	json_decref(args);
	account_drop(&account);
}

static void
refuses_what_makes_no_sense(void **state)
{
	static const struct {
		const char *args;
		enum fault_kind kind;
	} bad[] = {
		{ "{}", FAULT_CONFIG },
		{ "{\"listener\":\"submission\"}", FAULT_CONFIG },
		{ "{\"mail_from\":\"a@b.org\"}", FAULT_CONFIG },
		{ "{\"listener\":\"none\",\"mail_from\":\"a@b.org\"}", FAULT_MISSING },
		{ "{\"listener\":\"submission\",\"mail_from\":\"\",\"ip\":\"x\"}", FAULT_CONFIG },
		{ "{\"listener\":\"submission\",\"mail_from\":\"\",\"header\":\"?\"}", FAULT_CONFIG },
		{ "{\"listener\":\"submission\",\"mail_from\":\"\",\"header\":\"\",\"from\":\"a\"}",
			FAULT_CONFIG },
		{ "{\"listener\":\"submission\",\"mail_from\":\"\",\"ip\":\"10.0.0.0/8\"}", FAULT_CONFIG },
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		json_t *args = json_loads(bad[i].args, 0, NULL);
		struct fault fault = FAULT_INIT;

		assert_null(explain(&settings, args, NULL, NOW, &fault));
		assert_int_equal(fault.kind, bad[i].kind);
		json_decref(args);
	}
}

/* Where no login is named: the listener's account, for those it serves. */
static void
whose_account_it_is(void **state)
{
	static const char *const rows[][2] = {
		{ "{\"listener\":\"box\"}", "alice" },
		{ "{\"listener\":\"box\",\"ip\":\"10.1.0.9\"}", "alice" },
		{ "{\"listener\":\"box\",\"ip\":\"10.2.0.9\"}", "" },
		{ "{\"listener\":\"box\",\"ip\":\"x\"}", "" },
		{ "{\"listener\":\"submission\"}", "" },
		{ "{\"listener\":\"none\"}", "" },
		{ "{}", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		json_t *args = json_loads(rows[i][0], 0, NULL);

		assert_string_equal(explain_identity(&settings, args), rows[i][1]);
		json_decref(args);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decides_as_the_gate_does),
		cmocka_unit_test(tells_rights_limits_and_rewriting),
		cmocka_unit_test(tells_which_filters_are_asked),
		cmocka_unit_test(tells_every_step),
		cmocka_unit_test(refuses_what_makes_no_sense),
		cmocka_unit_test(whose_account_it_is),
	};

	return cmocka_run_group_tests_name("auth/explain", tests, NULL, NULL);
}
