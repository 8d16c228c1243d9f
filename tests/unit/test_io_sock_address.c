/* SPDX-License-Identifier: BSD-2-Clause */
/* Address text and limit keys, as case tables. */
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
loopback_and_port(void **state)
{
	struct sock_address a = host("127.9.9.9");
	struct sock_address b = host("::ffff:127.9.9.9");
	struct sock_address local;
	char text[SOCK_TEXT_MAX_BYTES];

	(void)state;
	assert_true(sock_address_is_loopback(&a));
	assert_true(sock_address_is_loopback(&b));
	sock_address_set_port(&b, 26);
	assert_int_equal(sock_address_port(&b), 26);
	a = host("::1");
	assert_true(sock_address_is_loopback(&a));
	a = host("128.0.0.1");
	assert_false(sock_address_is_loopback(&a));
	assert_true(sock_address_parse(SPAN_LITERAL("unix:/x"), &local, NULL));
	assert_true(sock_address_is_loopback(&local));
	assert_string_equal(sock_address_format_host(&local, text), "local");
	assert_int_equal(sock_address_port(&local), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(address_text),
		cmocka_unit_test(path_length),
		cmocka_unit_test(limit_keys),
		cmocka_unit_test(loopback_and_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
