/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes go in behind and come out in front, up to a cap; secrets are wiped as they go. */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/file.h"

static void
queue_of_bytes(void **state)
{
	struct buf buf = BUF_INIT(0);

	(void)state;
	for (int i = 0; i < 1000; i++) {
		assert_true(buf_printf(&buf, "%03d", i));
		if (i % 2)
			buf_consume(&buf, 3);
	}
	assert_int_equal(buf_length(&buf), 1500);
	assert_true(span_starts(buf_span(&buf), "500501"));
	buf_truncate(&buf, 6);
	assert_string_equal(buf_text(&buf), "500501");
	buf_consume(&buf, 6);
	buf_release(&buf);
	assert_null(buf.bytes);
	buf_fini(&buf);
}

static void
cap(void **state)
{
	struct buf buf = BUF_INIT(4);

	(void)state;
	assert_true(buf_add_text(&buf, "abcd"));
	assert_false(buf_add_byte(&buf, 'e'));
	assert_true(buf.overflow);
	assert_span_equal(buf_span(&buf), "abcd");
	buf_consume(&buf, 2);
	assert_int_equal(buf_room(&buf), 2);
	assert_false(buf_printf(&buf, "%s", "xyz"));
	assert_span_equal(buf_span(&buf), "cd");
	buf_clear(&buf);
	assert_false(buf.overflow);
	assert_null(buf_reserve(&buf, 5));
	buf_fini(&buf);
	/* Nothing is no overflow. */
	assert_non_null(buf_reserve(&buf, 0));
	buf_fini(&buf);
}

static void
secrets_consumed(void **state)
{
	struct buf buf = BUF_INIT(0);

	(void)state;
	buf_consume_secret(&buf, 0);
	buf_add_text(&buf, "open secret open");
	buf_consume(&buf, 5);
	buf_consume_secret(&buf, 6);
	assert_span_equal(buf_span(&buf), " open");
	assert_memory_equal(buf.bytes, "open \0\0\0\0\0\0 open", 16);
	buf_consume_secret(&buf, 5);
	assert_int_equal(buf_length(&buf), 0);
	assert_memory_equal(buf.bytes, "open \0\0\0\0\0\0\0\0\0\0\0", 16);
	buf_fini(&buf);
}

static void
long_printf(void **state)
{
	struct buf buf = BUF_INIT(0);
	char text[2000];

	(void)state;
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	assert_true(buf_printf(&buf, "<%s>", text));
	assert_int_equal(buf_length(&buf), sizeof text + 1);
	assert_int_equal(buf_span(&buf).start[buf_length(&buf) - 1], '>');
	buf_fini(&buf);
}

static void
whole_files(void **state)
{
	char name[] = "/tmp/sallyport-file-XXXXXX";
	int fd = mkstemp(name);
	struct buf buf = BUF_INIT(0);
	char text[10000];

	(void)state;
	unlink(name);
	memset(text, 'x', sizeof text);
	assert_int_equal(write(fd, text, sizeof text), sizeof text);
	lseek(fd, 0, SEEK_SET);
	assert_true(file_read_all(fd, &buf));
	assert_int_equal(buf_length(&buf), sizeof text);
	buf_fini(&buf);
	buf_init(&buf, sizeof text);
	lseek(fd, 0, SEEK_SET);
	assert_true(file_read_all(fd, &buf));
	buf_fini(&buf);
	buf_init(&buf, sizeof text - 1);
	lseek(fd, 0, SEEK_SET);
	assert_false(file_read_all(fd, &buf));
	assert_int_equal(errno, EFBIG);
	close(fd);
	assert_false(file_read_all(fd, &buf));
	buf_fini(&buf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(queue_of_bytes),
		cmocka_unit_test(cap),
		cmocka_unit_test(secrets_consumed),
		cmocka_unit_test(long_printf),
		cmocka_unit_test(whole_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
