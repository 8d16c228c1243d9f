/* SPDX-License-Identifier: BSD-2-Clause */
/* The PROXY header: both families, what is skipped, what is refused, at every length of input. */
#include "unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "wire/proxy_header.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define TCP4 "\x21\x11"
#define TCP6 "\x21\x21"
#define V4 "\xc0\x00\x02\x01\xc0\x00\x02\x02\x12\x34\x02\x4b"
#define V6                                                                                         \
	"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02\x12" \
	"\x34\x02\x4b"

static void
check_address(const struct sockaddr_storage *address, int family, const char *text, unsigned port)
{
	const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)address;
	char written[INET6_ADDRSTRLEN];

	assert_int_equal(address->ss_family, family);
	if (family == AF_UNSPEC)
		return;
	assert_non_null(inet_ntop(family,
		family == AF_INET ? (const void *)&ipv4->sin_addr : (const void *)&ipv6->sin6_addr,
		written, sizeof written));
	assert_string_equal(written, text);
	assert_int_equal(ntohs(family == AF_INET ? ipv4->sin_port : ipv6->sin6_port), port);
}

struct header_case {
	struct span in;
	enum parse result;
	int family;
	bool local;
	size_t behind;  /* bytes of in that stand behind the header */
};

#define DONE(text, family, local, behind) { SPAN_LITERAL(text), PARSE_DONE, family, local, behind }
#define BAD(text) { SPAN_LITERAL(text), PARSE_BAD, 0, false, 0 }
#define MORE(text) { SPAN_LITERAL(text), PARSE_MORE, 0, false, 0 }

static const struct header_case header_cases[] = {
	DONE(SIGNATURE TCP4 "\0\x0c" V4, AF_INET, false, 0),
	DONE(SIGNATURE TCP4 "\0\x0c" V4 "EHLO x\r\n", AF_INET, false, 8),
	DONE(SIGNATURE TCP6 "\0\x24" V6 "E", AF_INET6, false, 1),
	DONE(SIGNATURE TCP4 "\0\x13" V4 "\x04\0\x04" "abcd", AF_INET, false, 0),
	DONE(SIGNATURE TCP4 "\0\x12" V4 "\x04\0\0" "\x05\0\0", AF_INET, false, 0),
	DONE(SIGNATURE "\x20\0\0\0" "x", AF_UNSPEC, true, 1),
	DONE(SIGNATURE "\x20\x11\0\x0c" V4, AF_UNSPEC, true, 0),
	DONE(SIGNATURE "\x20\x77\0\x02" "zz", AF_UNSPEC, true, 0),
	DONE(SIGNATURE "\x21\0\0\x03" "abc", AF_UNSPEC, false, 0),
	BAD("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"),   /* version 1 */
	BAD("P"),
	BAD("EHLO x\r\n"),                               /* C24 */
	BAD("\r\nx"),
	BAD(SIGNATURE "\x11"),                           /* version 1 in binary */
	BAD(SIGNATURE "\x31"),
	BAD(SIGNATURE "\x22"),
	BAD(SIGNATURE "\x21\x12"),                       /* UDP */
	BAD(SIGNATURE "\x21\x31"),                       /* unix */
	BAD(SIGNATURE "\x21\x01"),
	BAD(SIGNATURE TCP4 "\x10\x01"),                  /* 4097 */
	BAD(SIGNATURE TCP4 "\xff\xff"),
	BAD(SIGNATURE TCP4 "\0\x0b" "\0\0\0\0\0\0\0\0\0\0\0"),
	BAD(SIGNATURE TCP6 "\0\x0c" V4),
	BAD(SIGNATURE TCP4 "\0\x0d" V4 "\x04"),
	BAD(SIGNATURE TCP4 "\0\x0e" V4 "\x04\0"),
	BAD(SIGNATURE TCP4 "\0\x0f" V4 "\x04\0\x01"),
	BAD(SIGNATURE TCP4 "\0\x10" V4 "\x04\0\x02" "a"),
	MORE(""),
	MORE(SIGNATURE),
	MORE(SIGNATURE TCP4 "\x10\0"),                   /* 4096 are allowed */
	MORE(SIGNATURE TCP4 "\0\x0c" "\xc0\x00\x02"),
};

static void
test_headers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof header_cases / sizeof header_cases[0]; i++) {
		const struct header_case *c = &header_cases[i];
		struct proxy_header header;
		enum parse result = proxy_header_parse(c->in, &header);

		if (result != c->result)
			print_error("case %zu\n", i);
		assert_int_equal(result, c->result);
		if (result != PARSE_DONE)
			continue;
		assert_int_equal(header.bytes, c->in.length - c->behind);
		assert_int_equal(header.local, c->local);
		check_address(&header.client, c->family,
			c->family == AF_INET ? "192.0.2.1" : "2001:db8::1", 0x1234);
		check_address(&header.server, c->family,
			c->family == AF_INET ? "192.0.2.2" : "2001:db8::2", 587);
	}
}

/* Byte after byte: nothing but "more" before the end, and what is bad stays bad. */
static void
test_every_prefix(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof header_cases / sizeof header_cases[0]; i++) {
		const struct header_case *c = &header_cases[i];
		enum parse before = PARSE_MORE;

		for (size_t length = 0; length <= c->in.length; length++) {
			struct proxy_header header;
			enum parse result =
				proxy_header_parse(span_of(c->in.start, length), &header);

			if (before != PARSE_MORE)
				assert_int_equal(result, before);
			before = result;
		}
		assert_int_equal(before, c->result);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_every_prefix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
