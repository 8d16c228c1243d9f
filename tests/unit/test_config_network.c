/* SPDX-License-Identifier: BSD-2-Clause */
/* Networks: what is one, what is in it, and addresses of both families compared as bits. */
#include "unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "config/network.h"

static void
parsing(void **state)
{
	static const struct {
		const char *text;
		const char *again; /* NULL: refused */
		const char *reason;
	} cases[] = {
		{ "10.1.0.0/24", "10.1.0.0/24", NULL },
		{ "10.1.0.1", "10.1.0.1", NULL },
		{ "10.1.0.1/32", "10.1.0.1", NULL },
		{ "0.0.0.0/0", "0.0.0.0/0", NULL },
		{ "::/0", "::/0", NULL },
		{ "2001:DB8::/32", "2001:db8::/32", NULL },
		{ "::1", "::1", NULL },
		{ "::ffff:10.1.0.0/120", "10.1.0.0/24", NULL },
		{ "", NULL, "is not an IP network, like 192.0.2.0/24" },
		{ "/24", NULL, "is not an IP network, like 192.0.2.0/24" },
		{ "10.1.0", NULL, "is not an IP network, like 192.0.2.0/24" },
		{ "10.1.0.256", NULL, "is not an IP network, like 192.0.2.0/24" },
		{ "010.1.0.1", NULL, "is not an IP network, like 192.0.2.0/24" },
		{ "example.org", NULL, "is not an IP network, like 192.0.2.0/24" },
		{ "[::1]", NULL, "is not an IP network, like 192.0.2.0/24" },
		{ "fe80::1%eth0", NULL, "is not an IP network, like 192.0.2.0/24" },
		{ "10.1.0.0/", NULL, "has no prefix length of 0 to 32 behind the slash" },
		{ "10.1.0.0/33", NULL, "has no prefix length of 0 to 32 behind the slash" },
		{ "10.1.0.0/255.255.255.0", NULL,
			"has no prefix length of 0 to 32 behind the slash" },
		{ "::/129", NULL, "has no prefix length of 0 to 128 behind the slash" },
		{ "10.1.0.1/24", NULL, "has bits set behind its prefix length" },
		{ "2001:db8::1/32", NULL, "has bits set behind its prefix length" },
		{ "10.1.0.128/24", NULL, "has bits set behind its prefix length" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct network network;
		struct fault fault = FAULT_INIT;
		char again[NETWORK_TEXT_SIZE];

		assert_int_equal(network_parse(span_text(cases[i].text), &network, &fault),
			cases[i].again != NULL);
		if (cases[i].again) {
			network_format(&network, again);
			assert_string_equal(again, cases[i].again);
		} else {
			assert_string_equal(fault.text, cases[i].reason);
		}
	}
	/* a NUL inside is not an end */
	struct network network;
	assert_false(network_parse(span_of("10.1.0.1\0x", 10), &network, NULL));
}

static void
belonging(void **state)
{
	static const struct {
		const char *network;
		const char *address;
		bool in;
	} cases[] = {
		{ "10.1.0.0/24", "10.1.0.0", true },
		{ "10.1.0.0/24", "10.1.0.255", true },
		{ "10.1.0.0/24", "10.1.1.0", false },
		{ "10.1.0.0/23", "10.1.1.255", true },
		{ "10.1.0.0/23", "10.1.2.0", false },
		{ "10.1.0.1", "10.1.0.1", true },
		{ "10.1.0.1", "10.1.0.2", false },
		{ "0.0.0.0/0", "255.255.255.255", true },
		{ "0.0.0.0/0", "::1", false },
		{ "::/0", "10.0.0.1", true },
		{ "2001:db8::/33", "2001:db8:7fff::1", true },
		{ "2001:db8::/33", "2001:db8:8000::1", false },
		{ "10.1.0.0/24", "::ffff:10.1.0.7", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct network network;
		struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
		struct sockaddr_in four = { .sin_family = AF_INET };
		unsigned char address[NETWORK_BYTES];

		assert_true(network_parse(span_text(cases[i].network), &network, NULL));
		if (inet_pton(AF_INET, cases[i].address, &four.sin_addr) == 1) {
			assert_true(network_address_of((void *)&four, address));
		} else {
			assert_int_equal(inet_pton(AF_INET6, cases[i].address, &six.sin6_addr), 1);
			assert_true(network_address_of((void *)&six, address));
		}
		assert_int_equal(network_has(&network, address), cases[i].in);
	}
}

static void
other_families(void **state)
{
	struct sockaddr unknown = { .sa_family = AF_UNIX };
	unsigned char address[NETWORK_BYTES];

	(void)state;
	assert_false(network_address_of(&unknown, address));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parsing),
		cmocka_unit_test(belonging),
		cmocka_unit_test(other_families),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
