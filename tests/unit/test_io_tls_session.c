/* SPDX-License-Identifier: BSD-2-Clause */
/* TLS sessions against each other in memory: versions, names, tickets, bindings, what is refused. */
#include "tls_fixture.h"

#include "base/digest.h"
#include "base/memory.h"
#include "io/tls_parts.h"

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

/* --- names */

static struct tls_set *
set_of_two_names(void)
{
	const struct fixture_wish first = { .key = FIXTURE_P256, .names = { "a.example.org" } };
	const struct fixture_wish second = { .key = FIXTURE_RSA, .names = { "b.example.org" } };
	const struct fixture_wish third = { .key = FIXTURE_P384, .names = { "*.example.net" } };
	const struct fixture_wish *wishes[] = { &first, &second, &third };
	struct tls_set *set = tls_set_new();

	for (int i = 0; i < 3; i++) {
		struct tls_certificate *certificate = fixture_load(wishes[i]);

		assert_true(tls_set_add(set, certificate, NULL, 0, NULL));
		tls_certificate_free(&certificate);
	}
	return set;
}

/* The certificate that the client saw, by its binding. */
static bool
saw_certificate(const struct tls_set *set, size_t index)
{
	unsigned char seen[TLS_BINDING_MAX_BYTES];
	size_t size;
	char text[2 * TLS_BINDING_MAX_BYTES + 1];

	assert_true(tls_session_binding(client, TLS_BINDING_SERVER_END_POINT, seen, &size));
	text_hex(seen, size, text, sizeof text);
	return strcmp(text, tls_certificate_facts(tls_set_certificate(set, index))->fingerprint) == 0;
}

struct sni_case {
	const char *name;
	size_t index;
	const char *noted;
};

static void
names_choose_certificates(void **state)
{
	static const char *const priorities[] = { "NORMAL", "NORMAL:-VERS-TLS1.3" };
	static const struct sni_case cases[] = {
		{ "a.example.org", 0, "a.example.org" },
		{ "b.example.org", 1, "b.example.org" },
		{ "B.Example.Org", 1, "b.example.org" },
		{ "x.example.net", 2, "x.example.net" },
		{ "x.y.example.net", 0, "x.y.example.net" },
		{ "example.net", 0, "example.net" },
		{ "unknown.example.com", 0, "unknown.example.com" },
		{ "192.0.2.1", 0, "" },
		{ NULL, 0, "" },
	};
	const struct tls_settings settings = { .minimum = TLS_VERSION_1_2 };
	struct tls_set *set = set_of_two_names();
	struct tls_server *to = server_with(&settings, set);

	(void)state;
	/* Under TLS 1.2 too: there GnuTLS by itself would choose by the kind of key. */
	for (size_t v = 0; v < 2; v++) {
		struct tls_client *from = client_with(priorities[v]);

		for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
			meet(from, to, cases[i].name);
			speak();
			if (!saw_certificate(set, cases[i].index))
				fail_msg("%s: another certificate", cases[i].name);
			assert_string_equal(tls_session_name(server), cases[i].noted);
		}
		drop();
		tls_client_free(&from);
	}
	tls_server_free(&to);
	tls_set_free(&set);
}

/* A hello with any bytes as its SNI: a proper name of that length is overwritten. */
static void
hello_with_raw_name(struct tls_client *from, struct tls_server *to, const char *name, size_t length)
{
	/* As it stands in the hello: type, length, name. */
	char framed[3 + 256] = { 0, (char)(length >> 8), (char)length };
	char *proper = framed + 3;
	struct span hello;
	char *place;

	drop();
	server_fault = FAULT_INIT;
	memset(proper, 'q', 255);
	for (size_t i = 60; i < length; i += 60)
		proper[i] = '.';
	proper[length] = '\0';
	client = tls_session_new_client(from, proper);
	assert_int_equal(tls_session_handshake(client, NULL), TLS_WANT_READ);
	hello = buf_span(tls_session_output(client));
	place = memmem(hello.start, hello.length, framed, 3 + length);
	assert_non_null(place);
	memcpy(place + 3, name, length);
	server = tls_session_new_server(to);
	tls_session_feed(server, hello);
	server_end = tls_session_handshake(server, &server_fault);
	tls_session_feed(server, SPAN_EMPTY);
}

static void
b15_strange_names_get_the_default_or_an_alert(void **state)
{
	static char long_name[256];
	static const struct {
		const char *bytes;
		size_t length;
	} names[] = {
		{ "b.example.org\0.evil.example", 27 },
		{ "b.example.org\0", 14 },
		{ "\0", 1 },
		{ "../../etc/passwd", 16 },
		{ "192.0.2.1", 9 },
		{ "::1", 3 },
		{ "*.example.net", 13 },
		{ "a b", 3 },
		{ "\xff\xfe", 2 },
		{ long_name, 255 },
	};
	const struct tls_settings settings = { .minimum = TLS_VERSION_1_2 };
	struct tls_set *set = set_of_two_names();
	struct tls_server *to = server_with(&settings, set);
	struct tls_client *from = client_with(NULL);

	(void)state;
	memset(long_name, 'x', 255);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		hello_with_raw_name(from, to, names[i].bytes, names[i].length);
		if (server_end == TLS_FAILED) {
			assert_true(buf_length(tls_session_output(server)) > 0);
			continue;
		}
		assert_int_equal(server_end, TLS_WANT_READ);
		assert_ptr_equal(server->choice, tls_set_choose(set, SPAN_EMPTY));
		if (names[i].bytes != long_name)
			assert_string_equal(tls_session_name(server), "");
	}
	drop();
	tls_client_free(&from);
	tls_server_free(&to);
	tls_set_free(&set);
}

