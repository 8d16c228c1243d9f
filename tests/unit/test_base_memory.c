/* SPDX-License-Identifier: BSD-2-Clause */
/* Arenas, secrets, faults and message authentication codes. */
#include "unit.h"

#include <stdio.h>

#include "base/digest.h"
#include "base/fault.h"
#include "base/memory.h"
#include "base/secret.h"

static void
arena_pieces(void **state)
{
	struct arena *arena = arena_new(16);
	char *texts[300];

	(void)state;
	for (int i = 0; i < 300; i++)
		texts[i] = arena_printf(arena, "piece %d", i);
	for (int i = 0; i < 300; i++) {
		char want[32];

		snprintf(want, sizeof want, "piece %d", i);
		assert_string_equal(texts[i], want);
		assert_int_equal((uintptr_t)texts[i] % 16, 0);
	}
	arena_reset(arena);
	for (int i = 0; i < 600; i++)
		assert_int_equal(*(char *)arena_alloc(arena, 100), 0);
	arena_free(&arena);
	assert_null(arena);
	arena_free(&arena);
}

static void
secrets(void **state)
{
	struct secret *secret = secret_new(SPAN_LITERAL("hunter2"));

	(void)state;
	assert_true(secret_equal(secret_span(secret), SPAN_LITERAL("hunter2")));
	assert_false(secret_equal(secret_span(secret), SPAN_LITERAL("hunter3")));
	assert_false(secret_equal(secret_span(secret), SPAN_LITERAL("hunter")));
	secret_truncate(secret, 3);
	assert_span_equal(secret_span(secret), "hun");
	secret_free(&secret);
	assert_null(secret);
	assert_int_equal(secret_span(NULL).length, 0);
}

static void
faults(void **state)
{
	struct fault fault = FAULT_INIT;

	(void)state;
	assert_false(fault_set(&fault, FAULT_PEER, "odd byte %s", "\r\n"));
	assert_false(fault_add(&fault, "%s:%d", "file", 3));
	assert_int_equal(fault.kind, FAULT_PEER);
	assert_string_equal(fault.text, "file:3: odd byte \\x0d\\x0a");
	assert_false(fault_set(NULL, FAULT_PEER, "nobody asks"));
}

/* RFC 4231, test case 2. */
static void
mac(void **state)
{
	struct digest_mac hmac;
	unsigned char out[DIGEST_BYTES];
	char hex[2 * DIGEST_BYTES + 1];

	(void)state;
	digest_mac_init(&hmac, SPAN_LITERAL("Jefe"));
	digest_mac_add(&hmac, SPAN_LITERAL("what do ya want "));
	digest_mac_add(&hmac, SPAN_LITERAL("for nothing?"));
	digest_mac_final(&hmac, out);
	text_hex(out, sizeof out, hex, sizeof hex);
	assert_string_equal(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arena_pieces),
		cmocka_unit_test(secrets),
		cmocka_unit_test(faults),
		cmocka_unit_test(mac),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
