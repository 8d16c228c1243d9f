/* SPDX-License-Identifier: BSD-2-Clause */
/* TLS sessions against each other in memory: versions, names, tickets, bindings, what is refused. */
#include "tls_fixture.h"

#include "base/digest.h"
#include "base/memory.h"

static struct fault client_fault;
static struct fault server_fault;
static enum tls_io client_end;
static enum tls_io server_end;
static struct tls_session *client;
static struct tls_session *server;

static struct tls_client *
client_with(const char *priority)
{
	const struct tls_client_settings settings = { .verify = TLS_VERIFY_NONE,
		.priority = priority, .minimum = TLS_VERSION_1_0 };
	struct fault fault = FAULT_INIT;
	struct tls_client *made = tls_client_new(&settings, &fault);

	if (!made)
		fail_msg("%s", fault.text);
	return made;
}

static struct tls_set *
set_of(enum fixture_key first, int second)
{
	const struct fixture_wish first_wish = { .key = first, .names = { "mail.example.org" } };
	struct tls_set *set = tls_set_new();
	struct tls_certificate *certificate = fixture_load(&first_wish);

	assert_true(tls_set_add(set, certificate, NULL, 0, NULL));
	tls_certificate_free(&certificate);
	if (second >= 0) {
		const struct fixture_wish wish = { .key = (enum fixture_key)second,
			.names = { "mail.example.org" } };

		certificate = fixture_load(&wish);
		assert_true(tls_set_add(set, certificate, NULL, 0, NULL));
		tls_certificate_free(&certificate);
	}
	return set;
}

static struct tls_server *
server_with(const struct tls_settings *settings, struct tls_set *set)
{
	struct fault fault = FAULT_INIT;
	struct tls_server *made = tls_server_new(settings, set, &fault);

	if (!made)
		fail_msg("%s", fault.text);
	return made;
}

static void
drop(void)
{
	tls_session_free(&client);
	tls_session_free(&server);
}

static void
meet(struct tls_client *from, struct tls_server *to, const char *name)
{
	drop();
	client_fault = FAULT_INIT;
	server_fault = FAULT_INIT;
	client = tls_session_new_client(from, name);
	server = tls_session_new_server(to);
	fixture_shake(client, server, &client_end, &server_end, &client_fault, &server_fault);
}

static void
speak(void)
{
	char text[64];

	if (client_end != TLS_DONE || server_end != TLS_DONE)
		fail_msg("client \"%s\", server \"%s\"", client_fault.text, server_fault.text);
	assert_true(tls_session_write(client, SPAN_LITERAL("EHLO there\r\n"), NULL));
	assert_int_equal(fixture_carry(client, server, text, sizeof text, NULL), TLS_WANT_READ);
	assert_string_equal(text, "EHLO there\r\n");
	assert_true(tls_session_write(server, SPAN_LITERAL("250 well\r\n"), NULL));
	assert_int_equal(fixture_carry(server, client, text, sizeof text, NULL), TLS_WANT_READ);
	assert_string_equal(text, "250 well\r\n");
}

struct default_case {
	enum fixture_key key;
	const char *priority;
	const char *wanted;
};

static void
offers(void **state)
{
	static const struct default_case cases[] = {
		{ FIXTURE_P256, NULL, "TLS1.3 TLS_AES_256_GCM_SHA384 X25519" },
		{ FIXTURE_RSA, NULL, "TLS1.3 TLS_AES_256_GCM_SHA384 X25519" },
		{ FIXTURE_ED25519, NULL, "TLS1.3 TLS_AES_256_GCM_SHA384 X25519" },
		{ FIXTURE_P384, "NORMAL:-VERS-TLS1.3",
				"TLS1.2 TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 X25519" },
		{ FIXTURE_RSA, "NORMAL:-VERS-TLS1.3",
				"TLS1.2 TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 X25519" },
		{ FIXTURE_RSA, "NORMAL:-VERS-TLS1.3:-CIPHER-ALL:+CHACHA20-POLY1305",
				"TLS1.2 TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256 X25519" },
		{ FIXTURE_ED25519, "NORMAL:-VERS-TLS1.3:-GROUP-ALL:+GROUP-SECP256R1",
				"TLS1.2 TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 SECP256R1" },
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(offers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
