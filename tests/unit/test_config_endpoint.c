/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses to listen on and to connect to, and next hops, as people write them. */
#include "unit.h"

#include "config/endpoint.h"
#include "config/target.h"

#define NOT_LISTEN                                                                                 \
	"is not an address to listen on: \"*:25\", \"192.0.2.1:25\", \"[2001:db8::1]:25\", "        \
	"\"unix:/path\""
#define NOT_CONNECT                                                                                \
	"is not an address to connect to: \"host.example.org:25\", \"192.0.2.1:25\", "              \
	"\"[2001:db8::1]:25\", \"unix:/path\""

static void
endpoints(void **state)
{
	static const struct {
		enum endpoint_rule rule;
		uint16_t standard;
		const char *text;
		const char *reason; /* NULL: right */
		const char *host;
		unsigned int port;
		const char *path;
	} cases[] = {
		{ ENDPOINT_LISTEN, 0, "*:587", NULL, "*", 587, "" },
		{ ENDPOINT_LISTEN, 0, "*:0", NULL, "*", 0, "" },
		{ ENDPOINT_LISTEN, 0, "127.0.0.1:0", NULL, "127.0.0.1", 0, "" },
		{ ENDPOINT_LISTEN, 0, "[::1]:25", NULL, "::1", 25, "" },
		{ ENDPOINT_LISTEN, 0, "unix:/run/x", NULL, "", 0, "/run/x" },
		{ ENDPOINT_LISTEN, 0, "*", "has no port", NULL, 0, NULL },
		{ ENDPOINT_LISTEN, 0, "*:", NOT_LISTEN, NULL, 0, NULL },
		{ ENDPOINT_LISTEN, 0, ":587", NOT_LISTEN, NULL, 0, NULL },
		{ ENDPOINT_LISTEN, 0, "", NOT_LISTEN, NULL, 0, NULL },
		{ ENDPOINT_LISTEN, 0, "localhost:25", NOT_LISTEN, NULL, 0, NULL },
		{ ENDPOINT_LISTEN, 0, "::1:25", NOT_LISTEN, NULL, 0, NULL },
		{ ENDPOINT_LISTEN, 0, "[::1]", "has no port", NULL, 0, NULL },
		{ ENDPOINT_LISTEN, 0, "[::1]25", NOT_LISTEN, NULL, 0, NULL },
		{ ENDPOINT_LISTEN, 0, "[::1]:", NOT_LISTEN, NULL, 0, NULL },
		{ ENDPOINT_LISTEN, 0, "[::1:25", NOT_LISTEN, NULL, 0, NULL },
		{ ENDPOINT_LISTEN, 0, "[127.0.0.1]:25", NOT_LISTEN, NULL, 0, NULL },
		{ ENDPOINT_LISTEN, 0, "*:65536", "has no port of 0 to 65535 behind the colon", NULL,
			0, NULL },
		{ ENDPOINT_LISTEN, 0, "*:smtp", "has no port of 0 to 65535 behind the colon", NULL, 0,
			NULL },
		{ ENDPOINT_LISTEN, 0, "*:-1", "has no port of 0 to 65535 behind the colon", NULL, 0,
			NULL },
		{ ENDPOINT_LISTEN, 0, "unix:run/x", "has no absolute path behind unix:", NULL, 0,
			NULL },
		{ ENDPOINT_CONNECT, 0, "mail.example.org:25", NULL, "mail.example.org", 25, "" },
		{ ENDPOINT_CONNECT, 25, "mail.example.org", NULL, "mail.example.org", 25, "" },
		{ ENDPOINT_CONNECT, 25, "[2001:db8::1]", NULL, "2001:db8::1", 25, "" },
		{ ENDPOINT_CONNECT, 0, "inet:127.0.0.1:8891", NULL, "127.0.0.1", 8891, "" },
		{ ENDPOINT_CONNECT, 0, "inet6:[::1]:8891", NULL, "::1", 8891, "" },
		{ ENDPOINT_CONNECT, 0, "mail.example.org", "has no port", NULL, 0, NULL },
		{ ENDPOINT_CONNECT, 0, "127.0.0.1:0", "has port 0, which nothing can be reached at",
			NULL, 0, NULL },
		{ ENDPOINT_CONNECT, 0, "inet:8891@127.0.0.1", "is written \"inet:127.0.0.1:8891\" here",
			NULL, 0, NULL },
		{ ENDPOINT_LISTEN, 0, "inet6:8891@::1", "is written \"inet:[::1]:8891\" here", NULL, 0,
			NULL },
		{ ENDPOINT_CONNECT, 0, "local:/run/x", "is written \"unix:/run/x\" here", NULL, 0, NULL },
		{ ENDPOINT_CONNECT, 0, "/run/x", "is written \"unix:/run/x\" here", NULL, 0, NULL },
		{ ENDPOINT_CONNECT, 0, "inet:8891@", NOT_CONNECT, NULL, 0, NULL },
		{ ENDPOINT_CONNECT, 0, "inet:x@y", NOT_CONNECT, NULL, 0, NULL },
		{ ENDPOINT_CONNECT, 0, "*:25", NOT_CONNECT, NULL, 0, NULL },
		{ ENDPOINT_CONNECT, 0, "a_b:25", NOT_CONNECT, NULL, 0, NULL },
		{ ENDPOINT_CONNECT, 0, "a b:25", NOT_CONNECT, NULL, 0, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct arena *arena = arena_new(256);
		struct endpoint endpoint;
		struct fault fault = FAULT_INIT;

		assert_int_equal(endpoint_parse(span_text(cases[i].text), cases[i].rule,
					 cases[i].standard, arena, &endpoint, &fault),
			cases[i].reason == NULL);
		if (cases[i].reason) {
			assert_string_equal(fault.text, cases[i].reason);
		} else {
			assert_string_equal(endpoint.host, cases[i].host);
			assert_int_equal(endpoint.port, cases[i].port);
			assert_string_equal(endpoint.path, cases[i].path);
		}
		arena_free(&arena);
	}
}

static void
long_paths(void **state)
{
	struct arena *arena = arena_new(256);
	struct endpoint endpoint;
	struct fault fault = FAULT_INIT;
	char text[256] = "unix:/";

	(void)state;
	memset(text + 6, 'x', 106); /* sun_path holds 107 and its NUL */
	assert_true(endpoint_parse(span_text(text), ENDPOINT_LISTEN, 0, arena, &endpoint, &fault));
	text[112] = 'x';
	assert_false(endpoint_parse(span_text(text), ENDPOINT_LISTEN, 0, arena, &endpoint, &fault));
	assert_string_equal(fault.text, "has a path longer than 107 bytes");
	arena_free(&arena);
}

static void
local(void **state)
{
	static const struct {
		const char *text;
		bool local;
	} cases[] = {
		{ "127.0.0.1:1", true },
		{ "127.8.9.1:1", true },
		{ "[::1]:1", true },
		{ "LocalHost:1", true },
		{ "unix:/x", true },
		{ "127.example.org:1", false },
		{ "127.0.0.1.example.org:1", false },
		{ "[::2]:1", false },
		{ "192.0.2.1:1", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct arena *arena = arena_new(256);
		struct endpoint endpoint;

		assert_true(endpoint_parse(span_text(cases[i].text), ENDPOINT_CONNECT, 0, arena,
			&endpoint, NULL));
		assert_int_equal(endpoint_is_local(&endpoint), cases[i].local);
		arena_free(&arena);
	}
}

static void
targets(void **state)
{
	static const struct {
		const char *text;
		bool good;
		enum route_scheme scheme;
		const char *host;
		unsigned int port;
		const char *path;
	} cases[] = {
		{ "smtp:relay.example.net:587", true, ROUTE_SMTP, "relay.example.net", 587, "" },
		{ "smtp:relay.example.net", true, ROUTE_SMTP, "relay.example.net", 25, "" },
		{ "smtps:relay.example.net", true, ROUTE_SMTPS, "relay.example.net", 465, "" },
		{ "lmtp:127.0.0.1", true, ROUTE_LMTP, "127.0.0.1", 24, "" },
		{ "lmtp:unix:/run/lmtp", true, ROUTE_LMTP, "", 0, "/run/lmtp" },
		{ "smtp:[::1]:25", true, ROUTE_SMTP, "::1", 25, "" },
		{ "relay.example.net:25", false, 0, NULL, 0, NULL },
		{ "smtp://relay.example.net", false, 0, NULL, 0, NULL },
		{ "SMTP:relay.example.net", false, 0, NULL, 0, NULL },
		{ "smtp:", false, 0, NULL, 0, NULL },
		{ "lmtp:unix:", false, 0, NULL, 0, NULL },
		{ "", false, 0, NULL, 0, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct arena *arena = arena_new(256);
		struct route_target target;
		struct fault fault = FAULT_INIT;

		assert_int_equal(target_parse(span_text(cases[i].text), arena, &target, &fault),
			cases[i].good);
		if (cases[i].good) {
			assert_int_equal(target.scheme, cases[i].scheme);
			assert_string_equal(target.text, cases[i].text);
			assert_string_equal(target.endpoint.host, cases[i].host);
			assert_int_equal(target.endpoint.port, cases[i].port);
			assert_string_equal(target.endpoint.path, cases[i].path);
		}
		arena_free(&arena);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(endpoints),
		cmocka_unit_test(long_paths),
		cmocka_unit_test(local),
		cmocka_unit_test(targets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
