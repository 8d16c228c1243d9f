/* SPDX-License-Identifier: BSD-2-Clause */
/* TLS sessions against each other in memory: tickets, bindings, floods, reload, the end. */
#include "tls_meeting.h"

#include "base/digest.h"
#include "io/tls_parts.h"

/* --- tickets */

static gnutls_datum_t ticket;

static void
keep_ticket(void)
{
	char text[64];

	speak();
	/* Under TLS 1.3 the ticket comes behind the handshake. */
	fixture_carry(server, client, text, sizeof text, NULL);
	gnutls_free(ticket.data);
	assert_int_equal(gnutls_session_get_data2(client->gnutls, &ticket), 0);
}

static bool
resumes(struct tls_client *from, struct tls_server *to, const char *name)
{
	drop();
	client = tls_session_new_client(from, name);
	gnutls_session_set_data(client->gnutls, ticket.data, ticket.size);
	server = tls_session_new_server(to);
	fixture_shake(client, server, &client_end, &server_end, &client_fault, &server_fault);
	speak();
	assert_int_equal(tls_session_is_resumed(server), tls_session_is_resumed(client));
	return tls_session_is_resumed(server);
}

static void
b11_tickets_resume_at_their_own_listener_only(void **state)
{
	static const char *const priorities[] = { "NORMAL", "NORMAL:-VERS-TLS1.3" };
	unsigned char keys[2][TLS_TICKET_KEY_BYTES];
	struct tls_settings settings = { .minimum = TLS_VERSION_1_2, .ticket_key = keys[0] };
	struct tls_set *set = set_of(FIXTURE_P256, -1);
	struct tls_server *one;
	struct tls_server *same;
	struct tls_server *other;
	struct tls_server *none;

	(void)state;
	digest_random(keys, sizeof keys);
	one = server_with(&settings, set);
	same = server_with(&settings, set);
	settings.ticket_key = keys[1];
	other = server_with(&settings, set);
	settings.ticket_key = NULL;
	none = server_with(&settings, set);
	for (int i = 0; i < 2; i++) {
		struct tls_client *from = client_with(priorities[i]);

		meet(from, one, "mail.example.org");
		assert_false(tls_session_is_resumed(server));
		keep_ticket();
		assert_true(resumes(from, one, "mail.example.org"));
		/* Another process of the same listener shares the key. */
		assert_true(resumes(from, same, "mail.example.org"));
		assert_false(resumes(from, other, "mail.example.org"));
		assert_false(resumes(from, none, "mail.example.org"));
		drop();
		tls_client_free(&from);
	}
	/* After the key has changed, the old tickets are worth nothing. */
	tls_server_set_ticket_key(same, keys[1]);
	{
		struct tls_client *from = client_with(NULL);

		meet(from, one, "mail.example.org");
		keep_ticket();
		assert_false(resumes(from, same, "mail.example.org"));
		drop();
		tls_client_free(&from);
	}
	gnutls_free(ticket.data);
	ticket = (gnutls_datum_t){ NULL, 0 };
	tls_server_free(&one);
	tls_server_free(&same);
	tls_server_free(&other);
	tls_server_free(&none);
	tls_set_free(&set);
}

/* --- bindings */

static void
check_bindings(bool same_end_point)
{
	unsigned char at_client[TLS_BINDING_MAX_BYTES];
	unsigned char at_server[TLS_BINDING_MAX_BYTES];
	size_t client_size = 0;
	size_t server_size = 0;

	assert_true(tls_session_binding(client, TLS_BINDING_EXPORTER, at_client, &client_size));
	assert_true(tls_session_binding(server, TLS_BINDING_EXPORTER, at_server, &server_size));
	assert_int_equal(client_size, 32);
	assert_int_equal(server_size, 32);
	assert_memory_equal(at_client, at_server, 32);
	if (!same_end_point)
		return;
	assert_true(tls_session_binding(
			server, TLS_BINDING_SERVER_END_POINT, at_server, &server_size));
	assert_true(tls_session_binding(
			client, TLS_BINDING_SERVER_END_POINT, at_client, &client_size));
	assert_int_equal(client_size, server_size);
	assert_memory_equal(at_client, at_server, client_size);
}

