/* SPDX-License-Identifier: BSD-2-Clause */
/* Streams in clear: lines, caps, pauses, water marks, files, deadlines, and how they end. */
#include "stream_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

static struct loop *loop;
static struct owner owner;
static int peer;

static int
set_up(void **state)
{
	int fds[2];

	(void)state;
	loop = loop_new();
	assert_true(sock_pair(fds, NULL));
	owner_init(&owner, loop, fds[0]);
	peer = fds[1];
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	owner_fini(&owner);
	sock_close(&peer);
	loop_free(&loop);
	return 0;
}

static void
run_until_taken(size_t bytes)
{
	owner.stop_at = bytes;
	while (buf_length(&owner.got) < bytes && !owner.closed)
		fixture_run(loop);
}

static void
run_until_closed(void)
{
	while (!owner.closed)
		fixture_run(loop);
}

/* --- lines */

struct line_case {
	const char *text;
	const char *wanted; /* each line in <>, a long one as !, what is left behind | */
	size_t max;
};

static const struct line_case *line_case;

static void
take_lines(struct owner *self)
{
	struct span line;

	for (;;) {
		switch (stream_read_line(self->stream, line_case->max, &line)) {
		case STREAM_LINE_DONE:
			buf_add_text(&self->got, "<");
			buf_add_span(&self->got, line);
			buf_add_text(&self->got, ">");
			break;
		case STREAM_LINE_LONG:
			buf_add_text(&self->got, "!");
			if (!stream_skip_line(self->stream)) {
				/* The test feeds it all; what is left of the line comes later. */
				buf_add_text(&self->got, "~");
				return;
			}
			break;
		case STREAM_LINE_MORE:
		default:
			return;
		}
	}
}

static void
check_lines(const struct line_case *one, bool trickle)
{
	struct span text = span_text(one->text);
	struct span left;

	tear_down(NULL);
	set_up(NULL);
	line_case = one;
	owner.on_input = take_lines;
	if (!trickle)
		peer_write(peer, text);
	for (size_t i = 0; trickle && i < text.length; i++) {
		peer_write(peer, span_first(span_from(text, i), 1));
		fixture_run_for(loop, 1);
	}
	if (!trickle)
		fixture_run_for(loop, 2);
	buf_add_text(&owner.got, "|");
	left = stream_peek(owner.stream);
	buf_add_span(&owner.got, left);
	if (!span_is(buf_span(&owner.got), one->wanted))
		fail_msg("\"%s\": %s instead of %s", one->text, buf_text(&owner.got), one->wanted);
}

