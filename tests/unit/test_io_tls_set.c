/* SPDX-License-Identifier: BSD-2-Clause */
/* Certificates by name and by key. */
#include "tls_meeting.h"

#include "io/tls_parts.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_choose_certificates),
		cmocka_unit_test(b15_strange_names_get_the_default_or_an_alert),
		cmocka_unit_test(rsa_and_ecdsa_serve_one_name),
		cmocka_unit_test(rsa_signatures_can_be_held_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