static void
channel_bindings_agree_also_when_resumed(void **state)
{
	static const char *const priorities[] = { "NORMAL", "NORMAL:-VERS-TLS1.3" };
	static const struct {
		enum fixture_key first;
		int second;
		bool known_1_3; /* TLS 1.3 resumed: is it clear which certificate it was? */
	} sets[] = {
		{ FIXTURE_P256, -1, true },
		{ FIXTURE_RSA, -1, true },
		{ FIXTURE_P256, FIXTURE_RSA, false },
	};
	unsigned char key[TLS_TICKET_KEY_BYTES];
	const struct tls_settings settings = { .minimum = TLS_VERSION_1_2, .ticket_key = key };
	unsigned char bytes[TLS_BINDING_MAX_BYTES];
	unsigned char first_bytes[TLS_BINDING_MAX_BYTES];
	size_t size;
	bool known;

	(void)state;
	digest_random(key, sizeof key);
	assert_string_equal(tls_binding_name(TLS_BINDING_EXPORTER), "tls-exporter");
	assert_string_equal(
			tls_binding_name(TLS_BINDING_SERVER_END_POINT), "tls-server-end-point");
	for (size_t i = 0; i < 6; i++) {
		struct tls_set *set = set_of(sets[i % 3].first, sets[i % 3].second);
		struct tls_server *to = server_with(&settings, set);
		struct tls_client *from = client_with(priorities[i / 3]);

		meet(from, to, "mail.example.org");
		keep_ticket();
		check_bindings(true);
		assert_true(tls_session_binding(
				server, TLS_BINDING_SERVER_END_POINT, first_bytes, &size));
		assert_true(resumes(from, to, "mail.example.org"));
		check_bindings(false);
		known = tls_session_binding(server, TLS_BINDING_SERVER_END_POINT, bytes, &size);
		assert_int_equal(known, i / 3 == 1 || sets[i % 3].known_1_3);
		if (known)
			assert_memory_equal(bytes, first_bytes, size);
		drop();
		tls_client_free(&from);
		tls_server_free(&to);
		tls_set_free(&set);
	}
	gnutls_free(ticket.data);
	ticket = (gnutls_datum_t){ NULL, 0 };
}

/* --- ALPN */

static void
b16_alpn_mismatch_is_an_alert(void **state)
{
	static const char *const protocols[] = { "smtp", "submission" };
	const struct tls_settings settings = { .minimum = TLS_VERSION_1_2, .alpn = protocols,
		.alpn_count = 2 };
	static const struct {
		const char *offered;
		bool taken;
	} cases[] = { { NULL, true }, { "smtp", true }, { "submission", true }, { "http/1.1", false },
		{ "h2", false }, { "smt", false } };
	struct tls_set *set = set_of(FIXTURE_P256, -1);
	struct tls_server *to = server_with(&settings, set);
	struct tls_client *from = client_with(NULL);

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		gnutls_datum_t one = { (unsigned char *)cases[i].offered,
			cases[i].offered ? (unsigned)strlen(cases[i].offered) : 0 };

		drop();
		client_fault = FAULT_INIT;
		client = tls_session_new_client(from, "mail.example.org");
		if (cases[i].offered)
			gnutls_alpn_set_protocols(client->gnutls, &one, 1, 0);
		server = tls_session_new_server(to);
		fixture_shake(client, server, &client_end, &server_end, &client_fault,
				&server_fault);
		if (cases[i].taken) {
			speak();
			assert_string_equal(tls_session_alpn(server),
					cases[i].offered ? cases[i].offered : "");
		} else {
			assert_int_equal(server_end, TLS_FAILED);
			assert_non_null(strstr(client_fault.text, "application protocol"));
		}
	}
	drop();
	tls_client_free(&from);
	tls_server_free(&to);
	tls_set_free(&set);
}

/* --- floods */

