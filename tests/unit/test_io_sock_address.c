/* SPDX-License-Identifier: BSD-2-Clause */
/* Address text, places, networks and limit keys, as case tables. */
#include "unit.h"

#include "io/sock_address.h"

struct address_case {
	const char *text;
	const char *wanted; /* as printed again; NULL = refused */
};

static const struct address_case address_cases[] = {
	{ "*:587", "*:587" },
	{ "127.0.0.1:0", "127.0.0.1:0" },
	{ "127.0.0.1:25", "127.0.0.1:25" },
	{ "inet:127.0.0.1:8891", "127.0.0.1:8891" },
	{ "INET:127.0.0.1:8891", "127.0.0.1:8891" },
	{ "[::1]:25", "[::1]:25" },
	{ "inet6:[2001:DB8::1]:65535", "[2001:db8::1]:65535" },
	{ "[::ffff:192.0.2.1]:25", "192.0.2.1:25" },
	{ "unix:/run/x.sock", "unix:/run/x.sock" },
	{ "unix:relative", NULL },
	{ "unix:", NULL },
	{ "unix:/a b", NULL },
	{ "", NULL },
	{ ":", NULL },
	{ ":25", NULL },
	{ "127.0.0.1", NULL },
	{ "127.0.0.1:", NULL },
	{ "127.0.0.1:65536", NULL },
	{ "127.0.0.1:-1", NULL },
	{ "127.0.0.1:+1", NULL },
	{ "127.0.0.1:25 ", NULL },
	{ "127.1:25", NULL },
	{ "0x7f.0.0.1:25", NULL },
	{ "256.0.0.1:25", NULL },
	{ "::1:25", NULL },
	{ "[::1]25", NULL },
	{ "[::1]", NULL },
	{ "[::1:25", NULL },
	{ "[127.0.0.1]:25", NULL },
	{ "[*]:25", NULL },
	{ "[fe80::1%lo]:25", NULL },
	{ "mail.example.org:25", NULL },
	{ "*:25\n", NULL },
};

static void
address_text(void **state)
{
	char text[SOCK_TEXT_MAX_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof address_cases / sizeof *address_cases; i++) {
		const struct address_case *c = &address_cases[i];
		struct sock_address address;
		struct fault fault = FAULT_INIT;
		bool ok = sock_address_parse(span_text(c->text), &address, &fault);

		if (ok != (c->wanted != NULL))
			fail_msg("\"%s\" was %s", c->text, ok ? "taken" : fault.text);
		if (ok)
			assert_string_equal(sock_address_format(&address, text), c->wanted);
		else
			assert_int_equal(fault.kind, FAULT_CONFIG);
	}
}

static void
path_length(void **state)
{
	char text[256] = "unix:/";
	char back[SOCK_TEXT_MAX_BYTES];
	struct sock_address address;

	(void)state;
	memset(text + 6, 'a', sizeof text - 6);
	assert_false(sock_address_parse(span_of(text, 5 + 108), &address, NULL));
	assert_true(sock_address_parse(span_of(text, 5 + 107), &address, NULL));
	sock_address_format(&address, back);
	assert_int_equal(strlen(back), 5 + 107);
	assert_false(sock_address_parse(SPAN_LITERAL("unix:/a\0b"), &address, NULL));
}

struct place_case {
	const char *text;
	uint16_t default_port;
	int kind; /* -1 = refused */
	const char *host;
	uint16_t port;
};

static const struct place_case place_cases[] = {
	{ "relay.example.net:587", 0, SOCK_PLACE_NAME, "relay.example.net", 587 },
	{ "relay.example.net", 25, SOCK_PLACE_NAME, "relay.example.net", 25 },
	{ "inet:relay:8891", 0, SOCK_PLACE_NAME, "relay", 8891 },
	{ "127.0.0.1:24", 0, SOCK_PLACE_ADDRESS, "127.0.0.1", 24 },
	{ "[2001:db8::1]", 25, SOCK_PLACE_ADDRESS, "2001:db8::1", 25 },
	{ "[::1]:587", 25, SOCK_PLACE_ADDRESS, "::1", 587 },
	{ "relay.example.net", 0, -1, NULL, 0 },
	{ "relay.example.net:0", 25, -1, NULL, 0 },
	{ "relay.example.net:", 25, -1, NULL, 0 },
	{ "[relay.example.net]:25", 0, -1, NULL, 0 },
	{ "::1", 25, -1, NULL, 0 },
	{ "-x:25", 0, -1, NULL, 0 },
	{ ".x:25", 0, -1, NULL, 0 },
	{ "a;b:25", 0, -1, NULL, 0 },
	{ "a b:25", 0, -1, NULL, 0 },
	{ "", 25, -1, NULL, 0 },
};