static void
lines(void **state)
{
	static const struct line_case cases[] = {
		{ "EHLO x\r\n", "<EHLO x>|", 512 },
		{ "a\r\nb\r\n\r\nc", "<a><b><>|c", 512 },
		{ "a\nb\r\n", "<a\nb>|", 512 },
		{ "a\rb\r\n", "<a\rb>|", 512 },
		{ "a\r\r\n", "<a\r>|", 512 },
		{ "a\n\r\n", "<a\n>|", 512 },
		{ "\r\n", "<>|", 512 },
		{ "\r", "|\r", 512 },
		{ "\n", "|\n", 512 },
		{ "12345\r\n", "<12345>|", 7 },
		{ "123\r\n1234\r\n", "<123><1234>|", 7 },
	};
	static const struct line_case long_cases[] = {
		{ "123456\r\n12345\r\n", "!<12345>|", 7 },
		{ "123456789012\r\n1\r\n", "!<1>|", 7 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		check_lines(&cases[i], false);
		check_lines(&cases[i], true);
	}
	for (size_t i = 0; i < sizeof long_cases / sizeof *long_cases; i++)
		check_lines(&long_cases[i], false);
}

static void
long_line_is_told_apart_and_skipped(void **state)
{
	static const struct line_case one = { "", "", 8 };
	struct span line;

	(void)state;
	line_case = &one;
	stream_pause(owner.stream);
	peer_write(peer, SPAN_LITERAL("12345678"));
	stream_resume(owner.stream);
	owner.on_input = take_lines;
	fixture_run_for(loop, 2);
	assert_span_equal(buf_span(&owner.got), "!~");
	/* Its end comes in two halves. */
	stream_pause(owner.stream);
	peer_write(peer, SPAN_LITERAL("9\r"));
	fixture_run_for(loop, 2);
	stream_resume(owner.stream);
	fixture_run_for(loop, 2);
	assert_false(stream_skip_line(owner.stream));
	stream_pause(owner.stream);
	peer_write(peer, SPAN_LITERAL("\nnext\r\n"));
	owner.on_input = NULL;
	buf_clear(&owner.got);
	stream_resume(owner.stream);
	fixture_run_for(loop, 2);
	assert_int_equal(stream_read_line(owner.stream, 8, &line), STREAM_LINE_MORE);
	assert_span_equal(buf_span(&owner.got), "\r\nnext\r\n");
}

static void
take_fours(struct owner *self)
{
	struct span bytes;

	while (stream_read_exact(self->stream, 4, &bytes)) {
		buf_add_span(&self->got, bytes);
		buf_add_text(&self->got, "/");
	}
}

static void
exact_reads(void **state)
{
	(void)state;
	owner.on_input = take_fours;
	peer_write(peer, SPAN_LITERAL("abcdefg"));
	run_until_taken(5);
	assert_span_equal(stream_peek(owner.stream), "efg");
	peer_write(peer, SPAN_LITERAL("h"));
	run_until_taken(10);
	assert_span_equal(buf_span(&owner.got), "abcd/efgh/");
	assert_int_equal(stream_bytes_in(owner.stream), 8);
}

/* --- pauses and caps */

static void
pause_after_first_line(struct owner *self)
{
	struct span line;

	if (stream_read_line(self->stream, 512, &line) == STREAM_LINE_DONE) {
		buf_add_span(&self->got, line);
		stream_pause(self->stream);
		loop_stop(self->loop);
	}
}

static void
pause_holds_input_and_the_end_back(void **state)
{
	(void)state;
	owner.on_input = pause_after_first_line;
	peer_write(peer, SPAN_LITERAL("one\r\ntwo\r\nthree\r\n"));
	sock_close(&peer);
	fixture_run(loop);
	fixture_run_for(loop, 5);
	assert_span_equal(buf_span(&owner.got), "one");
	assert_int_equal(owner.inputs, 1);
	stream_resume(owner.stream);
	assert_int_equal(owner.inputs, 1);
	fixture_run(loop);
	assert_span_equal(buf_span(&owner.got), "onetwo");
	stream_resume(owner.stream);
	fixture_run(loop);
	assert_false(owner.closed);
	stream_resume(owner.stream);
	run_until_closed();
	assert_span_equal(buf_span(&owner.got), "onetwothree");
	assert_int_equal(owner.end, STREAM_END_PEER);
	assert_int_equal(owner.left, 0);
}

static void
take_nothing(struct owner *self)
{
	(void)self;
}

static void
input_beyond_the_cap_ends_it(void **state)
{
	char bytes[4096];

	(void)state;
	memset(bytes, 'x', sizeof bytes);
	owner.on_input = take_nothing;
	peer_write(peer, span_of(bytes, 4095));
	fixture_run_for(loop, 5);
	assert_false(owner.closed);
	peer_write(peer, span_of(bytes, 1));
	run_until_closed();
	assert_int_equal(owner.end, STREAM_END_OVERFLOW);
	assert_int_equal(owner.left, 4096);
}

static void
end_in_mid_sentence_shows_what_is_left(void **state)
{
	(void)state;
	owner.on_input = take_nothing;
	peer_write(peer, SPAN_LITERAL("QUI"));
	sock_close(&peer);
	run_until_closed();
	assert_int_equal(owner.end, STREAM_END_PEER);
	assert_int_equal(owner.left, 3);
}

static void
input_larger_than_the_scratch(void **state)
{
	static const struct stream_limits large = { .input_max_bytes = 300000,
		.output_max_bytes = 1024, .output_high_bytes = 512 };
	char *sent = mem_alloc(250000);
	size_t done = 0;

	(void)state;
	for (size_t i = 0; i < 250000; i++)
		sent[i] = (char)(i * 7 + i / 251);
	stream_set_owner(owner.stream, &owner_hooks, &large, &owner);
	owner.on_input = take_nothing;
	while (done < 250000) {
		ssize_t now = send(peer, sent + done, 250000 - done, MSG_DONTWAIT);

		if (now > 0)
			done += (size_t)now;
		fixture_run_for(loop, 1);
	}
	fixture_run_for(loop, 5);
	assert_int_equal(stream_peek(owner.stream).length, 250000);
	assert_memory_equal(stream_peek(owner.stream).start, sent, 250000);
	mem_free(&sent);
}

static void
wipe_a_line(struct owner *self)
{
	struct span line;
	struct span bytes;

	assert_int_equal(stream_read_line(self->stream, 512, &line), STREAM_LINE_DONE);
	bytes = line;
	stream_wipe(self->stream);
	for (size_t i = 0; i < bytes.length; i++)
		assert_int_equal(bytes.start[i], 0);
	buf_add_span(&self->got, stream_peek(self->stream));
	stream_pause(self->stream);
	loop_stop(self->loop);
}

static void
consumed_input_can_be_wiped(void **state)
{
	(void)state;
	/* In the scratch, and in the stream's own buffer. */
	owner.on_input = wipe_a_line;
	peer_write(peer, SPAN_LITERAL("c2VjcmV0\r\nbW9yZQ==\r\n"));
	fixture_run(loop);
	assert_span_equal(buf_span(&owner.got), "bW9yZQ==\r\n");
	stream_resume(owner.stream);
	fixture_run(loop);
	assert_int_equal(owner.inputs, 2);
	assert_span_equal(buf_span(&owner.got), "bW9yZQ==\r\n");
}

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

static void
deadline_without_a_word(void **state)
{
	(void)state;
	stream_deadline(owner.stream, 20);
	run_until_closed();
	assert_int_equal(owner.end, STREAM_END_DEADLINE);
	assert_true(peer_sees_end(peer));
}

static void
deadline_with_a_word(void **state)
{
	char text[64];

	(void)state;
	stream_set_owner(owner.stream, &owner_hooks_with_deadline, &fixture_limits, &owner);
	stream_deadline(owner.stream, 20);
	fixture_run_for(loop, 60);
	assert_int_equal(owner.late, 1);
	peer_read(peer, text, sizeof text);
	assert_string_equal(text, "421 late\r\n");
	assert_true(peer_sees_end(peer));
	sock_close(&peer);
	run_until_closed();
	assert_int_equal(owner.end, STREAM_END_LOCAL);
}

static void
deadline_can_be_taken_back(void **state)
{
	(void)state;
	stream_deadline(owner.stream, 10);
	stream_deadline(owner.stream, 0);
	fixture_run_for(loop, 30);
	assert_false(owner.closed);
}

static void
close_flushes_and_waits_for_the_peer(void **state)
{
	char text[64];

	(void)state;
	stream_write(owner.stream, SPAN_LITERAL("221 bye\r\n"));
	stream_close(owner.stream);
	assert_true(stream_is_closing(owner.stream));
	assert_false(stream_write(owner.stream, SPAN_LITERAL("more")));
	fixture_run_for(loop, 5);
	assert_false(owner.closed);
	peer_read(peer, text, sizeof text);
	assert_string_equal(text, "221 bye\r\n");
	assert_true(peer_sees_end(peer));
	/* Whatever the peer still says is thrown away, and shown to nobody. */
	peer_write(peer, SPAN_LITERAL("NOOP\r\n"));
	fixture_run_for(loop, 5);
	assert_int_equal(owner.inputs, 0);
	sock_close(&peer);
	run_until_closed();
	assert_int_equal(owner.end, STREAM_END_LOCAL);
}

static void
linger_is_bounded(void **state)
{
	uint64_t begin = loop_now_ms(loop);

	(void)state;
	stream_close(owner.stream);
	run_until_closed();
	assert_in_range(loop_now_ms(loop) - begin, 450, 2000);
	assert_int_equal(owner.end, STREAM_END_LOCAL);
}

static void
abort_tells_at_the_end_of_the_turn(void **state)
{
	(void)state;
	stream_write(owner.stream, SPAN_LITERAL("never sent"));
	stream_abort(owner.stream);
	assert_false(owner.closed);
	run_until_closed();
	assert_int_equal(owner.end, STREAM_END_LOCAL);
}

static void
free_in_input(struct owner *self)
{
	stream_free(&self->stream);
	loop_stop(self->loop);
}

static void
free_in_a_callback(void **state)
{
	(void)state;
	owner.on_input = free_in_input;
	peer_write(peer, SPAN_LITERAL("x"));
	fixture_run(loop);
	assert_null(owner.stream);
	fixture_run_for(loop, 5);
	assert_false(owner.closed);
	assert_true(peer_sees_end(peer));
}

static void
answer_and_leave_unanswered(struct owner *self)
{
	owner_take_all(self);
	stream_write(self->stream, SPAN_LITERAL("250 taken\r\n"));
}

static void
last_words_before_fin_are_answered(void **state)
{
	char text[64];

	(void)state;
	owner.on_input = answer_and_leave_unanswered;
	peer_write(peer, SPAN_LITERAL("QUIT\r\n"));
	shutdown(peer, SHUT_WR);
	run_until_closed();
	assert_int_equal(owner.end, STREAM_END_PEER);
	peer_read(peer, text, sizeof text);
	assert_string_equal(text, "250 taken\r\n");
}

static void
connect_over_tcp(int fds[2])
{
	struct sock_address address;
	int listening;

	assert_true(sock_address_parse(SPAN_LITERAL("127.0.0.1:0"), &address, NULL));
	listening = sock_listen(&address, NULL);
	assert_true(sock_local(listening, &address));
	fds[1] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fds[1], &address.of.any, address.length), 0);
	fds[0] = accept4(listening, NULL, NULL, SOCK_NONBLOCK);
	assert_true(fds[0] >= 0);
	close(listening);
}

