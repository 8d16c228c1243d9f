/* SPDX-License-Identifier: BSD-2-Clause */
/* Streams in clear: deadlines, how they end, and a new owner. */
#include "stream_peer_fixture.h"

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
