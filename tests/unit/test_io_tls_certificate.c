/* SPDX-License-Identifier: BSD-2-Clause */
/* Certificates: what they say, what is refused at start and at reload, and which name gets which. */
#include "tls_fixture.h"

#include <time.h>

#include "base/memory.h"

static struct fault fault;

static int
set_up(void **state)
{
	(void)state;
	fault = FAULT_INIT;
	return 0;
}

static void
facts(void **state)
{
	const struct fixture_wish wish = { .key = FIXTURE_P256,
		.names = { "Mail.Example.org", "*.example.net" }, .common_name = "ignored" };
	struct fixture_pair pair = fixture_certificate(&wish);
	struct tls_certificate *certificate =
			tls_certificate_load(span_text(pair.chain_pem), &fault);
	const struct tls_facts *is = tls_certificate_facts(certificate);
	int64_t now = time(NULL);

	(void)state;
	assert_int_equal(is->key, TLS_KEY_ECDSA);
	assert_int_equal(is->bits, 256);
	assert_int_equal(is->name_count, 2);
	assert_string_equal(is->names[0], "mail.example.org");
	assert_string_equal(is->names[1], "*.example.net");
	assert_string_equal(is->subject, "CN=ignored");
	assert_string_equal(is->issuer, "CN=ignored");
	assert_int_equal(strlen(is->fingerprint), 64);
	assert_true(strlen(is->serial) > 0);
	assert_int_equal(is->chain_length, 1);
	assert_in_range(is->expires_s, now + 29 * 86400, now + 31 * 86400);
	assert_int_equal(tls_certificate_days_left(certificate, now + 100), 29);
	assert_int_equal(tls_certificate_days_left(certificate, is->expires_s - 1), 0);
	assert_int_equal(tls_certificate_days_left(certificate, is->expires_s + 1), -1);
	assert_true(tls_certificate_check(certificate, now, &fault));
	tls_certificate_free(&certificate);
	fixture_pair_free(&pair);
}

static void
common_name_serves_without_sans(void **state)
{
	const struct fixture_wish wish = { .key = FIXTURE_P256, .common_name = "old.example.org" };
	struct tls_certificate *certificate = fixture_load(&wish);

	(void)state;
	assert_int_equal(tls_certificate_facts(certificate)->name_count, 1);
	assert_true(tls_certificate_has_name(certificate, SPAN_LITERAL("OLD.example.org")));
	tls_certificate_free(&certificate);
}

struct name_case {
	const char *name;
	bool has;
};

static void
names(void **state)
{
	static const struct name_case cases[] = {
		{ "mail.example.org", true },
		{ "MAIL.EXAMPLE.ORG", true },
		{ "mail.example.org.", false },
		{ "ail.example.org", false },
		{ "a.example.net", true },
		{ "example.net", false },
		{ ".example.net", false },
		{ "a.b.example.net", false },
		{ "*.example.net", true },
		{ "", false },
	};
	const struct fixture_wish wish = { .key = FIXTURE_P256,
		.names = { "mail.example.org", "*.example.net" } };
	struct tls_certificate *certificate = fixture_load(&wish);

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		if (tls_certificate_has_name(certificate, span_text(cases[i].name)) != cases[i].has)
			fail_msg("\"%s\"", cases[i].name);
	}
	tls_certificate_free(&certificate);
}

/* --- B18: what does not fit is refused with a reason */

static void
check_refused(const struct fixture_wish *wish, const char *reason)
{
	struct tls_certificate *certificate = fixture_load(wish);

	fault = FAULT_INIT;
	assert_false(tls_certificate_check(certificate, time(NULL), &fault));
	if (!strstr(fault.text, reason))
		fail_msg("\"%s\" does not say \"%s\"", fault.text, reason);
	tls_certificate_free(&certificate);
}

static void
b18_dates(void **state)
{
	struct fixture_wish wish = { .key = FIXTURE_P256, .names = { "a.example.org" } };

	(void)state;
	wish.begins_in_s = -7200;
	wish.expires_in_s = -3600;
	check_refused(&wish, "expired on 20");
	wish.begins_in_s = 3600;
	wish.expires_in_s = 7200;
	check_refused(&wish, "not valid before 20");
}

static void
b18_short_key_and_wrong_purpose(void **state)
{
	struct fixture_wish wish = { .key = FIXTURE_RSA_1024, .names = { "a.example.org" } };

	(void)state;
	check_refused(&wish, "1024 bits");
	wish.key = FIXTURE_P256;
	wish.for_clients = true;
	check_refused(&wish, "not for a server");
}

