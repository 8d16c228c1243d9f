/* SPDX-License-Identifier: BSD-2-Clause */
/* What a server offers and refuses by its priority, and what clients and servers demand of a certificate. */
#include "tls_meeting.h"

struct default_case {
	enum fixture_key key;
	const char *priority;
	const char *wanted;
};

static void
offers(void **state)
{
	static const struct default_case cases[] = {
		{ FIXTURE_P256, NULL, "TLS1.3 TLS_AES_128_GCM_SHA256 X25519" },
		{ FIXTURE_RSA, NULL, "TLS1.3 TLS_AES_128_GCM_SHA256 X25519" },
		{ FIXTURE_ED25519, NULL, "TLS1.3 TLS_AES_128_GCM_SHA256 X25519" },
		{ FIXTURE_P384, "NORMAL:-VERS-TLS1.3",
				"TLS1.2 TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 X25519" },
		{ FIXTURE_RSA, "NORMAL:-VERS-TLS1.3",
				"TLS1.2 TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 X25519" },
		{ FIXTURE_RSA, "NORMAL:-VERS-TLS1.3:-CIPHER-ALL:+CHACHA20-POLY1305",
				"TLS1.2 TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256 X25519" },
		{ FIXTURE_ED25519, "NORMAL:-VERS-TLS1.3:-GROUP-ALL:+GROUP-SECP256R1",
				"TLS1.2 TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 SECP256R1" },
	};
	const struct tls_settings settings = { .minimum = TLS_VERSION_1_2 };
	char text[TLS_TEXT_MAX_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct tls_set *set = set_of(cases[i].key, -1);
		struct tls_server *to = server_with(&settings, set);
		struct tls_client *from = client_with(cases[i].priority);

		meet(from, to, "mail.example.org");
		speak();
		assert_string_equal(tls_session_describe(server, text), cases[i].wanted);
		assert_string_equal(tls_session_describe(client, text), cases[i].wanted);
		drop();
		tls_client_free(&from);
		tls_server_free(&to);
		tls_set_free(&set);
	}
}

/* --- B8: what is refused */

static void
check_refused(const char *priority, struct tls_server *to)
{
	struct tls_client *from = client_with(priority);

	meet(from, to, "mail.example.org");
	if (server_end != TLS_FAILED || client_end != TLS_FAILED)
		fail_msg("%s was taken", priority);
	/* With an alert, not in silence. */
	if (!strstr(client_fault.text, "the other end says"))
		fail_msg("%s: %s", priority, client_fault.text);
	drop();
	tls_client_free(&from);
}

static void
b8_old_versions_and_weak_ciphers_are_refused(void **state)
{
	static const char *const refused[] = {
		"NORMAL:-VERS-ALL:+VERS-TLS1.0",
		"NORMAL:-VERS-ALL:+VERS-TLS1.1",
		"NORMAL:-VERS-ALL:+VERS-TLS1.0:+VERS-TLS1.1",
		"NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA",
		"NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+DHE-RSA",
		"NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+ANON-ECDH",
		"NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-CBC:+AES-256-CBC",
		"NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+3DES-CBC",
		"NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+ARCFOUR-128",
		"NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+NULL",
		"NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-CCM:+AES-128-CCM-8",
		"NORMAL:-VERS-ALL:+VERS-TLS1.2:-SIGN-ALL:+SIGN-RSA-SHA1:+SIGN-ECDSA-SHA1",
		"NORMAL:-VERS-ALL:+VERS-TLS1.3:-GROUP-ALL:+GROUP-FFDHE2048",
	};
	const struct tls_settings settings = { .minimum = TLS_VERSION_1_2 };
	struct tls_set *set = set_of(FIXTURE_P256, FIXTURE_RSA);
	struct tls_server *to = server_with(&settings, set);

	(void)state;
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
		check_refused(refused[i], to);
	tls_server_free(&to);
	tls_set_free(&set);
}

static void
floor_can_be_moved(void **state)
{
	struct tls_settings settings = { .minimum = TLS_VERSION_1_3 };
	struct tls_set *set = set_of(FIXTURE_P256, FIXTURE_RSA);
	struct tls_server *to = server_with(&settings, set);
	struct tls_client *from;

	(void)state;
	check_refused("NORMAL:-VERS-ALL:+VERS-TLS1.2", to);
	tls_server_free(&to);
	/* For devices that know no better, where the administrator says so. */
	settings.minimum = TLS_VERSION_1_0;
	to = server_with(&settings, set);
	from = client_with("NORMAL:-VERS-ALL:+VERS-TLS1.0");
	meet(from, to, "mail.example.org");
	speak();
	assert_string_equal(tls_session_version(server), "TLS1.0");
	drop();
	tls_client_free(&from);
	tls_server_free(&to);
	/* The floor holds against a priority string of the administrator's own. */
	settings.minimum = TLS_VERSION_1_2;
	settings.priority = "NORMAL:+VERS-TLS1.0:+VERS-TLS1.1:+RSA:+ANON-ECDH";
	to = server_with(&settings, set);
	check_refused("NORMAL:-VERS-ALL:+VERS-TLS1.1", to);
	check_refused("NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA", to);
	tls_server_free(&to);
	tls_set_free(&set);
}

