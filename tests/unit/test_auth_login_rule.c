/* SPDX-License-Identifier: BSD-2-Clause */
/* May a mechanism be used: every way a listener may be set (C17 of the attack catalogue). */
#include "unit.h"

#include "auth/login_rule.h"

static const char *const all[] = {
	"PLAIN", "LOGIN", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-1", "GSSAPI",
};
static const char *const odd[] = { "PLAIN-PLUS", "SCRAM-SHA-512", "SCRAM-", "-PLUS", "NTLM", "" };
static const struct network near = {
	{ 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 0 }, 104
};

static const struct settings_listener listeners[] = {
	{ .title = "secure", .login = LOGIN_SECURE, .identity = "" },
	{ .title = "off", .login = LOGIN_OFF },
	{ .title = "near", .login = LOGIN_OFF, .networks = { &near, 1 }, .identity = "" },
	{ .title = "box", .login = LOGIN_OFF, .networks = { &near, 1 }, .identity = "scanner" },
	{ .title = "everybody", .login = LOGIN_OFF, .identity = "scanner" },
	{ .title = "challenge", .login = LOGIN_SECURE_OR_CHALLENGE },
	{ .title = "plain", .login = LOGIN_PLAIN, .insecure_login = INSECURE_LOGIN_WARN,
		.insecure_networks = { &near, 1 } },
	{ .title = "denied", .login = LOGIN_PLAIN, .insecure_login = INSECURE_LOGIN_DENY,
		.insecure_networks = { &near, 1 } },
	{ .title = "pop3", .login = LOGIN_SECURE, .protocol = LISTENER_POP3 },
	{ .title = "odd", .login = LOGIN_SECURE, .mechanisms = { odd, 6 } },
};
static const struct settings settings = {
	.listener = { listeners, sizeof listeners / sizeof listeners[0] },
	.sasl = { .mechanisms = { all, sizeof all / sizeof all[0] } },
};

struct rule_case {
	const char *listener;
	const char *protocol;
	const char *mechanism;
	const char *client;
	bool tls;
	bool gssapi;
	bool may;
	enum login_failure failure;
};

#define FAR "192.0.2.1"
#define NEAR "10.1.2.3"

static const struct rule_case cases[] = {
	{ "secure", "smtp", "PLAIN", FAR, true, false, true, 0 },
	{ "secure", "smtp", "PLAIN", NEAR, false, false, false, LOGIN_TOO_WEAK },
	{ "secure", "smtp", "SCRAM-SHA-256", FAR, false, false, false, LOGIN_TOO_WEAK },
	{ "secure", "smtp", "SCRAM-SHA-256-PLUS", FAR, false, false, false, LOGIN_NO_MECHANISM },
	{ "secure", "smtp", "GSSAPI", FAR, true, true, true, 0 },
	{ "secure", "smtp", "GSSAPI", FAR, true, false, false, LOGIN_NO_MECHANISM },
	{ "secure", "imap", "PLAIN", FAR, true, false, false, LOGIN_NO_MECHANISM },
	{ "secure", "lmtp", "PLAIN", FAR, true, false, false, LOGIN_NO_MECHANISM },
	{ "secure", "smtp", "plain", FAR, true, false, false, LOGIN_NO_MECHANISM },
	{ "secure", "smtp", "PLAIN ", FAR, true, false, false, LOGIN_NO_MECHANISM },
	{ "none", "smtp", "PLAIN", FAR, true, false, false, LOGIN_NO_MECHANISM },
	{ "off", "smtp", "PLAIN", FAR, true, false, false, LOGIN_NO_MECHANISM },
	{ "pop3", "pop3", "PLAIN", FAR, true, false, true, 0 },
	{ "pop3", "smtp", "PLAIN", FAR, true, false, false, LOGIN_NO_MECHANISM },
	{ "challenge", "smtp", "PLAIN", NEAR, false, false, false, LOGIN_TOO_WEAK },
	{ "challenge", "smtp", "LOGIN", NEAR, false, false, false, LOGIN_TOO_WEAK },
	{ "challenge", "smtp", "SCRAM-SHA-1", FAR, false, false, true, 0 },
	{ "challenge", "smtp", "GSSAPI", FAR, false, true, true, 0 },
	{ "plain", "smtp", "PLAIN", NEAR, false, false, true, 0 },
	{ "plain", "smtp", "PLAIN", FAR, false, false, false, LOGIN_TOO_WEAK },
	{ "plain", "smtp", "SCRAM-SHA-256", FAR, false, false, false, LOGIN_TOO_WEAK },
	{ "plain", "smtp", "PLAIN", "/run/socket", false, false, false, LOGIN_TOO_WEAK },
	{ "plain", "smtp", "PLAIN", "", false, false, false, LOGIN_TOO_WEAK },
	{ "denied", "smtp", "PLAIN", NEAR, false, false, false, LOGIN_TOO_WEAK },
	/* The account of a listener: for its networks alone, and only by the listener's own settings. */
	{ "box", "smtp", "NETWORK", NEAR, false, false, true, 0 },
	{ "box", "smtp", "NETWORK", NEAR, true, false, true, 0 },
	{ "box", "smtp", "NETWORK", FAR, true, false, false, LOGIN_NO_MECHANISM },
	{ "box", "smtp", "NETWORK", "/run/socket", true, false, false, LOGIN_NO_MECHANISM },
	{ "box", "pop3", "NETWORK", NEAR, true, false, false, LOGIN_NO_MECHANISM },
	{ "box", "smtp", "PLAIN", NEAR, true, false, false, LOGIN_NO_MECHANISM },
	{ "near", "smtp", "NETWORK", NEAR, true, false, false, LOGIN_NO_MECHANISM },
	{ "everybody", "smtp", "NETWORK", NEAR, true, false, false, LOGIN_NO_MECHANISM },
	{ "secure", "smtp", "NETWORK", NEAR, true, false, false, LOGIN_NO_MECHANISM },
	/* Even where somebody wrote them into a list, names that are none are not served. */
	{ "odd", "smtp", "PLAIN-PLUS", FAR, true, true, false, LOGIN_NO_MECHANISM },
	{ "odd", "smtp", "SCRAM-SHA-512", FAR, true, true, false, LOGIN_NO_MECHANISM },
	{ "odd", "smtp", "SCRAM-", FAR, true, true, false, LOGIN_NO_MECHANISM },
	{ "odd", "smtp", "-PLUS", FAR, true, true, false, LOGIN_NO_MECHANISM },
	{ "odd", "smtp", "NTLM", FAR, true, true, false, LOGIN_NO_MECHANISM },
	{ "odd", "smtp", "", FAR, true, true, false, LOGIN_NO_MECHANISM },
	{ "odd", "smtp", "PLAIN", FAR, true, true, false, LOGIN_NO_MECHANISM },
};

