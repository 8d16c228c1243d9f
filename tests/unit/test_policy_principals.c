/* SPDX-License-Identifier: BSD-2-Clause */
/* Which sections fit a session, and in which order they come. */
#include "unit.h"

#include <stdio.h>

#include "policy/principals.h"

/* 192.0.2.0/24, as config/network.h keeps it. */
static const struct network office = {
	.address = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 0 }, .bits = 120
};

#define ALL_KINDS(letter)                                                                           \
	{ .where = letter "anonymous", .principal = { .kind = PRINCIPAL_ANONYMOUS },                \
		.rights = RIGHT_SUBMIT },                                                           \
	{ .where = letter "authenticated", .principal = { .kind = PRINCIPAL_AUTHENTICATED },        \
		.rights = RIGHT_RELAY },                                                            \
	{ .where = letter "login", .principal = { .kind = PRINCIPAL_LOGIN, .name = "Alice" },       \
		.rights = RIGHT_RELAY },                                                            \
	{ .where = letter "group", .principal = { .kind = PRINCIPAL_GROUP, .name = "Staff" },       \
		.rights = RIGHT_BYPASS_SIZE },                                                      \
	{ .where = letter "network",                                                                \
		.principal = { .kind = PRINCIPAL_NETWORK, .network = office },                      \
		.rights = RIGHT_BYPASS_LIMITS },                                                    \
	{ .where = letter "certificate",                                                            \
		.principal = { .kind = PRINCIPAL_CERTIFICATE, .name = "plc.example.org" },          \
		.rights = RIGHT_BYPASS_MILTERS }

static const struct settings_permit globals[] = { ALL_KINDS("g-") };
static const struct settings_permit locals[] = { ALL_KINDS("l-") };
static const struct settings_permit denies[] = {
	{ .where = "d-network", .principal = { .kind = PRINCIPAL_NETWORK, .network = office },
		.rights = RIGHT_RELAY },
};
static const struct settings settings = { .permit = { globals, 6 } };
static const char *const groups[] = { "other", "staff" };
static const struct identity alice = { .login = "alice", .groups = { groups, 2 } };
static const struct identity bob = { .login = "bob" };

static bool
write_down(const struct settings_permit *section, void *context)
{
	char *text = context;

	snprintf(text + strlen(text), 256 - strlen(text), "%s ", section->where);
	return false;
}

static void
who_fits(void **state)
{
	static const char *const certificate[] = { "x", "PLC.example.org" };
	static const struct {
		const struct identity *identity;
		bool office;
		bool certificate;
		bool asks; /* does the listener ask for certificates? */
		bool inherit;
		const char *fits;
	} cases[] = {
		{ NULL, false, false, true, false, "l-anonymous " },
		{ NULL, false, false, true, true, "l-anonymous g-anonymous " },
		{ NULL, true, false, true, false, "l-anonymous l-network " },
		{ NULL, false, true, true, false, "l-anonymous l-certificate " },
		{ NULL, false, true, false, false, "l-anonymous " },
		{ &bob, false, false, true, false, "l-authenticated " },
		{ &alice, false, false, true, false, "l-authenticated l-login l-group " },
		{ &alice, true, true, true, true,
			"l-authenticated l-login l-group l-network l-certificate "
			"g-authenticated g-login g-group g-network g-certificate " },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct settings_listener listener = { .permit = { locals, 6 },
			.inherit = cases[i].inherit,
			.client_certificate =
				cases[i].asks ? CLIENT_CERTIFICATE_ASK : CLIENT_CERTIFICATE_OFF };
		struct mail_session session = { .settings = &settings, .listener = &listener,
			.identity = cases[i].identity,
			.certificates = { certificate, cases[i].certificate ? 2 : 0 } };
		char text[256] = "";

		if (cases[i].office)
			memcpy(session.client_network, office.address, NETWORK_BYTES);
		assert_false(principals_visit_permits(&session, write_down, text));
		assert_string_equal(text, cases[i].fits);
		assert_false(principals_visit_denies(&session, write_down, text));
	}
}

static void
one_right(void **state)
{
	struct settings_listener listener = { .permit = { locals, 6 }, .deny = { denies, 1 } };
	struct mail_session session = { .settings = &settings, .listener = &listener,
		.identity = &alice };
	const char *where = "nobody";

	(void)state;
	assert_false(principals_have_right(&session, RIGHT_ANY_SENDER, &where));
	assert_string_equal(where, "nobody");
	assert_true(principals_have_right(&session, RIGHT_RELAY, &where));
	assert_string_equal(where, "l-authenticated");
	memcpy(session.client_network, office.address, NETWORK_BYTES);
	assert_false(principals_have_right(&session, RIGHT_RELAY, &where));
	assert_string_equal(where, "d-network");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_fits),
		cmocka_unit_test(one_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