static void
wrong_priority_is_quoted(void **state)
{
	struct fault fault = FAULT_INIT;

	(void)state;
	assert_true(tls_priority_check(NULL, TLS_VERSION_1_0, &fault));
	assert_true(tls_priority_check("SECURE192:-VERS-TLS1.2", TLS_VERSION_1_2, &fault));
	assert_false(tls_priority_check("NORMAL:+NONSENSE", TLS_VERSION_1_2, &fault));
	assert_non_null(strstr(fault.text, "+NONSENSE"));
}

/* --- clients that look */

struct look_case {
	const char *name;
	enum tls_verify verify;
	bool trusted;
	bool goes_on;
	const char *reason; /* NULL: it holds */
};

static void
clients_verify(void **state)
{
	static const struct look_case cases[] = {
		{ "mail.example.org", TLS_VERIFY_REQUIRED, true, true, NULL },
		{ "mail.example.net", TLS_VERIFY_REQUIRED, true, false, "name" },
		{ "mail.example.org", TLS_VERIFY_REQUIRED, false, false, "issuer" },
		{ "192.0.2.1", TLS_VERIFY_REQUIRED, true, false, "name" },
		{ "mail.example.net", TLS_VERIFY_OPPORTUNISTIC, true, true, "name" },
		{ "mail.example.org", TLS_VERIFY_OPPORTUNISTIC, false, true, "issuer" },
		{ "mail.example.net", TLS_VERIFY_NONE, false, true, "not looked at" },
	};
	const struct fixture_wish root = { .key = FIXTURE_P384, .common_name = "Root",
		.is_authority = true };
	const struct fixture_wish stranger = { .key = FIXTURE_P256, .common_name = "Stranger",
		.is_authority = true };
	struct fixture_pair roots[2] = { fixture_certificate(&root), fixture_certificate(&stranger) };
	const struct fixture_wish leaf = { .key = FIXTURE_P256, .names = { "mail.example.org" },
		.issuer = &roots[0] };
	const struct tls_settings settings = { .minimum = TLS_VERSION_1_2 };
	struct tls_certificate *certificate = fixture_load(&leaf);
	struct tls_set *set = tls_set_new();
	struct tls_server *to;

	(void)state;
	assert_true(tls_set_add(set, certificate, NULL, 0, NULL));
	to = server_with(&settings, set);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct look_case *c = &cases[i];
		const struct tls_client_settings wish = { .verify = c->verify,
			.trust_pem = span_text(roots[!c->trusted].chain_pem),
			.minimum = TLS_VERSION_1_2 };
		struct fault fault = FAULT_INIT;
		struct tls_client *from = tls_client_new(&wish, &fault);

		meet(from, to, c->name);
		assert_int_equal(client_end, c->goes_on ? TLS_DONE : TLS_FAILED);
		if (c->goes_on)
			speak();
		else if (!strstr(client_fault.text, c->reason))
			fail_msg("\"%s\" does not say \"%s\"", client_fault.text, c->reason);
		if (c->reason) {
			assert_false(tls_session_is_verified(client, &fault));
			if (!strstr(fault.text, c->reason))
				fail_msg("\"%s\" does not say \"%s\"", fault.text, c->reason);
		} else {
			assert_true(tls_session_is_verified(client, &fault));
			assert_string_equal(tls_session_peer(client), "mail.example.org");
		}
		drop();
		tls_client_free(&from);
	}
	tls_server_free(&to);
	tls_set_free(&set);
	tls_certificate_free(&certificate);
	fixture_pair_free(&roots[0]);
	fixture_pair_free(&roots[1]);
}

static void
servers_ask_only_if_told_to(void **state)
{
	const struct fixture_wish root = { .key = FIXTURE_P384, .common_name = "Root",
		.is_authority = true };
	struct fixture_pair root_pair = fixture_certificate(&root);
	const struct fixture_wish own = { .key = FIXTURE_P256, .common_name = "printer-7",
		.for_clients = true, .issuer = &root_pair };
	struct tls_certificate *certificate = fixture_load(&own);
	const struct tls_client_settings wish = { .verify = TLS_VERIFY_NONE,
		.minimum = TLS_VERSION_1_2, .certificate = certificate };
	struct tls_settings settings = { .minimum = TLS_VERSION_1_2 };
	struct tls_set *set = set_of(FIXTURE_RSA, -1);
	struct tls_client *with = tls_client_new(&wish, NULL);
	struct tls_client *without = client_with(NULL);
	struct tls_server *to = server_with(&settings, set);
	struct fault fault = FAULT_INIT;

	(void)state;
	meet(with, to, NULL);
	speak();
	assert_false(tls_session_is_verified(server, &fault));
	assert_string_equal(fault.text, "the client showed no certificate");
	tls_server_free(&to);
	settings.ask_certificate = true;
	settings.trust_pem = span_text(root_pair.chain_pem);
	to = server_with(&settings, set);
	meet(with, to, NULL);
	speak();
	assert_true(tls_session_is_verified(server, &fault));
	assert_string_equal(tls_session_peer(server), "printer-7");
	meet(without, to, NULL);
	speak();
	assert_false(tls_session_is_verified(server, &fault));
	assert_string_equal(tls_session_peer(server), "");
	drop();
	tls_server_free(&to);
	tls_client_free(&with);
	tls_client_free(&without);
	tls_set_free(&set);
	tls_certificate_free(&certificate);
	fixture_pair_free(&root_pair);
}

