/* SPDX-License-Identifier: BSD-2-Clause */
/* Structs become bytes and are the same again; torn and strange bytes are refused. */
#include "unit.h"

#include "base/pack.h"

static void
fill(struct buf *buf)
{
	pack_u8(buf, 200);
	pack_u16(buf, 0x1234);
	pack_u32(buf, 0xdeadbeef);
	pack_u64(buf, 0x0123456789abcdef);
	pack_bool(buf, true);
	pack_span(buf, SPAN_LITERAL("a\0b"));
	pack_text(buf, NULL);
	pack_count(buf, 2);
	pack_text(buf, "one");
	pack_text(buf, "two");
}

static bool
drain(struct span bytes, struct arena *arena)
{
	struct unpack from = unpack_start(bytes);
	bool same = unpack_u8(&from) == 200;

	same &= unpack_u16(&from) == 0x1234;
	same &= unpack_u32(&from) == 0xdeadbeef;
	same &= unpack_u64(&from) == 0x0123456789abcdef;
	same &= unpack_bool(&from);
	same &= span_equal(unpack_span(&from, 3), SPAN_LITERAL("a\0b"));
	same &= strcmp(unpack_text(&from, 10, arena), "") == 0;
	same &= unpack_count(&from, 2) == 2;
	same &= strcmp(unpack_text(&from, 10, arena), "one") == 0;
	same &= strcmp(unpack_text(&from, 10, arena), "two") == 0;
	return unpack_done(&from) && same;
}

static void
there_and_back(void **state)
{
	struct arena *arena = arena_new(0);
	struct buf buf = BUF_INIT(0);

	(void)state;
	fill(&buf);
	assert_true(drain(buf_span(&buf), arena));
	/* Every shorter form is bad, and so is one byte too many. */
	for (size_t length = 0; length < buf_length(&buf); length++)
		assert_false(drain(span_first(buf_span(&buf), length), arena));
	buf_add_byte(&buf, 0);
	assert_false(drain(buf_span(&buf), arena));
	buf_fini(&buf);
	arena_free(&arena);
}

static void
refused(void **state)
{
	struct arena *arena = arena_new(0);
	struct unpack from;

	(void)state;
	from = unpack_start(SPAN_LITERAL("\0\0\0\4abcd"));
	assert_int_equal(unpack_span(&from, 3).length, 0);
	assert_true(from.bad);
	from = unpack_start(SPAN_LITERAL("\0\0\0\3a\0b"));
	assert_string_equal(unpack_text(&from, 3, arena), "");
	assert_true(from.bad);
	from = unpack_start(SPAN_LITERAL("\2"));
	assert_false(unpack_bool(&from));
	assert_true(from.bad);
	from = unpack_start(SPAN_LITERAL("\0\0\0\5abcd"));
	assert_int_equal(unpack_count(&from, 100), 0);
	assert_true(from.bad);
	from = unpack_start(SPAN_LITERAL("\xff\xff\xff\xff"));
	assert_int_equal(unpack_span(&from, SIZE_MAX).length, 0);
	assert_false(unpack_done(&from));
	arena_free(&arena);
}

static void
overflow_is_sticky(void **state)
{
	struct buf buf = BUF_INIT(8);

	(void)state;
	pack_u64(&buf, 1);
	assert_false(buf.overflow);
	pack_u8(&buf, 1);
	assert_true(buf.overflow);
	buf_fini(&buf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(refused),
		cmocka_unit_test(overflow_is_sticky),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