static void
b18_wrong_key(void **state)
{
	const struct fixture_wish wish = { .key = FIXTURE_P256, .names = { "a.example.org" } };
	const struct fixture_wish other = { .key = FIXTURE_RSA, .names = { "a.example.org" } };
	struct fixture_pair pair = fixture_certificate(&wish);
	struct fixture_pair other_pair = fixture_certificate(&other);
	struct tls_certificate *certificate =
			tls_certificate_load(span_text(pair.chain_pem), &fault);

	(void)state;
	assert_false(tls_certificate_fits_key(certificate, span_text(other_pair.key_pem), &fault));
	assert_string_equal(fault.text, "the key does not belong to the certificate");
	assert_false(tls_certificate_set_key(certificate, span_text(other_pair.key_pem), &fault));
	assert_true(tls_certificate_fits_key(certificate, span_text(pair.key_pem), &fault));
	assert_false(tls_certificate_fits_key(certificate, SPAN_LITERAL("no key"), &fault));
	assert_non_null(strstr(fault.text, "key: "));
	tls_certificate_free(&certificate);
	fixture_pair_free(&pair);
	fixture_pair_free(&other_pair);
}

static void
b18_not_a_certificate(void **state)
{
	static char large[TLS_CHAIN_MAX_BYTES + 1];
	const struct fixture_wish wish = { .key = FIXTURE_P256, .names = { "a.example.org" } };
	struct fixture_pair pair = fixture_certificate(&wish);
	struct span pem = span_text(pair.chain_pem);
	struct tls_certificate *certificate;
	char *many;
	char *both;

	(void)state;
	assert_null(tls_certificate_load(SPAN_EMPTY, &fault));
	assert_null(tls_certificate_load(SPAN_LITERAL("garbage"), &fault));
	assert_null(tls_certificate_load(span_text(pair.key_pem), &fault));
	assert_null(tls_certificate_load(span_of(large, sizeof large), &fault));
	assert_non_null(strstr(fault.text, "65536 bytes"));
	for (size_t length = 0; length < pem.length - 26; length += 13)
		assert_null(tls_certificate_load(span_first(pem, length), NULL));
	many = mem_strdup("");
	for (int i = 0; i < TLS_CHAIN_MAX_CERTIFICATES + 1; i++) {
		char *longer = mem_printf("%s%s", many, pair.chain_pem);

		mem_free(&many);
		many = longer;
	}
	assert_null(tls_certificate_load(span_text(many), &fault));
	assert_non_null(strstr(fault.text, "16 certificates"));
	/* One file with key and chain is a common habit. */
	both = mem_printf("%s%s", pair.key_pem, pair.chain_pem);
	certificate = tls_certificate_load(span_text(both), &fault);
	assert_non_null(certificate);
	assert_true(tls_certificate_fits_key(certificate, span_text(both), &fault));
	tls_certificate_free(&certificate);
	mem_free(&both);
	mem_free(&many);
	fixture_pair_free(&pair);
}

static void
chain_order(void **state)
{
	const struct fixture_wish root = { .key = FIXTURE_P384, .common_name = "Root",
		.is_authority = true };
	struct fixture_pair root_pair = fixture_certificate(&root);
	const struct fixture_wish middle = { .key = FIXTURE_P256, .common_name = "Middle",
		.is_authority = true, .issuer = &root_pair };
	struct fixture_pair middle_pair = fixture_certificate(&middle);
	const struct fixture_wish leaf = { .key = FIXTURE_RSA, .names = { "a.example.org" },
		.issuer = &middle_pair };
	struct fixture_pair pair = fixture_certificate(&leaf);
	struct tls_certificate *certificate;
	char *wrong;

	(void)state;
	certificate = tls_certificate_load(span_text(pair.chain_pem), &fault);
	assert_int_equal(tls_certificate_facts(certificate)->chain_length, 3);
	assert_string_equal(tls_certificate_facts(certificate)->issuer, "CN=Middle");
	assert_true(tls_certificate_check(certificate, time(NULL), &fault));
	tls_certificate_free(&certificate);
	wrong = mem_printf("%.*s%s", (int)(strlen(pair.chain_pem) - strlen(middle_pair.chain_pem)),
			pair.chain_pem, root_pair.chain_pem);
	certificate = tls_certificate_load(span_text(wrong), &fault);
	assert_false(tls_certificate_check(certificate, time(NULL), &fault));
	assert_non_null(strstr(fault.text, "out of order"));
	tls_certificate_free(&certificate);
	mem_free(&wrong);
	fixture_pair_free(&pair);
	fixture_pair_free(&middle_pair);
	fixture_pair_free(&root_pair);
}

