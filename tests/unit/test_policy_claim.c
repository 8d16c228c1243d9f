/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose address is it: what tests/rights cannot ask, order and reasons one by one. */
#include "unit.h"

#include "policy/claim.h"

#define TEXTS(...)                                                                                  \
	{ .items = (const char *const[]){ __VA_ARGS__ },                                            \
		.count = sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *) }

static const struct network everywhere = { .bits = 0 };

static const struct settings_permit denies[] = {
	{ .where = "d:1", .principal = { .kind = PRINCIPAL_ANONYMOUS },
		.send_as = TEXTS("a@example.net") },
	{ .where = "d:2", .principal = { .kind = PRINCIPAL_AUTHENTICATED },
		.send_as = TEXTS("b@example.net") },
	{ .where = "d:3", .principal = { .kind = PRINCIPAL_LOGIN, .name = "alice" },
		.send_as = TEXTS("c@example.net", "old@example.org"),
		.on_behalf = TEXTS("x@example.net") },
	{ .where = "d:4", .principal = { .kind = PRINCIPAL_GROUP, .name = "staff" },
		.send_as = TEXTS("d@example.net") },
	{ .where = "d:5", .principal = { .kind = PRINCIPAL_NETWORK, .network = everywhere },
		.send_as = TEXTS("e@example.net") },
	{ .where = "d:6", .principal = { .kind = PRINCIPAL_CERTIFICATE, .name = "plc" },
		.send_as = TEXTS("f@example.net") },
};
static const struct settings_permit permits[] = {
	{ .where = "p:1", .principal = { .kind = PRINCIPAL_AUTHENTICATED },
		.send_as = TEXTS("*"), .on_behalf = TEXTS("@example.net") },
};
static const struct settings_listener listener = {
	.where = "l:1", .client_certificate = CLIENT_CERTIFICATE_ASK, .inherit = true
};
static const struct settings settings = {
	.authoritative_domains = TEXTS("example.org"),
	.permit = { permits, 1 },
	.deny = { denies, 6 },
};
static const struct identity alice = {
	.login = "alice", .addresses = TEXTS("alice@example.org", "old@example.org", "*"),
	.groups = TEXTS("staff"),
};

static struct claim
ask(const struct identity *identity, const char *text, enum claim_kind kind)
{
	static const char *const certificate[] = { "PLC" };
	struct mail_session session = { .settings = &settings, .listener = &listener,
		.identity = identity, .certificates = { certificate, 1 } };
	struct address address;

	assert_int_equal(address_parse(span_text(text), ADDRESS_UTF8, &address), ADDRESS_OK);
	return claim_check(&session, &address, kind);
}

static void
each_principal_has_its_reason(void **state)
{
	static const struct {
		const char *address;
		bool login;
		const char *where;
		const char *reason;
	} cases[] = {
		{ "a@example.net", false, "d:1", "denied to clients without a login" },
		{ "b@example.net", true, "d:2", "denied to every login" },
		{ "c@example.net", true, "d:3", "denied to this login" },
		{ "old@example.org", true, "d:3", "denied to this login" },
		{ "d@example.net", true, "d:4", "denied to a group of this login" },
		{ "e@example.net", true, "d:5", "denied to this network" },
		{ "f@example.net", true, "d:6", "denied to this certificate" },
		{ "g@example.net", false, "no permit names this sender", "not granted to this client" },
		{ "g@example.org", false, "no permit names this sender of ours",
			"not granted to this client" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct claim claim =
			ask(cases[i].login ? &alice : NULL, cases[i].address, CLAIM_SEND_AS);

		assert_false(claim.allowed);
		assert_string_equal(claim.where, cases[i].where);
		assert_string_equal(claim.reason, cases[i].reason);
	}
}

static void
what_allows(void **state)
{
	struct claim claim = ask(&alice, "ALICE@example.org", CLAIM_SEND_AS);

	(void)state;
	assert_true(claim.allowed);
	assert_string_equal(claim.where, CLAIM_OWN_ADDRESS);
	assert_string_equal(claim.reason, "");
	claim = ask(&alice, "g@example.net", CLAIM_SEND_AS);
	assert_true(claim.allowed);
	assert_string_equal(claim.where, "p:1");
	/* The two lists are apart, also in a deny, and nothing but a list gives the second. */
	assert_true(ask(&alice, "a@example.net", CLAIM_SEND_AS).allowed);
	assert_true(ask(&alice, "b@example.net", CLAIM_ON_BEHALF).allowed);
	assert_false(ask(&alice, "x@example.net", CLAIM_ON_BEHALF).allowed);
	assert_false(ask(&alice, "alice@example.org", CLAIM_ON_BEHALF).allowed);
}

/* "*" among the own addresses is an address that nobody has. */
static void
own_addresses_are_no_patterns(void **state)
{
	struct settings bare = { .authoritative_domains = settings.authoritative_domains };
	struct mail_session session = { .settings = &bare, .listener = &listener,
		.identity = &alice };
	struct address address;

	(void)state;
	assert_int_equal(address_parse(SPAN_LITERAL("bob@example.org"), 0, &address), ADDRESS_OK);
	assert_false(claim_check(&session, &address, CLAIM_SEND_AS).allowed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_principal_has_its_reason),
		cmocka_unit_test(what_allows),
		cmocka_unit_test(own_addresses_are_no_patterns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
