/* SPDX-License-Identifier: BSD-2-Clause */
/* What comes in: lines, exact reads, pauses, the cap, and what is left. */
#include "stream_peer_fixture.h"

#include "base/memory.h"

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

/* --- deadlines and ends */

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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