static void
reset(int fd)
{
	struct linger now = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	close(fd);
}

static void
reset_is_told_apart(void **state)
{
	int fds[2];

	(void)state;
	connect_over_tcp(fds);
	owner_fini(&owner);
	owner_init(&owner, loop, fds[0]);
	reset(fds[1]);
	run_until_closed();
	assert_int_equal(owner.end, STREAM_END_RESET);
	assert_non_null(strstr(owner.fault.text, "connection lost: "));
}

static void
last_words_are_read_although_sending_fails(void **state)
{
	int fds[2];

	(void)state;
	connect_over_tcp(fds);
	owner_fini(&owner);
	owner_init(&owner, loop, fds[0]);
	peer_write(fds[1], SPAN_LITERAL("421 go away\r\n"));
	reset(fds[1]);
	/* The reset has arrived by now, but what we write is the first to notice. */
	stream_write(owner.stream, SPAN_LITERAL("MAIL FROM:<>\r\n"));
	stream_flush(owner.stream);
	run_until_closed();
	assert_int_equal(owner.end, STREAM_END_RESET);
	assert_span_equal(buf_span(&owner.got), "421 go away\r\n");
}

static void
pass_on(struct owner *self)
{
	struct span line;

	assert_int_equal(stream_read_line(self->stream, 512, &line), STREAM_LINE_DONE);
	self->on_input = NULL;
	loop_stop(self->loop);
}