/* --- sets */

static struct tls_certificate *
load(enum fixture_key key, const char *first, const char *second)
{
	const struct fixture_wish wish = { .key = key, .names = { first, second } };

	return fixture_load(&wish);
}

static void
set_by_name(void **state)
{
	struct tls_certificate *main_ec = load(FIXTURE_P256, "mail.example.org", "*.example.org");
	struct tls_certificate *main_rsa = load(FIXTURE_RSA, "mail.example.org", "*.example.org");
	struct tls_certificate *other = load(FIXTURE_RSA, "mail.example.net", NULL);
	struct tls_set *set = tls_set_new();

	(void)state;
	assert_true(tls_set_add(set, main_rsa, NULL, 0, &fault));
	assert_true(tls_set_add(set, main_ec, NULL, 0, &fault));
	assert_true(tls_set_add(set, other, NULL, 0, &fault));
	assert_ptr_equal(tls_set_find(set, SPAN_LITERAL("mail.example.org"), TLS_KEY_ECDSA), main_ec);
	assert_ptr_equal(tls_set_find(set, SPAN_LITERAL("x.Example.org"), TLS_KEY_ECDSA), main_ec);
	assert_ptr_equal(tls_set_find(set, SPAN_LITERAL("x.example.org"), TLS_KEY_RSA), main_rsa);
	assert_ptr_equal(tls_set_find(set, SPAN_LITERAL("mail.example.net"), TLS_KEY_ECDSA), other);
	assert_ptr_equal(tls_set_find(set, SPAN_LITERAL("a.b.example.org"), TLS_KEY_RSA), main_rsa);
	assert_ptr_equal(tls_set_find(set, SPAN_EMPTY, TLS_KEY_RSA), main_rsa);
	assert_ptr_equal(tls_set_certificate(set, 1), main_ec);
	assert_null(tls_set_certificate(set, 3));
	tls_set_free(&set);
	tls_certificate_free(&main_ec);
	tls_certificate_free(&main_rsa);
	tls_certificate_free(&other);
}

static void
set_refuses_what_contradicts(void **state)
{
	static const char *const good[] = { "mail.example.org" };
	static const char *const star[] = { "*.example.org" };
	static const char *const foreign[] = { "mail.example.com" };
	static const char *const malformed[] = { "mail example org" };
	struct tls_certificate *first = load(FIXTURE_P256, "mail.example.org", "*.example.org");
	struct tls_certificate *second = load(FIXTURE_P384, "mail.example.org", NULL);
	struct tls_certificate *keyless;
	const struct fixture_wish wish = { .key = FIXTURE_RSA, .names = { "mail.example.org" } };
	struct fixture_pair pair = fixture_certificate(&wish);
	struct tls_set *set = tls_set_new();

	(void)state;
	assert_false(tls_set_add(set, first, foreign, 1, &fault));
	assert_non_null(strstr(fault.text, "not for \"mail.example.com\""));
	assert_false(tls_set_add(set, first, malformed, 1, &fault));
	assert_true(tls_set_add(set, first, star, 1, &fault));
	assert_true(tls_set_add(set, second, good, 1, &fault));
	assert_false(tls_set_add(set, first, good, 1, &fault));
	assert_non_null(strstr(fault.text, "another certificate"));
	keyless = tls_certificate_load(span_text(pair.chain_pem), &fault);
	assert_false(tls_set_add(set, keyless, good, 1, &fault));
	assert_non_null(strstr(fault.text, "no key"));
	tls_set_free(&set);
	tls_certificate_free(&first);
	tls_certificate_free(&second);
	tls_certificate_free(&keyless);
	fixture_pair_free(&pair);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(facts),
		TEST(common_name_serves_without_sans),
		TEST(names),
		TEST(b18_dates),
		TEST(b18_short_key_and_wrong_purpose),
		TEST(b18_wrong_key),
		TEST(b18_not_a_certificate),
		TEST(chain_order),
		TEST(set_by_name),
		TEST(set_refuses_what_contradicts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