/* Names of what holds alone; "require" ends the session; and nothing of it comes from a ticket. */
static void
names_of_clients(void **state)
{
	const struct fixture_wish root = { .key = FIXTURE_P384, .common_name = "Root",
		.is_authority = true };
	struct fixture_pair root_pair = fixture_certificate(&root);
	const struct {
		struct fixture_wish wish;
		const char *name; /* the one beside the fingerprint; NULL: none */
		size_t count;
		const char *reason; /* NULL: it holds */
	} cases[] = {
		{ { .names = { "Printer-7.Example.org" } }, "printer-7.example.org", 2, NULL },
		{ { .common_name = "Old Printer" }, "old printer", 2, NULL },
		{ { .names = { "a.org", "b.org" }, .common_name = "C" }, "a.org", 3, NULL },
		{ { .names = { "*.example.org" } }, NULL, 1, NULL },
		{ { .common_name = "*" }, NULL, 1, NULL },
		{ { .common_name = "sha256:00" }, NULL, 0, "fingerprint" },
		{ { .common_name = "a\nb" }, NULL, 0, "certainty" },
		{ { .names = { "a b" } }, NULL, 0, "certainty" },
		{ { .names = { "a.org" }, .begins_in_s = -7200, .expires_in_s = -3600 }, NULL, 0,
			"expired" },
		{ { .names = { "a.org" }, .begins_in_s = 3600, .expires_in_s = 7200 }, NULL, 0,
			"not yet" },
	};
	static const unsigned char key[TLS_TICKET_KEY_BYTES] = { 1 };
	struct tls_settings settings = { .minimum = TLS_VERSION_1_2, .ask_certificate = true,
		.trust_pem = span_text(root_pair.chain_pem), .ticket_key = key };
	struct tls_set *set = set_of(FIXTURE_P256, -1);

	(void)state;
	for (size_t i = 0; i < 2 * (sizeof cases / sizeof *cases); i++) {
		size_t row = i / 2;
		struct fixture_wish wish = cases[row].wish;
		struct tls_client_settings shows = { .verify = TLS_VERIFY_NONE,
			.minimum = TLS_VERSION_1_2 };
		struct fault fault = FAULT_INIT;
		const char *const *names;
		struct tls_client *from;
		struct tls_server *to;

		wish.key = row % 2 ? FIXTURE_RSA : FIXTURE_P256;
		wish.for_clients = true;
		wish.issuer = &root_pair;
		settings.require_certificate = i % 2;
		shows.certificate = fixture_load(&wish);
		from = tls_client_new(&shows, NULL);
		to = server_with(&settings, set);
		meet(from, to, NULL);
		assert_int_equal(
			server_end, i % 2 && cases[row].reason ? TLS_FAILED : TLS_DONE);
		assert_int_equal(tls_session_names(server, &names), cases[row].count);
		if (cases[row].name)
			assert_string_equal(names[1], cases[row].name);
		if (cases[row].count)
			assert_true(span_starts(span_text(names[0]), "sha256:"));
		/* the whole names of a certificate that holds, and of no other */
		assert_int_equal(span_starts(span_text(tls_session_issuer(server)), "CN=Root"),
			cases[row].count > 0);
		assert_int_equal(tls_session_subject(server)[0] != '\0', cases[row].count > 0);
		if (cases[row].wish.common_name && cases[row].count)
			assert_non_null(
				strstr(tls_session_subject(server), cases[row].wish.common_name));
		if (server_end == TLS_DONE)
			assert_in_range(tls_session_bits(server), 128, 256);
		assert_int_equal(
			tls_session_is_verified(server, &fault), cases[row].reason == NULL);
		if (cases[row].reason && !strstr(fault.text, cases[row].reason))
			fail_msg("\"%s\" does not say \"%s\"", fault.text, cases[row].reason);
		drop();
		tls_client_free(&from);
		tls_server_free(&to);
		tls_certificate_free(&shows.certificate);
	}
	tls_set_free(&set);
	fixture_pair_free(&root_pair);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(offers),
		cmocka_unit_test(b8_old_versions_and_weak_ciphers_are_refused),
		cmocka_unit_test(floor_can_be_moved),
		cmocka_unit_test(wrong_priority_is_quoted),
		cmocka_unit_test(clients_verify),
		cmocka_unit_test(servers_ask_only_if_told_to),
		cmocka_unit_test(names_of_clients),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
