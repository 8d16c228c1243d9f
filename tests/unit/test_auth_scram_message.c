/* SPDX-License-Identifier: BSD-2-Clause */
/* SCRAM client messages: good ones, and everything near them. */
#include "unit.h"

#include "auth/scram_message.h"
#include "base/memory.h"

struct first_case {
	const char *message;
	enum scram_binding binding;
	const char *binding_name;
	const char *authzid;
	const char *login;
};

static const struct first_case good[] = {
	{ "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL", SCRAM_BINDING_NONE, "", "", "user" },
	{ "y,,n=user,r=x", SCRAM_BINDING_UNSEEN, "", "", "user" },
	{ "p=tls-exporter,,n=user,r=x", SCRAM_BINDING_NAMED, "tls-exporter", "", "user" },
	{ "p=tls-server-end-point,a=bob,n=alice,r=x", SCRAM_BINDING_NAMED, "tls-server-end-point",
		"bob", "alice" },
	{ "n,a=b=2Cc=3D,n==2C=3D,r=!~", SCRAM_BINDING_NONE, "", "b,c=", ",=" },
	{ "n,,n=m\xc3\xbcller,r=x,x=ext,y=1=2", SCRAM_BINDING_NONE, "", "", "m\xc3\xbcller" },
};

static const char *const bad[] = {
	"", "n", "n,", "n,,", "n,,n=", "n,,n=,r=x", "n,,n=user", "n,,n=user,", "n,,n=user,r=",
	"n,,n=user,r=a b", "n,,n=user,r=\x7f", "n,,n=user,r=x,", "n,,n=user,r=x,xyz",
	"n,,n=user,r=x,1=a", "n,,n=user,r=x,a=", "N,,n=user,r=x", "x,,n=user,r=x", "p,,n=user,r=x",
	"p=,,n=user,r=x", "p=tls_exporter,,n=user,r=x", "p=a b,,n=user,r=x", "n,b=x,n=user,r=x",
	"n,a=,n=user,r=x", "n,,m=ext,n=user,r=x", "n,,r=x,n=user", "n,,n=us=er,r=x",
	"n,,n=user=2,r=x", "n,,n=user=2c,r=x", "n,,n=user=00,r=x", "n,,n=\xff,r=x",
	"n,,n=\xc1\xa1,r=x", " n,,n=user,r=x",
};

static void
reads_the_first_message(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		struct scram_first first;

		assert_true(scram_first_parse(span_text(good[i].message), &first));
		assert_int_equal(first.binding, good[i].binding);
		assert_span_equal(first.binding_name, good[i].binding_name);
		assert_span_equal(span_of(first.authzid.bytes, first.authzid.length),
			good[i].authzid);
		assert_span_equal(span_of(first.login.bytes, first.login.length), good[i].login);
	}
}

/* In memory of its own each, so that a byte read too many is seen by a sanitizer. */
static bool
parse_copy(const char *bytes, size_t length)
{
	char *copy = mem_dup(bytes, length);
	struct scram_first first;
	bool parsed = scram_first_parse(span_of(copy, length), &first);

	mem_free(&copy);
	return parsed;
}

static void
refuses_every_other_first_message(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(parse_copy(bad[i], strlen(bad[i])));
	assert_false(parse_copy("n,,n=us\0r,r=x", 13));
	assert_false(parse_copy("n,,n=user,r=x,e=\0", 17));
	/* Every beginning of a good one is bad until the first byte of the nonce is there. */
	for (size_t length = 0; length < 13; length++)
		assert_int_equal(parse_copy("n,,n=user,r=x", length), false);
	assert_true(parse_copy("n,,n=user,r=x", 13));
}

static void
bounds_the_name(void **state)
{
	char message[400] = "n,,n=";
	struct scram_first first;

	(void)state;
	memset(message + 5, 'a', SCRAM_NAME_MAX_BYTES);
	memcpy(message + 5 + SCRAM_NAME_MAX_BYTES, ",r=x", 4);
	assert_true(scram_first_parse(span_of(message, 9 + SCRAM_NAME_MAX_BYTES), &first));
	assert_int_equal(first.login.length, SCRAM_NAME_MAX_BYTES);
	memcpy(message + 5 + SCRAM_NAME_MAX_BYTES, "a,r=x", 5);
	assert_false(scram_first_parse(span_of(message, 10 + SCRAM_NAME_MAX_BYTES), &first));
}

static void
knows_the_form_of_the_final_message(void **state)
{
	static const char *const right[] = {
		"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfc,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
		"c=biws,r=x,e=1,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
	};
	static const char *const wrong[] = {
		"", "c=biws", "c=biws,r=x", "c=biws,r=x,", "c=biws,r=x,p=", "c=,r=x,p=AAAA",
		"c=!,r=x,p=AAAA", "c=biws,r=,p=AAAA", "r=x,c=biws,p=AAAA", "c=biws,r=x,p=AAA",
		"c=biws,r=x,p=AAAA,", "c=biws,r=x,p=AAAA,e=1", "c=biws,r=x,zz,p=AAAA",
	};

	(void)state;
	for (size_t i = 0; i < sizeof right / sizeof right[0]; i++)
		assert_true(scram_final_is_valid(span_text(right[i])));
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		assert_false(scram_final_is_valid(span_text(wrong[i])));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_the_first_message),
		cmocka_unit_test(refuses_every_other_first_message),
		cmocka_unit_test(bounds_the_name),
		cmocka_unit_test(knows_the_form_of_the_final_message),
	};

	return cmocka_run_group_tests_name("auth/scram_message", tests, NULL, NULL);
}