static struct message_login_start
start_of(const struct rule_case *row)
{
	return (struct message_login_start){
		.listener = row->listener,
		.protocol = row->protocol,
		.mechanism = row->mechanism,
		.client_address = row->client,
		.tls = row->tls,
	};
}

static void
every_way_a_listener_may_be_set(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct message_login_start start = start_of(&cases[i]);
		enum login_failure failure = LOGIN_FAILURE_COUNT;
		struct login_rule rule;
		bool may = login_rule_check(&settings, &start, cases[i].gssapi, &rule, &failure);

		if (may != cases[i].may)
			fail_msg("%s %s %s", cases[i].listener, cases[i].mechanism,
				cases[i].client);
		if (!may)
			assert_int_equal(failure, cases[i].failure);
	}
}

static void
tells_what_was_offered_with_binding(void **state)
{
	struct message_login_start start = start_of(&cases[0]);
	enum login_failure failure;
	struct login_rule rule;

	(void)state;
	start.mechanism = "SCRAM-SHA-256";
	assert_true(login_rule_check(&settings, &start, false, &rule, &failure));
	assert_false(rule.plus_offered); /* there was nothing to bind to */
	start.bind_endpoint = span_text("x");
	assert_true(login_rule_check(&settings, &start, false, &rule, &failure));
	assert_true(rule.plus_offered);
	assert_false(rule.plus);
	assert_int_equal(rule.kind, LOGIN_KIND_SCRAM);
	assert_int_equal(rule.hash, SCRAM_SHA_256);
	start.mechanism = "SCRAM-SHA-256-PLUS";
	assert_true(login_rule_check(&settings, &start, false, &rule, &failure));
	assert_true(rule.plus);
	start.mechanism = "SCRAM-SHA-1";
	assert_true(login_rule_check(&settings, &start, false, &rule, &failure));
	assert_int_equal(rule.hash, SCRAM_SHA_1);
	assert_false(rule.plus_offered); /* SCRAM-SHA-1-PLUS is not in the list */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_way_a_listener_may_be_set),
		cmocka_unit_test(tells_what_was_offered_with_binding),
	};

	return cmocka_run_group_tests_name("auth/login_rule", tests, NULL, NULL);
}
