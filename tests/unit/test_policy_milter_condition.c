/* SPDX-License-Identifier: BSD-2-Clause */
/* Which sessions and sizes a filter is asked about. */
#include "unit.h"

#include "policy/milter_condition.h"

/* 192.0.2.0/24, as config/network.h keeps it. */
static const struct network office = {
	.address = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 0 }, .bits = 120
};
static const char *const names[] = { "submission", "devices" };
static const char *const staff[] = { "other", "staff" };
static const char *const certificate[] = { "plc.example.org" };
static const struct identity alice = { .login = "alice", .groups = { staff, 2 } };
static const struct identity bob = { .login = "bob" };

static const struct settings_milter any = { .where = "milter" };
static const struct settings_milter by_listener = { .where = "milter", .listeners = { names, 2 } };
static const struct settings_milter for_logins = { .where = "milter", .logins = MILTER_LOGINS_ONLY };
static const struct settings_milter for_strangers = { .where = "milter",
	.logins = MILTER_LOGINS_NONE };
static const char *const wanted_groups[] = { "x", "Staff" };
static const struct settings_milter for_group = { .where = "milter",
	.groups = { wanted_groups, 2 } };
static const struct settings_milter for_office = { .where = "milter", .networks = { &office, 1 } };
static const struct settings_milter for_all_of_it = { .where = "milter",
	.listeners = { names, 1 }, .logins = MILTER_LOGINS_ONLY, .groups = { wanted_groups, 2 },
	.networks = { &office, 1 } };

static const struct {
	const struct settings_milter *milter;
	const char *listener;
	const struct identity *identity;
	bool office;
	const char *missed;
} cases[] = {
	{ &any, "smtp", NULL, false, NULL },
	{ &any, "smtp", &alice, true, NULL },
	{ &by_listener, "submission", NULL, false, NULL },
	{ &by_listener, "devices", &bob, false, NULL },
	{ &by_listener, "Devices", &bob, false, "listeners" },
	{ &by_listener, "smtp", &alice, true, "listeners" },
	{ &for_logins, "smtp", &bob, false, NULL },
	{ &for_logins, "smtp", NULL, true, "logins" },
	{ &for_strangers, "smtp", NULL, false, NULL },
	{ &for_strangers, "smtp", &bob, false, "logins" },
	{ &for_group, "smtp", &alice, false, NULL },
	{ &for_group, "smtp", &bob, false, "groups" },
	{ &for_group, "smtp", NULL, false, "groups" },
	{ &for_office, "smtp", NULL, true, NULL },
	{ &for_office, "smtp", &alice, false, "networks" },
	{ &for_all_of_it, "submission", &alice, true, NULL },
	{ &for_all_of_it, "devices", &alice, true, "listeners" },
	{ &for_all_of_it, "submission", NULL, true, "logins" },
	{ &for_all_of_it, "submission", &bob, true, "groups" },
	{ &for_all_of_it, "submission", &alice, false, "networks" },
};

static struct mail_session
session_of(const struct settings *settings, const struct settings_listener *listener,
	const struct identity *identity, bool is_office)
{
	struct mail_session session = { .settings = settings, .listener = listener,
		.identity = identity, .certificates = { certificate, 1 } };

	if (is_office)
		memcpy(session.client_network, office.address, NETWORK_BYTES);
	return session;
}

static void
conditions(void **state)
{
	static const struct settings settings;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct settings_listener listener = { .title = cases[i].listener };
		struct mail_session session = session_of(
			&settings, &listener, cases[i].identity, cases[i].office);
		const char *where = NULL;
		const char *missed = milter_condition_missed(cases[i].milter, &session, &where);

		if (cases[i].missed ? !missed || strcmp(missed, cases[i].missed) != 0 : missed != NULL)
			fail_msg("case %zu: %s", i, missed ? missed : "asked");
		assert_int_equal(milter_condition_session(cases[i].milter, &session), !missed);
		assert_int_equal(where != NULL, missed != NULL);
	}
}

