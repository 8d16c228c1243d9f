/* SPDX-License-Identifier: BSD-2-Clause */
/* A client and a server that meet in memory. */
#include "tls_meeting.h"

struct fault client_fault;
struct fault server_fault;
enum tls_io client_end;
enum tls_io server_end;
struct tls_session *client;
struct tls_session *server;

struct tls_client *
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

struct tls_set *
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

struct tls_server *
server_with(const struct tls_settings *settings, struct tls_set *set)
{
	struct fault fault = FAULT_INIT;
	struct tls_server *made = tls_server_new(settings, set, &fault);

	if (!made)
		fail_msg("%s", fault.text);
	return made;
}

void
drop(void)
{
	tls_session_free(&client);
	tls_session_free(&server);
}

void
meet(struct tls_client *from, struct tls_server *to, const char *name)
{
	drop();
	client_fault = FAULT_INIT;
	server_fault = FAULT_INIT;
	client = tls_session_new_client(from, name);
	server = tls_session_new_server(to);
	fixture_shake(client, server, &client_end, &server_end, &client_fault, &server_fault);
}

void
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

/* The certificate that the client saw, by its binding. */
bool
saw_certificate(const struct tls_set *set, size_t index)
{
	unsigned char seen[TLS_BINDING_MAX_BYTES];
	size_t size;
	char text[2 * TLS_BINDING_MAX_BYTES + 1];

	assert_true(tls_session_binding(client, TLS_BINDING_SERVER_END_POINT, seen, &size));
	text_hex(seen, size, text, sizeof text);
	return strcmp(text, tls_certificate_facts(tls_set_certificate(set, index))->fingerprint) == 0;
}