static void
rsa_and_ecdsa_serve_one_name(void **state)
{
	const struct tls_settings settings = { .minimum = TLS_VERSION_1_2 };
	/* The RSA one is named first; those who can do ECDSA get it all the same. */
	struct tls_set *set = set_of(FIXTURE_RSA, FIXTURE_P256);
	struct tls_server *to = server_with(&settings, set);
	static const char *const ecdsa[] = { "NORMAL", "NORMAL:-VERS-TLS1.3" };
	static const char *const rsa[] = {
		"NORMAL:-SIGN-ALL:+SIGN-RSA-PSS-RSAE-SHA256:+SIGN-RSA-SHA256",
		"NORMAL:-VERS-TLS1.3:-KX-ALL:+ECDHE-RSA",
	};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct tls_client *from = client_with(ecdsa[i]);

		meet(from, to, "mail.example.org");
		speak();
		assert_int_equal(tls_session_key(server), TLS_KEY_ECDSA);
		assert_int_equal(tls_session_key(client), TLS_KEY_ECDSA);
		drop();
		tls_client_free(&from);
		from = client_with(rsa[i]);
		meet(from, to, "mail.example.org");
		speak();
		assert_int_equal(tls_session_key(server), TLS_KEY_RSA);
		assert_int_equal(tls_session_key(client), TLS_KEY_RSA);
		drop();
		tls_client_free(&from);
	}
	tls_server_free(&to);
	tls_set_free(&set);
}

/* Does the server stop before an RSA signature, and only there? */
static bool
is_held_for(const char *priority, struct tls_set *set)
{
	const struct tls_settings settings = { .minimum = TLS_VERSION_1_2 };
	struct tls_server *to = server_with(&settings, set);
	struct tls_client *from = client_with(priority);
	bool held;

	drop();
	client = tls_session_new_client(from, "mail.example.org");
	server = tls_session_new_server(to);
	tls_session_hold_rsa(server, true);
	assert_int_equal(tls_session_handshake(client, NULL), TLS_WANT_READ);
	tls_session_feed(server, buf_span(tls_session_output(client)));
	assert_int_equal(tls_session_handshake(server, NULL), TLS_WANT_READ);
	held = tls_session_is_held(server);
	assert_true(held == !buf_length(tls_session_output(server)));
	/* Once the hold is off it goes on as if nothing had been. */
	buf_clear(tls_session_output(client));
	if (held) {
		tls_session_hold_rsa(server, false);
		assert_int_equal(tls_session_handshake(server, NULL), TLS_WANT_READ);
	}
	tls_session_feed(server, SPAN_EMPTY);
	server_end = TLS_WANT_READ;
	fixture_shake(client, server, &client_end, &server_end, &client_fault, &server_fault);
	speak();
	drop();
	tls_client_free(&from);
	tls_server_free(&to);
	return held;
}

static void
rsa_signatures_can_be_held_back(void **state)
{
	struct tls_set *both = set_of(FIXTURE_RSA, FIXTURE_P256);
	struct tls_set *rsa = set_of(FIXTURE_RSA, -1);
	struct tls_set *ecdsa = set_of(FIXTURE_P256, -1);

	(void)state;
	for (int i = 0; i < 2; i++) {
		const char *any = i ? "NORMAL:-VERS-TLS1.3" : "NORMAL";
		const char *rsa_only = i ? "NORMAL:-VERS-TLS1.3:-SIGN-ALL:+SIGN-RSA-SHA256"
					 : "NORMAL:-SIGN-ALL:+SIGN-RSA-PSS-RSAE-SHA256:"
					   "+SIGN-RSA-SHA256";

		assert_true(is_held_for(any, rsa));
		assert_false(is_held_for(any, ecdsa));
		assert_false(is_held_for(any, both));
		assert_true(is_held_for(rsa_only, both));
	}
	tls_set_free(&both);
	tls_set_free(&rsa);
	tls_set_free(&ecdsa);
}

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
		cmocka_unit_test(offers),
		cmocka_unit_test(b8_old_versions_and_weak_ciphers_are_refused),
		cmocka_unit_test(floor_can_be_moved),
		cmocka_unit_test(wrong_priority_is_quoted),
		cmocka_unit_test(names_choose_certificates),
		cmocka_unit_test(b15_strange_names_get_the_default_or_an_alert),
		cmocka_unit_test(rsa_and_ecdsa_serve_one_name),
		cmocka_unit_test(rsa_signatures_can_be_held_back),
		cmocka_unit_test(b11_tickets_resume_at_their_own_listener_only),
		cmocka_unit_test(channel_bindings_agree_also_when_resumed),
		cmocka_unit_test(b16_alpn_mismatch_is_an_alert),
		cmocka_unit_test(b12_renegotiation_is_refused),
		cmocka_unit_test(b12_flood_of_key_updates_is_refused),
		cmocka_unit_test(b19_tiny_records_add_up),
		cmocka_unit_test(garbage_fails_with_an_alert),
		cmocka_unit_test(handshake_one_byte_at_a_time),
		cmocka_unit_test(b18_reload_serves_new_sessions_and_leaves_old_ones),
		cmocka_unit_test(clients_verify),
		cmocka_unit_test(servers_ask_only_if_told_to),
		cmocka_unit_test(close_notify_is_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
