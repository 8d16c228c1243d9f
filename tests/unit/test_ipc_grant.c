/* SPDX-License-Identifier: BSD-2-Clause */
/* A grant is what was signed, or it is refused. */
#include "unit.h"

#include "ipc/grant.h"

static const struct grant alice = { { "S1", 2 }, { "alice", 5 }, { "submission", 10 },
	{ "i\0d", 3 }, { "\0\0\0\0", 4 }, 1000, 7 };
static const struct span key = { "0123456789abcdef0123456789abcdef", GRANT_KEY_BYTES };

static void
there_and_back(void **state)
{
	struct fault fault = FAULT_INIT;
	struct buf bytes = BUF_INIT(0);
	struct grant got;

	(void)state;
	grant_sign(&bytes, key, &alice);
	assert_true(grant_check(buf_span(&bytes), key, 999, &got, &fault));
	assert_true(span_equal(got.session, alice.session));
	assert_true(span_equal(got.login, alice.login));
	assert_true(span_equal(got.listener, alice.listener));
	assert_true(span_equal(got.identity, alice.identity));
	assert_true(span_equal(got.certificates, alice.certificates));
	assert_int_equal(got.expires_ms, 1000);
	assert_int_equal(got.epoch, 7);
	buf_fini(&bytes);
}

static void
refused(void **state)
{
	struct fault fault = FAULT_INIT;
	struct buf bytes = BUF_INIT(0);
	struct grant got;

	(void)state;
	buf_add_text(&bytes, "not part of it");
	grant_sign(&bytes, key, &alice);
	buf_consume(&bytes, strlen("not part of it"));
	assert_true(grant_check(buf_span(&bytes), key, 999, &got, &fault));
	/* in its last moment */
	assert_false(grant_check(buf_span(&bytes), key, 1000, &got, &fault));
	assert_int_equal(fault.kind, FAULT_DENIED);
	assert_non_null(strstr(fault.text, "expired"));
	/* another key */
	assert_false(grant_check(buf_span(&bytes),
		span_text("0123456789abcdef0123456789abcdeF"), 999, &got, &fault));
	for (size_t length = 0; length < buf_length(&bytes); length++)
		assert_false(grant_check(span_first(buf_span(&bytes), length), key, 999, &got,
			&fault));
	for (size_t at = 0; at < buf_length(&bytes); at++) {
		bytes.bytes[bytes.begin + at] ^= 1;
		assert_false(grant_check(buf_span(&bytes), key, 999, &got, &fault));
		bytes.bytes[bytes.begin + at] ^= 1;
	}
	buf_add_byte(&bytes, 0);
	assert_false(grant_check(buf_span(&bytes), key, 999, &got, &fault));
	buf_fini(&bytes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
