/* SPDX-License-Identifier: BSD-2-Clause */
/* What goes out: one send a turn, water marks, the cap, and parts of files. */
#include "stream_peer_fixture.h"

#include "base/memory.h"

#include <stdio.h>

/* --- output */

static void
reply_to_each_line(struct owner *self)
{
	struct span line;

	while (stream_read_line(self->stream, 512, &line) == STREAM_LINE_DONE)
		stream_printf(self->stream, "250 %.*s\r\n", SPAN_PRINT(line));
	loop_stop(self->loop);
}

static void
replies_of_one_turn_are_one_send(void **state)
{
	int fds[2];
	char text[256];

	(void)state;
	/* A socket that keeps messages apart shows how many sends there were. */
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds), 0);
	owner_fini(&owner);
	owner_init(&owner, loop, fds[0]);
	owner.on_input = reply_to_each_line;
	peer_write(fds[1], SPAN_LITERAL("a\r\nb\r\nc\r\n"));
	fixture_run(loop);
	assert_true(peer_read(fds[1], text, sizeof text) > 0);
	assert_string_equal(text, "250 a\r\n250 b\r\n250 c\r\n");
	assert_int_equal(peer_read(fds[1], text, sizeof text), 0);
	assert_int_equal(stream_bytes_out(owner.stream), 21);
	close(fds[1]);
}

static void
flush_sends_at_once(void **state)
{
	char text[64];

	(void)state;
	assert_true(stream_write(owner.stream, SPAN_LITERAL("220 hello\r\n")));
	assert_int_equal(peer_read(peer, text, sizeof text), 0);
	assert_int_equal(stream_waiting(owner.stream), 11);
	stream_flush(owner.stream);
	peer_read(peer, text, sizeof text);
	assert_string_equal(text, "220 hello\r\n");
	assert_int_equal(stream_waiting(owner.stream), 0);
}

static void
long_printf(void **state)
{
	char word[3000];
	char text[4096];

	(void)state;
	memset(word, 'w', sizeof word - 1);
	word[sizeof word - 1] = '\0';
	assert_true(stream_printf(owner.stream, "<%s>", word));
	stream_flush(owner.stream);
	assert_int_equal(peer_read(peer, text, sizeof text), 3001);
}

static void
drain_peer(size_t bytes)
{
	char text[65536];
	size_t total = 0;

	while (total < bytes) {
		size_t got = peer_read(peer, text, sizeof text);

		total += got;
		if (!got)
			fixture_run_for(loop, 1);
	}
}

static void
water_marks(void **state)
{
	char *bytes = mem_alloc(512 * 1024);

	(void)state;
	assert_false(stream_is_full(owner.stream));
	assert_true(stream_write(owner.stream, span_of(bytes, 600 * 1024 - 512 * 1024)));
	assert_true(stream_write(owner.stream, span_of(bytes, 512 * 1024)));
	assert_true(stream_is_full(owner.stream));
	fixture_run_for(loop, 5);
	assert_int_equal(owner.drained, 0);
	drain_peer(600 * 1024);
	fixture_run_for(loop, 5);
	assert_int_equal(owner.drained, 1);
	assert_int_equal(stream_waiting(owner.stream), 0);
	mem_free(&bytes);
}

static void
output_beyond_the_cap_ends_it(void **state)
{
	char *bytes = mem_alloc(1024 * 1024);

	(void)state;
	assert_true(stream_write(owner.stream, span_of(bytes, 1024 * 1024)));
	assert_false(stream_write(owner.stream, span_of(bytes, 1)));
	assert_false(owner.closed);
	run_until_closed();
	assert_int_equal(owner.end, STREAM_END_OVERFLOW);
	assert_false(stream_write(owner.stream, SPAN_LITERAL("x")));
	mem_free(&bytes);
}

/* --- files */

enum { FILE_BYTES = 3 * 1024 * 1024 };

static int sent_whole;

static void
on_sent(struct stream *stream, bool whole, void *context)
{
	(void)stream;
	(void)context;
	sent_whole = whole;
	stream_write(owner.stream, SPAN_LITERAL(".\r\n"));
}

static int
make_file(char *bytes)
{
	FILE *file = tmpfile();
	int fd;

	assert_non_null(file);
	for (size_t i = 0; i < FILE_BYTES; i++)
		bytes[i] = (char)(i * 31 + i / 1021);
	assert_int_equal(fwrite(bytes, 1, FILE_BYTES, file), FILE_BYTES);
	assert_int_equal(fflush(file), 0);
	fd = dup(fileno(file));
	fclose(file);
	return fd;
}

static void
double_it(struct stream *stream, struct span piece, void *context)
{
	(void)context;
	stream_write(stream, piece);
	stream_write(stream, piece);
}

static void
collect(struct buf *to, size_t bytes)
{
	char text[65536];

	while (buf_length(to) < bytes) {
		size_t got = peer_read(peer, text, sizeof text);

		buf_add(to, text, got);
		if (!got)
			fixture_run_for(loop, 1);
	}
}

static void
file_region_goes_out(void **state)
{
	char *bytes = mem_alloc(FILE_BYTES);
	struct buf all = BUF_INIT(0);
	int fd = make_file(bytes);

	(void)state;
	sent_whole = -1;
	stream_write(owner.stream, SPAN_LITERAL("DATA\r\n"));
	stream_send_file(owner.stream, fd, 1000, FILE_BYTES - 2000, NULL, on_sent, NULL);
	collect(&all, 6 + FILE_BYTES - 2000 + 3);
	assert_int_equal(sent_whole, 1);
	assert_int_equal(buf_length(&all), 6 + FILE_BYTES - 2000 + 3);
	assert_memory_equal(buf_span(&all).start + 6, bytes + 1000, FILE_BYTES - 2000);
	assert_int_equal(owner.drained, 0);
	buf_fini(&all);
	close(fd);
	mem_free(&bytes);
}

static void
file_through_a_filter_stays_under_the_cap(void **state)
{
	char *bytes = mem_alloc(FILE_BYTES);
	struct buf all = BUF_INIT(0);
	int fd = make_file(bytes);

	(void)state;
	sent_whole = -1;
	stream_send_file(owner.stream, fd, 0, FILE_BYTES, double_it, on_sent, NULL);
	collect(&all, 2 * FILE_BYTES + 3);
	assert_int_equal(sent_whole, 1);
	assert_false(owner.closed);
	buf_fini(&all);
	close(fd);
	mem_free(&bytes);
}

static void
file_that_is_too_short_is_told(void **state)
{
	char *bytes = mem_alloc(FILE_BYTES);
	struct buf all = BUF_INIT(0);
	int fd = make_file(bytes);

	(void)state;
	sent_whole = -1;
	stream_send_file(owner.stream, fd, FILE_BYTES - 10, 11, NULL, on_sent, NULL);
	collect(&all, 13);
	assert_int_equal(sent_whole, 0);
	buf_fini(&all);
	close(fd);
	mem_free(&bytes);
}

/* --- deadlines and ends */

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(replies_of_one_turn_are_one_send),
		TEST(flush_sends_at_once),
		TEST(long_printf),
		TEST(water_marks),
		TEST(output_beyond_the_cap_ends_it),
		TEST(file_region_goes_out),
		TEST(file_through_a_filter_stays_under_the_cap),
		TEST(file_that_is_too_short_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
