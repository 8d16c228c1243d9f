/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of certificates on their way: there and back, compared, copied; and what is none. */
#include "unit.h"

#include "ipc/certificate_names.h"

static const char *const two[] = { "printer-7.example.org", "sha256:00" };
static const char *const others[] = { "printer-7.example.org", "sha256:01" };
static const struct certificate_names names = { two, 2 };
static const struct certificate_names none = { NULL, 0 };

static void
there_and_back(void **state)
{
	struct arena *arena = arena_new(0);
	struct buf packed = BUF_INIT(0);
	struct certificate_names got;

	(void)state;
	certificate_names_pack(&packed, &names);
	assert_true(certificate_names_read(buf_span(&packed), arena, &got));
	assert_true(certificate_names_equal(&got, &names));
	/* No bytes are no names; a part of them, or more, is nothing. */
	assert_true(certificate_names_read(SPAN_EMPTY, arena, &got));
	assert_true(certificate_names_equal(&got, &none));
	for (size_t length = 1; length < buf_length(&packed); length++)
		assert_false(certificate_names_read(
			span_first(buf_span(&packed), length), arena, &got));
	buf_add_byte(&packed, 0);
	assert_false(certificate_names_read(buf_span(&packed), arena, &got));
	buf_fini(&packed);
	arena_free(&arena);
}

static void
equal_are_the_same_in_the_same_order(void **state)
{
	struct arena *arena = arena_new(0);
	struct certificate_names copy = certificate_names_copy(&names, arena);

	(void)state;
	assert_true(certificate_names_equal(&copy, &names));
	assert_ptr_not_equal(copy.items[0], two[0]);
	assert_false(certificate_names_equal(
		&names, &(const struct certificate_names){ others, 2 }));
	assert_false(
		certificate_names_equal(&names, &(const struct certificate_names){ two, 1 }));
	assert_false(certificate_names_equal(&none, &names));
	assert_true(certificate_names_equal(&none, &none));
	arena_free(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(equal_are_the_same_in_the_same_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