static void
new_owner_gets_what_is_left(void **state)
{
	struct owner second = { .loop = loop };

	(void)state;
	owner.on_input = pass_on;
	peer_write(peer, SPAN_LITERAL("login\r\nrest"));
	stream_pause(owner.stream);
	stream_resume(owner.stream);
	fixture_run(loop);
	stream_pause(owner.stream);
	second.stream = owner.stream;
	owner.stream = NULL;
	stream_set_owner(second.stream, &owner_hooks, &fixture_limits, &second);
	second.stop_at = 4;
	stream_resume(second.stream);
	fixture_run(loop);
	assert_span_equal(buf_span(&second.got), "rest");
	owner_fini(&second);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(lines),
		TEST(long_line_is_told_apart_and_skipped),
		TEST(exact_reads),
		TEST(pause_holds_input_and_the_end_back),
		TEST(input_beyond_the_cap_ends_it),
		TEST(end_in_mid_sentence_shows_what_is_left),
		TEST(input_larger_than_the_scratch),
		TEST(consumed_input_can_be_wiped),
		TEST(replies_of_one_turn_are_one_send),
		TEST(flush_sends_at_once),
		TEST(long_printf),
		TEST(water_marks),
		TEST(output_beyond_the_cap_ends_it),
		TEST(file_region_goes_out),
		TEST(file_through_a_filter_stays_under_the_cap),
		TEST(file_that_is_too_short_is_told),
		TEST(deadline_without_a_word),
		TEST(deadline_with_a_word),
		TEST(deadline_can_be_taken_back),
		TEST(close_flushes_and_waits_for_the_peer),
		TEST(linger_is_bounded),
		TEST(abort_tells_at_the_end_of_the_turn),
		TEST(free_in_a_callback),
		TEST(last_words_before_fin_are_answered),
		TEST(reset_is_told_apart),
		TEST(last_words_are_read_although_sending_fails),
		TEST(new_owner_gets_what_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