/* Every kind of principal may have the right, in the file or on the listener, and a deny takes it. */
static void
right_to_bypass(void **state)
{
	static const struct {
		struct principal principal;
		bool alice;    /* does it fit alice in the office? */
		bool stranger; /* a stranger elsewhere, whose certificate holds? */
	} rows[] = {
		{ { .kind = PRINCIPAL_ANONYMOUS }, false, true },
		{ { .kind = PRINCIPAL_AUTHENTICATED }, true, false },
		{ { .kind = PRINCIPAL_LOGIN, .name = "alice" }, true, false },
		{ { .kind = PRINCIPAL_LOGIN, .name = "bob" }, false, false },
		{ { .kind = PRINCIPAL_GROUP, .name = "STAFF" }, true, false },
		{ { .kind = PRINCIPAL_GROUP, .name = "guests" }, false, false },
		{ { .kind = PRINCIPAL_NETWORK, .network = office }, true, false },
		{ { .kind = PRINCIPAL_CERTIFICATE, .name = "plc.example.org" }, true, true },
		{ { .kind = PRINCIPAL_CERTIFICATE, .name = "other.example.org" }, false, false },
	};

	(void)state;
	for (size_t i = 0; i < 8 * sizeof rows / sizeof *rows; i++) {
		bool on_listener = i & 1;
		bool denied = i & 2;
		bool other_right = i & 4;
		const struct settings_permit permit = { .where = "permit",
			.principal = rows[i / 8].principal,
			.rights = other_right ? RIGHT_BYPASS_LIMITS : RIGHT_BYPASS_MILTERS };
		const struct settings_permit deny = { .where = "deny",
			.principal = { .kind = PRINCIPAL_CERTIFICATE, .name = "plc.example.org" },
			.rights = RIGHT_BYPASS_MILTERS };
		const struct settings_permits permits = { &permit, 1 };
		const struct settings_permits none = { NULL, 0 };
		const struct settings settings = { .permit = on_listener ? none : permits,
			.deny = { &deny, denied } };
		const struct settings_listener listener = { .title = "in", .inherit = true,
			.client_certificate = CLIENT_CERTIFICATE_ASK,
			.permit = on_listener ? permits : none };
		const struct settings_listener apart = { .title = "in",
			.client_certificate = CLIENT_CERTIFICATE_ASK,
			.permit = on_listener ? permits : none };
		bool counts = !denied && !other_right;
		struct mail_session session = session_of(&settings, &listener, &alice, true);
		const char *where = NULL;

		assert_int_equal(milter_condition_session(&any, &session),
			!(counts && rows[i / 8].alice));
		if (counts && rows[i / 8].alice) {
			assert_string_equal(milter_condition_missed(&any, &session, &where),
				"bypass-milters");
			assert_string_equal(where, "permit");
		}
		session = session_of(&settings, &listener, NULL, false);
		assert_int_equal(milter_condition_session(&any, &session),
			!(counts && rows[i / 8].stranger));
		/* a listener that does not inherit knows its own permits alone */
		session = session_of(&settings, &apart, &alice, true);
		assert_int_equal(milter_condition_session(&any, &session),
			!(!other_right && on_listener && rows[i / 8].alice));
	}
}

static void
sizes(void **state)
{
	static const struct {
		uint64_t smallest;
		uint64_t largest;
		uint64_t bytes;
		bool asked;
	} rows[] = {
		{ 0, 0, 0, true },
		{ 0, 0, UINT64_MAX, true },
		{ 100, 0, 99, false },
		{ 100, 0, 100, true },
		{ 0, 100, 100, true },
		{ 0, 100, 101, false },
		{ 100, 100, 100, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct settings_milter milter = { .smallest = rows[i].smallest,
			.largest = rows[i].largest };

		assert_int_equal(milter_condition_size(&milter, rows[i].bytes), rows[i].asked);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conditions),
		cmocka_unit_test(right_to_bypass),
		cmocka_unit_test(sizes),
	};

	return cmocka_run_group_tests_name("policy/milter_condition", tests, NULL, NULL);
}