static void
connect_with(const char *priority, struct tls_set **set, struct tls_server **to,
		struct tls_client **from)
{
	const struct tls_settings settings = { .minimum = TLS_VERSION_1_2 };

	*set = set_of(FIXTURE_P256, -1);
	*to = server_with(&settings, *set);
	*from = client_with(priority);
	meet(*from, *to, "mail.example.org");
	speak();
}

static void
release(struct tls_set **set, struct tls_server **to, struct tls_client **from)
{
	drop();
	tls_client_free(from);
	tls_server_free(to);
	tls_set_free(set);
}

static void
b12_renegotiation_is_refused(void **state)
{
	struct tls_set *set;
	struct tls_server *to;
	struct tls_client *from;
	char text[64];

	(void)state;
	connect_with("NORMAL:-VERS-TLS1.3", &set, &to, &from);
	assert_true(gnutls_handshake(client->gnutls) < 0);
	assert_true(buf_length(tls_session_output(client)) > 0);
	assert_int_equal(fixture_carry(client, server, text, sizeof text, &server_fault), TLS_FAILED);
	assert_string_equal(text, "");
	/* And it stays so. */
	assert_int_equal(fixture_carry(client, server, text, sizeof text, NULL), TLS_FAILED);
	release(&set, &to, &from);
}

static void
b12_flood_of_key_updates_is_refused(void **state)
{
	struct tls_set *set;
	struct tls_server *to;
	struct tls_client *from;
	enum tls_io result = TLS_WANT_READ;
	char text[64];
	int taken = 0;

	(void)state;
	connect_with("NORMAL", &set, &to, &from);
	while (result == TLS_WANT_READ && taken < 1000) {
		assert_int_equal(gnutls_session_key_update(client->gnutls, 0), 0);
		result = fixture_carry(client, server, text, sizeof text, &server_fault);
		taken++;
	}
	assert_int_equal(result, TLS_FAILED);
	assert_true(taken < 100);
	release(&set, &to, &from);
}

static void
b19_tiny_records_add_up(void **state)
{
	static char text[65536];
	struct tls_set *set;
	struct tls_server *to;
	struct tls_client *from;

	(void)state;
	connect_with("NORMAL", &set, &to, &from);
	for (int i = 0; i < 20000; i++)
		assert_true(tls_session_write(client, SPAN_LITERAL("x"), NULL));
	assert_int_equal(fixture_carry(client, server, text, sizeof text, NULL), TLS_WANT_READ);
	assert_int_equal(strlen(text), 20000);
	/* Empty ones with nothing but padding in them (RFC 8446 5.4). */
	for (int i = 0; i < 5000; i++)
		gnutls_record_send2(client->gnutls, "", 0, 16, 0);
	assert_true(buf_length(tls_session_output(client)) > 5000 * 20);
	assert_int_equal(fixture_carry(client, server, text, sizeof text, NULL), TLS_WANT_READ);
	assert_string_equal(text, "");
	speak();
	release(&set, &to, &from);
}

static void
garbage_fails_with_an_alert(void **state)
{
	static const char *const garbage[] = { "EHLO there\r\nMAIL FROM:<a@example.org>\r\n",
		"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10\x01\x00\x80\x02\x00\x80\x03"
		"\x00\x80\x04\x00\x80\x05\x00\x80\x06\x00\x40\x07\x00\xc0 sixteen byte nonce!",
		"GET / HTTP/1.1\r\n\r\n" };
	const struct tls_settings settings = { .minimum = TLS_VERSION_1_2 };
	struct tls_set *set = set_of(FIXTURE_P256, -1);
	struct tls_server *to = server_with(&settings, set);

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		size_t length = i == 1 ? 48 : strlen(garbage[i]);

		drop();
		server = tls_session_new_server(to);
		tls_session_feed(server, span_of(garbage[i], length));
		assert_int_equal(tls_session_handshake(server, &server_fault), TLS_FAILED);
		assert_true(server_fault.text[0]);
	}
	drop();
	tls_server_free(&to);
	tls_set_free(&set);
}

