/* SPDX-License-Identifier: BSD-2-Clause */
/* Which mechanisms are offered: by TLS, login policy, network and channel binding. */
#include "unit.h"

#include "client/offer.h"

static const char *const names[] = { "PLAIN", "LOGIN", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS",
	"GSSAPI" };
static const struct settings_sasl sasl = { .mechanisms = { names, 5 } };
static const struct network inside = { .address = { [10] = 0xff, 0xff, 10 }, .bits = 104 };

struct offer_row {
	const char *what;
	enum login_policy login;
	enum insecure_login insecure;
	bool secure;
	unsigned char first_byte; /* of the client's IPv4 address */
	const char *wanted;
};

static const struct offer_row rows[] = {
	{ "off, under TLS", LOGIN_OFF, INSECURE_LOGIN_ALLOW, true, 10, "" },
	{ "secure, in clear", LOGIN_SECURE, INSECURE_LOGIN_ALLOW, false, 10, "" },
	{ "secure, under TLS", LOGIN_SECURE, INSECURE_LOGIN_DENY, true, 192,
		"PLAIN LOGIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS GSSAPI " },
	{ "challenges in clear", LOGIN_SECURE_OR_CHALLENGE, INSECURE_LOGIN_ALLOW, false, 10,
		"SCRAM-SHA-256 GSSAPI " },
	{ "plain from inside", LOGIN_PLAIN, INSECURE_LOGIN_WARN, false, 10,
		"PLAIN LOGIN SCRAM-SHA-256 GSSAPI " },
	{ "plain from elsewhere", LOGIN_PLAIN, INSECURE_LOGIN_WARN, false, 192, "" },
	{ "plain, denied", LOGIN_PLAIN, INSECURE_LOGIN_DENY, false, 10, "" },
};

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct offer_row *row = &rows[i];
		unsigned char client[NETWORK_BYTES] = {
			[10] = 0xff, 0xff, row->first_byte, 0, 0, 1
		};
		struct settings_listener listener = { .login = row->login,
			.insecure_login = row->insecure,
			.tls = LISTENER_TLS_STARTTLS,
			.insecure_networks = { &inside, 1 } };
		struct offer_case from = { .listener = &listener,
			.sasl = &sasl,
			.secure = row->secure,
			.network = client };
		char got[200] = "";
		struct offer offer;

		offer_make(&from, &offer);
		for (size_t k = 0; k < offer.count; k++)
			strcat(strcat(got, offer.mechanisms[k]), " ");
		if (strcmp(got, row->wanted) != 0)
			print_error("%s\n", row->what);
		assert_string_equal(got, row->wanted);
		assert_int_equal(offer.after_tls,
			!row->secure && !row->wanted[0] && row->login != LOGIN_OFF);
		assert_int_equal(offer.insecure, !row->secure && row->login == LOGIN_PLAIN &&
							 row->first_byte == 10 &&
							 row->insecure != INSECURE_LOGIN_DENY);
	}
}

static void
test_find(void **state)
{
	const struct offer offer = { .mechanisms = { "PLAIN", "SCRAM-SHA-256" }, .count = 2 };

	(void)state;
	assert_string_equal(offer_find(&offer, SPAN_LITERAL("plain")), "PLAIN");
	assert_string_equal(offer_find(&offer, SPAN_LITERAL("Scram-SHA-256")), "SCRAM-SHA-256");
	assert_null(offer_find(&offer, SPAN_LITERAL("PLAIN-PLUS")));
	assert_null(offer_find(&offer, SPAN_LITERAL("PLAI")));
	assert_null(offer_find(&offer, SPAN_LITERAL("")));
	assert_null(offer_find(&offer, SPAN_LITERAL("SCRAM-SHA-256-PLUS")));
}

/* RFC 4954 6: 538 is for a mechanism that would be good under TLS, 504 for any other. */
static void
test_after_tls(void **state)
{
	struct settings_listener listener = { .login = LOGIN_SECURE_OR_CHALLENGE,
		.tls = LISTENER_TLS_STARTTLS };
	struct offer_case from = { .listener = &listener, .sasl = &sasl };
	struct offer offer;

	(void)state;
	offer_make(&from, &offer);
	assert_true(offer_is_after_tls(&offer, SPAN_LITERAL("Plain")));
	assert_true(offer_is_after_tls(&offer, SPAN_LITERAL("SCRAM-SHA-256-PLUS")));
	assert_false(offer_is_after_tls(&offer, SPAN_LITERAL("SCRAM-SHA-256")));
	assert_false(offer_is_after_tls(&offer, SPAN_LITERAL("NTLM")));
	from.secure = true;
	offer_make(&from, &offer);
	assert_false(offer_is_after_tls(&offer, SPAN_LITERAL("PLAIN")));
	from.secure = false;
	listener.tls = LISTENER_TLS_NONE;
	offer_make(&from, &offer);
	assert_false(offer_is_after_tls(&offer, SPAN_LITERAL("PLAIN")));
}

/* A listener's own list takes the place of the general one. */
static void
test_own_list(void **state)
{
	static const char *const own[] = { "GSSAPI" };
	struct settings_listener listener = { .login = LOGIN_SECURE, .mechanisms = { own, 1 } };
	struct offer_case from = { .listener = &listener, .sasl = &sasl, .secure = true };
	struct offer offer;

	(void)state;
	offer_make(&from, &offer);
	assert_int_equal(offer.count, 1);
	assert_string_equal(offer.mechanisms[0], "GSSAPI");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_after_tls),
		cmocka_unit_test(test_own_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