static void
places(void **state)
{
	struct sock_place place;

	(void)state;
	for (size_t i = 0; i < sizeof place_cases / sizeof *place_cases; i++) {
		const struct place_case *c = &place_cases[i];
		bool ok = sock_place_parse(span_text(c->text), c->default_port, &place, NULL);

		if (ok != (c->kind >= 0))
			fail_msg("\"%s\" was %s", c->text, ok ? "taken" : "refused");
		if (!ok)
			continue;
		assert_int_equal(place.kind, c->kind);
		assert_span_equal(place.host, c->host);
		assert_int_equal(place.port, c->port);
	}
	assert_true(sock_place_parse(SPAN_LITERAL("unix:/run/lmtp"), 25, &place, NULL));
	assert_int_equal(place.kind, SOCK_PLACE_UNIX);
	assert_span_equal(place.path, "/run/lmtp");
	assert_false(sock_place_parse(SPAN_LITERAL("unix:lmtp"), 25, &place, NULL));
}

struct network_case {
	const char *network;
	const char *address;
	bool has;
};

static const struct network_case network_cases[] = {
	{ "192.0.2.0/24", "192.0.2.255", true },
	{ "192.0.2.0/24", "192.0.3.0", false },
	{ "192.0.2.0/25", "192.0.2.128", false },
	{ "192.0.2.128/25", "192.0.2.128", true },
	{ "192.0.2.1", "192.0.2.1", true },
	{ "192.0.2.1", "192.0.2.2", false },
	{ "192.0.2.0/24", "::ffff:192.0.2.9", true },
	{ "0.0.0.0/0", "203.0.113.7", true },
	{ "0.0.0.0/0", "2001:db8::1", false },
	{ "::/0", "2001:db8::1", true },
	{ "::/0", "192.0.2.1", false },
	{ "2001:db8::/32", "2001:db8:ffff::1", true },
	{ "2001:db8::/33", "2001:db8:ffff::1", false },
	{ "2001:db8::/32", "2001:db9::1", false },
	{ "::1", "::1", true },
	{ "::1/128", "::2", false },
};

static void
networks(void **state)
{
	static const char *const refused[] = { "", "/", "192.0.2.0/", "192.0.2.0/33", "192.0.2.1/24",
		"2001:db8::/129", "2001:db8::1/64", "example.org/8", "192.0.2.0/24/1", "192.0.2.0/+8",
		"192.0.2/24", "*" };
	struct sock_network network;
	struct sock_address address;

	(void)state;
	for (size_t i = 0; i < sizeof network_cases / sizeof *network_cases; i++) {
		const struct network_case *c = &network_cases[i];

		assert_true(sock_network_parse(span_text(c->network), &network, NULL));
		assert_true(sock_address_parse_host(span_text(c->address), 25, &address));
		if (sock_network_has(&network, &address) != c->has)
			fail_msg("%s in %s", c->address, c->network);
	}
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		if (sock_network_parse(span_text(refused[i]), &network, NULL))
			fail_msg("\"%s\" was taken", refused[i]);
	}
	assert_true(sock_network_parse(SPAN_LITERAL("0.0.0.0/0"), &network, NULL));
	assert_true(sock_address_parse(SPAN_LITERAL("unix:/x"), &address, NULL));
	assert_false(sock_network_has(&network, &address));
}

static struct sock_address
host(const char *text)
{
	struct sock_address address = { 0 };

	assert_true(sock_address_parse_host(span_text(text), 25, &address));
	return address;
}

static bool
same_key(const char *a, const char *b)
{
	struct sock_address a_address = host(a);
	struct sock_address b_address = host(b);
	unsigned char a_key[SOCK_KEY_BYTES];
	unsigned char b_key[SOCK_KEY_BYTES];

	sock_address_key(&a_address, a_key);
	sock_address_key(&b_address, b_key);
	return memcmp(a_key, b_key, sizeof a_key) == 0;
}

static void
limit_keys(void **state)
{
	(void)state;
	assert_true(same_key("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"));
	assert_false(same_key("2001:db8:1:2::1", "2001:db8:1:3::1"));
	assert_false(same_key("192.0.2.1", "192.0.2.2"));
	assert_true(same_key("192.0.2.1", "::ffff:192.0.2.1"));
	assert_false(same_key("::ffff:192.0.2.1", "::ffff:192.0.2.2"));
}

static void
loopback_and_equality(void **state)
{
	struct sock_address a = host("127.9.9.9");
	struct sock_address b = host("::ffff:127.9.9.9");
	struct sock_address local;
	char text[SOCK_TEXT_MAX_BYTES];

	(void)state;
	assert_true(sock_address_is_loopback(&a));
	assert_true(sock_address_is_loopback(&b));
	assert_true(sock_address_equal(&a, &b));
	sock_address_set_port(&b, 26);
	assert_int_equal(sock_address_port(&b), 26);
	assert_false(sock_address_equal(&a, &b));
	a = host("::1");
	assert_true(sock_address_is_loopback(&a));
	a = host("128.0.0.1");
	assert_false(sock_address_is_loopback(&a));
	assert_true(sock_address_parse(SPAN_LITERAL("unix:/x"), &local, NULL));
	assert_true(sock_address_is_loopback(&local));
	assert_false(sock_address_equal(&a, &local));
	assert_string_equal(sock_address_format_host(&local, text), "local");
	assert_int_equal(sock_address_port(&local), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(address_text),
		cmocka_unit_test(path_length),
		cmocka_unit_test(places),
		cmocka_unit_test(networks),
		cmocka_unit_test(limit_keys),
		cmocka_unit_test(loopback_and_equality),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