static void
handshake_one_byte_at_a_time(void **state)
{
	const struct tls_settings settings = { .minimum = TLS_VERSION_1_2 };
	struct tls_set *set = set_of(FIXTURE_P256, -1);
	struct tls_server *to = server_with(&settings, set);
	struct tls_client *from = client_with(NULL);
	struct span hello;

	(void)state;
	client = tls_session_new_client(from, "mail.example.org");
	server = tls_session_new_server(to);
	assert_int_equal(tls_session_handshake(client, NULL), TLS_WANT_READ);
	hello = buf_span(tls_session_output(client));
	for (size_t i = 0; i < hello.length; i++) {
		tls_session_feed(server, span_first(span_from(hello, i), 1));
		assert_int_equal(tls_session_handshake(server, NULL), TLS_WANT_READ);
		assert_int_equal(tls_session_unread(server), 0);
		assert_true((i + 1 < hello.length) == !buf_length(tls_session_output(server)));
	}
	buf_clear(tls_session_output(client));
	fixture_shake(client, server, &client_end, &server_end, &client_fault, &server_fault);
	speak();
	drop();
	tls_client_free(&from);
	tls_server_free(&to);
	tls_set_free(&set);
}

/* --- B18: reload */

static void
b18_reload_serves_new_sessions_and_leaves_old_ones(void **state)
{
	struct tls_set *set;
	struct tls_set *fresh = set_of(FIXTURE_P384, -1);
	struct tls_set *empty = tls_set_new();
	struct tls_server *to;
	struct tls_client *from;
	struct tls_session *old_client;
	struct tls_session *old_server;
	struct fault fault = FAULT_INIT;

	(void)state;
	connect_with("NORMAL", &set, &to, &from);
	old_client = client;
	old_server = server;
	client = NULL;
	server = NULL;
	/* A set that is no good leaves the old one in place. */
	assert_false(tls_server_set_certificates(to, empty, &fault));
	assert_true(fault.text[0]);
	meet(from, to, "mail.example.org");
	assert_true(saw_certificate(set, 0));
	assert_true(tls_server_set_certificates(to, fresh, &fault));
	tls_set_free(&set);
	meet(from, to, "mail.example.org");
	speak();
	assert_true(saw_certificate(fresh, 0));
	drop();
	client = old_client;
	server = old_server;
	speak();
	check_bindings(true);
	/* Sessions outlive their listener. */
	tls_server_free(&to);
	speak();
	drop();
	tls_client_free(&from);
	tls_set_free(&fresh);
	tls_set_free(&empty);
}

static void
close_notify_is_the_end(void **state)
{
	struct tls_set *set;
	struct tls_server *to;
	struct tls_client *from;
	char text[64];

	(void)state;
	connect_with("NORMAL", &set, &to, &from);
	assert_true(tls_session_write(client, SPAN_LITERAL("last"), NULL));
	tls_session_bye(client);
	assert_false(tls_session_write(client, SPAN_LITERAL("never"), NULL));
	buf_add_text(tls_session_output(client), "Z\r\n.\r\nQUIT\r\n");
	assert_int_equal(fixture_carry(client, server, text, sizeof text, NULL), TLS_CLOSED);
	assert_string_equal(text, "last");
	assert_int_equal(fixture_carry(client, server, text, sizeof text, NULL), TLS_CLOSED);
	assert_string_equal(text, "");
	release(&set, &to, &from);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(b11_tickets_resume_at_their_own_listener_only),
		cmocka_unit_test(channel_bindings_agree_also_when_resumed),
		cmocka_unit_test(b16_alpn_mismatch_is_an_alert),
		cmocka_unit_test(b12_renegotiation_is_refused),
		cmocka_unit_test(b12_flood_of_key_updates_is_refused),
		cmocka_unit_test(b19_tiny_records_add_up),
		cmocka_unit_test(garbage_fails_with_an_alert),
		cmocka_unit_test(handshake_one_byte_at_a_time),
		cmocka_unit_test(b18_reload_serves_new_sessions_and_leaves_old_ones),
		cmocka_unit_test(close_notify_is_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
