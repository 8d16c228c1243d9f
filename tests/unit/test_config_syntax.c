/* SPDX-License-Identifier: BSD-2-Clause */
/* What texts may stand in settings, and in which form they are kept. */
#include "unit.h"

#include "config/schema.h"
#include "config/syntax.h"

struct syntax_case {
	schema_check *check;
	const char *text;
	const char *kept; /* NULL: refused */
};

static const struct syntax_case cases[] = {
	{ syntax_name, "main", "main" },
	{ syntax_name, "a-b_c.9", "a-b_c.9" },
	{ syntax_name, "", NULL },
	{ syntax_name, "a b", NULL },
	{ syntax_name, "a/b", NULL },
	{ syntax_name_or_empty, "", "" },
	{ syntax_path, "/etc/x y", "/etc/x y" },
	{ syntax_path, "etc/x", NULL },
	{ syntax_path, "", NULL },
	{ syntax_path, "/a\nb", NULL },
	{ syntax_path, "/a\xff", NULL },
	{ syntax_path_or_empty, "", "" },
	{ syntax_path_or_empty, "~/x", NULL },
	{ syntax_hostname, "Mail.Example.ORG", "mail.example.org" },
	{ syntax_hostname, "mail", NULL },
	{ syntax_hostname, "mail.example.org.", NULL },
	{ syntax_hostname, "-a.example.org", NULL },
	{ syntax_hostname, "192.0.2.1", NULL },
	{ syntax_hostname_or_empty, "", "" },
	{ syntax_domain, "example.org", "example.org" },
	{ syntax_domain, "m\xc3\xbcnchen.de", "xn--mnchen-3ya.de" },
	{ syntax_domain, "a@b.org", NULL },
	{ syntax_domain, "", NULL },
	{ syntax_group, "support", "support" },
	{ syntax_group, "M\xc3\xbcnchen", "M\xc3\xbcnchen" },
	{ syntax_group, "Mu\xcc\x88nchen", NULL },
	{ syntax_group, "", NULL },
	{ syntax_group, "a\nb", NULL },
	{ syntax_macro, "{daemon_name}=ORIGINATING", "{daemon_name}=ORIGINATING" },
	{ syntax_macro, "daemon_name=a=b {c}", "{daemon_name}=a=b {c}" },
	{ syntax_macro, "{auth_author}=", "{auth_author}=" },
	{ syntax_macro, "{j}=mail", "j=mail" },
	{ syntax_macro, "_=x", "_=x" },
	{ syntax_macro, "j", NULL },
	{ syntax_macro, "=x", NULL },
	{ syntax_macro, "{}=x", NULL },
	{ syntax_macro, "{=x", NULL },
	{ syntax_macro, "{a=x", NULL },
	{ syntax_macro, "a}=x", NULL },
	{ syntax_macro, "a b=x", NULL },
	{ syntax_macro, "a-b=x", NULL },
	{ syntax_macro, "a=x\ty", NULL },
	{ syntax_macro, "a=\xff", NULL },
	{ syntax_route_domain, "*", "*" },
	{ syntax_route_domain, ".Example.org", ".example.org" },
	{ syntax_route_domain, "example.org", "example.org" },
	{ syntax_route_domain, "*.example.org", NULL },
	{ syntax_route_domain, ".", NULL },
	{ syntax_route_domain, "", NULL },
	{ syntax_sni, "*.Example.org", "*.example.org" },
	{ syntax_sni, "mail.example.org", "mail.example.org" },
	{ syntax_sni, "*", NULL },
	{ syntax_sni, "*.*.example.org", NULL },
	{ syntax_realm, "EXAMPLE.ORG", "EXAMPLE.ORG" },
	{ syntax_realm, "", "" },
	{ syntax_realm, "a b", NULL },
	{ syntax_address, "", "" },
	{ syntax_address, "postmaster@example.org", "postmaster@example.org" },
	{ syntax_address, "postmaster", NULL },
	{ syntax_address, "<postmaster@example.org>", NULL },
	{ syntax_pattern, "user@example.org", "user@example.org" },
	{ syntax_pattern, "\"us\\er\"@Example.ORG", "user@example.org" },
	{ syntax_pattern, "@example.org", "@example.org" },
	{ syntax_pattern, "@b\xc3\xbc" "cher.Example", "@xn--bcher-kva.example" },
	{ syntax_pattern, ".example.org", ".example.org" },
	{ syntax_pattern, "*", "*" },
	{ syntax_pattern, "*@example.org@", NULL },
	{ syntax_pattern, "", NULL },
	{ syntax_mechanism, "scram-sha-256-plus", "SCRAM-SHA-256-PLUS" },
	{ syntax_mechanism, "GSSAPI", "GSSAPI" },
	{ syntax_mechanism, "ANONYMOUS", NULL },
	{ syntax_mechanism, "DIGEST-MD5", NULL },
	{ syntax_mechanism, "", NULL },
	{ syntax_user, "sallyport-smtp", "sallyport-smtp" },
	{ syntax_user, "-x", NULL },
	{ syntax_user, "", NULL },
	{ syntax_user, "a:b", NULL },
	{ syntax_login_or_empty, "", "" },
	{ syntax_login_or_empty, "user@example.net", "user@example.net" },
	{ syntax_login_or_empty, " user", NULL },
	{ syntax_login_or_empty, "us\ner", NULL },
	{ syntax_banner, "", "" },
	{ syntax_banner, "ESMTP at your service", "ESMTP at your service" },
	{ syntax_banner, "a\r\nb", NULL },
	{ syntax_banner, "a\tb", NULL },
	{ syntax_banner, "\xc3\xbc", NULL },
	{ syntax_ip_or_empty, "", "" },
	{ syntax_ip_or_empty, "192.0.2.1", "192.0.2.1" },
	{ syntax_ip_or_empty, "2001:db8::1", "2001:db8::1" },
	{ syntax_ip_or_empty, "localhost", NULL },
	{ syntax_ip_or_empty, "192.0.2.0/24", NULL },
	{ syntax_resolver, "192.0.2.1", "192.0.2.1:53" },
	{ syntax_resolver, "192.0.2.1:5353", "192.0.2.1:5353" },
	{ syntax_resolver, "[2001:db8::1]", "[2001:db8::1]:53" },
	{ syntax_resolver, "[2001:db8::1]:54", "[2001:db8::1]:54" },
	{ syntax_resolver, "ns.example.org", NULL },
	{ syntax_resolver, "unix:/run/dns", NULL },
	{ syntax_resolver, "192.0.2.1:0", NULL },
	{ syntax_resolver, "*:53", NULL },
	{ syntax_resolver, "", NULL },
	{ syntax_delimiter, "", "" },
	{ syntax_delimiter, "+", "+" },
	{ syntax_delimiter, "+-", NULL },
	{ syntax_delimiter, "@", NULL },
	{ syntax_delimiter, "a", NULL },
};

static void
texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct arena *arena = arena_new(256);
		struct fault fault = FAULT_INIT;
		const char *kept = "untouched";

		assert_int_equal(cases[i].check(span_text(cases[i].text), arena, &kept, &fault),
			cases[i].kept != NULL);
		assert_string_equal(kept, cases[i].kept ? cases[i].kept : "untouched");
		if (!cases[i].kept) {
			assert_int_equal(fault.kind, FAULT_CONFIG);
			assert_true(strlen(fault.text) > 0);
		}
		arena_free(&arena);
	}
}

static void
long_texts(void **state)
{
	struct arena *arena = arena_new(256);
	static char text[1100] = "/";
	const char *kept;

	(void)state;
	memset(text + 1, 'x', 999);
	assert_true(syntax_text(span_text(text), arena, &kept, NULL));
	assert_true(syntax_path(span_text(text), arena, &kept, NULL));
	text[1000] = 'x';
	assert_false(syntax_text(span_text(text), arena, &kept, NULL));
	assert_false(syntax_path(span_text(text), arena, &kept, NULL));
	assert_false(syntax_banner(span_text(text + 1), arena, &kept, NULL));
	arena_free(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts),
		cmocka_unit_test(long_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
