/* SPDX-License-Identifier: BSD-2-Clause */
/* A channel between two roles: questions, answers, descriptors, room, and the end. */
#include "channel_fixture.h"


#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

static bool
on_answer(void *context, struct channel_message *answer)
{
	struct end *end = context;

	if (!answer) {
		end->unanswered++;
		loop_stop(loop);
		return true;
	}
	end->answers++;
	if (end->keep_fd) {
		end->fd = answer->fd;
		answer->fd = -1;
	}
	loop_stop(loop);
	return !end->more;
}

static void
add(struct buf *content, char last)
{
	buf_add_text(content, "1234567");
	buf_add_byte(content, last);
}

static void
ask_and_answer(void **state)
{
	struct buf content = BUF_INIT(0);

	(void)state;
	add(&content, 1);
	assert_true(channel_ask(smtp.channel, MSG_COMMIT, &content, -1, WAIT_MS, on_answer, &smtp));
	assert_int_equal(buf_length(&content), 0);
	run();
	assert_int_equal(queue.messages, 1);
	assert_true(queue.request != 0);
	assert_true(channel_answer(queue.channel, queue.request, MSG_COMMITTED, NULL, -1));
	run();
	assert_int_equal(smtp.answers, 1);
	/* The question has ended: a second answer is late. */
	assert_true(channel_answer(queue.channel, queue.request, MSG_COMMITTED, NULL, -1));
	assert_true(channel_send(queue.channel, MSG_PRESSURE, NULL, -1));
	run();
	assert_int_equal(smtp.answers, 1);
	assert_int_equal(smtp.messages, 1);
	buf_fini(&content);
}

static void
several_answers_and_a_refusal(void **state)
{
	(void)state;
	smtp.more = true;
	assert_true(channel_ask(smtp.channel, MSG_COMMIT, NULL, -1, 0, on_answer, &smtp));
	run();
	for (unsigned i = 1; i <= 3; i++) {
		channel_refuse(queue.channel, queue.request, 451, "4.3.0", "not now");
		run();
		assert_int_equal(smtp.answers, i);
	}
	smtp.more = false;
	channel_answer(queue.channel, queue.request, MSG_COMMITTED, NULL, -1);
	run();
	channel_answer(queue.channel, queue.request, MSG_COMMITTED, NULL, -1);
	channel_send(queue.channel, MSG_PRESSURE, NULL, -1);
	run();
	assert_int_equal(smtp.answers, 4);
}

static void
deadline_and_forget(void **state)
{
	uint32_t request;

	(void)state;
	assert_true(channel_ask(smtp.channel, MSG_COMMIT, NULL, -1, 20, on_answer, &smtp));
	queue.stop_at = 100;
	run();
	assert_int_equal(smtp.unanswered, 1);
	channel_answer(queue.channel, queue.request, MSG_COMMITTED, NULL, -1);
	request = channel_ask(smtp.channel, MSG_COMMIT, NULL, -1, 20, on_answer, &smtp);
	channel_forget(smtp.channel, request);
	channel_send(queue.channel, MSG_PRESSURE, NULL, -1);
	run();
	assert_int_equal(smtp.answers, 0);
	assert_int_equal(smtp.unanswered, 1);
}

static void
descriptors(void **state)
{
	int fds[2];
	char byte;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	smtp.keep_fd = true;
	assert_true(channel_ask(smtp.channel, MSG_BODY_OPEN, NULL, -1, 0, on_answer, &smtp));
	run();
	/* Between messages without: each must meet its own. */
	channel_send(queue.channel, MSG_PRESSURE, NULL, -1);
	channel_answer(queue.channel, queue.request, MSG_BODY_FILE, NULL, fds[1]);
	channel_send(queue.channel, MSG_PRESSURE, NULL, -1);
	smtp.stop_at = 2;
	run();
	while (smtp.messages < 2)
		run();
	assert_int_equal(smtp.answers, 1);
	assert_true(smtp.fd >= 0);
	assert_true(fcntl(smtp.fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(write(smtp.fd, "x", 1), 1);
	assert_int_equal(read(fds[0], &byte, 1), 1);
	/* Ours was closed when it left. */
	assert_int_equal(fcntl(fds[1], F_GETFD), fds[1] == smtp.fd ? FD_CLOEXEC : -1);
	close(smtp.fd);
	close(fds[0]);
}

/* Thousands, small and large, in one turn: all come, in order, and no read starves the loop. */
static void
many(void **state)
{
	enum { COUNT = 5000 };
	uint64_t sum = 0;

	(void)state;
	queue.stop_at = COUNT;
	for (unsigned i = 0; i < COUNT; i++) {
		struct buf content = BUF_INIT(0);

		if (i % 50 == 0) {
			buf_reserve(&content, 100000);
			memset(content.bytes, 0, 100000);
			buf_claim(&content, 100000);
		}
		add(&content, (char)(i % 251));
		sum += i % 251;
		assert_true(channel_send(smtp.channel, MSG_COMMIT, &content, -1));
		buf_fini(&content);
	}
	run();
	assert_int_equal(queue.messages, COUNT);
	assert_int_equal(queue.sum, sum);
}

static void
quota(void **state)
{
	unsigned sent = 0;

	(void)state;
	for (;;) {
		struct buf content = BUF_INIT(0);
		bool done;

		buf_reserve(&content, IPC_COMMIT_MAX_BYTES);
		buf_claim(&content, IPC_COMMIT_MAX_BYTES);
		done = channel_send(smtp.channel, MSG_COMMIT, &content, -1);
		buf_fini(&content);
		if (!done)
			break;
		sent++;
	}
	assert_int_equal(sent, CHANNEL_QUOTA_BYTES / IPC_COMMIT_MAX_BYTES - 1);
	assert_int_equal(smtp.rooms, 0);
	queue.stop_at = sent;
	run();
	assert_int_equal(smtp.rooms, 1);
	assert_true(channel_is_open(smtp.channel));
}

static void
end_fails_questions(void **state)
{
	(void)state;
	assert_true(channel_ask(smtp.channel, MSG_COMMIT, NULL, -1, 0, on_answer, &smtp));
	run();
	channel_free(&queue.channel);
	while (!smtp.closed)
		run();
	assert_int_equal(smtp.unanswered, 1);
	assert_int_equal(smtp.closed, 1);
	assert_int_equal(smtp.why.kind, FAULT_MISSING);
	assert_false(channel_is_open(smtp.channel));
	assert_false(channel_send(smtp.channel, MSG_COMMIT, NULL, dup(0)));
	assert_false(channel_ask(smtp.channel, MSG_COMMIT, NULL, -1, 0, on_answer, &smtp));
}

static void
bad_content(void **state)
{
	(void)state;
	queue.accept = false;
	channel_send(smtp.channel, MSG_COMMIT, NULL, -1);
	while (!queue.closed || !smtp.closed)
		run();
	assert_int_equal(queue.why.kind, FAULT_PEER);
	assert_non_null(strstr(queue.why.text, "COMMIT"));
}

static void
freed_in_callback(void **state)
{
	(void)state;
	queue.free_in_message = queue.channel;
	channel_send(smtp.channel, MSG_COMMIT, NULL, -1);
	channel_send(smtp.channel, MSG_COMMIT, NULL, -1);
	while (!smtp.closed)
		run();
	assert_int_equal(queue.messages, 1);
	assert_int_equal(queue.closed, 0);
	assert_null(queue.channel);
}

static void
content_over_the_cap_is_not_sent(void **state)
{
	struct buf content = BUF_INIT(0);

	(void)state;
	buf_reserve(&content, 17);
	buf_claim(&content, 17);
	assert_false(channel_send(smtp.channel, MSG_BODY_OPEN, &content, -1));
	assert_true(channel_is_open(smtp.channel));
	buf_fini(&content);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(ask_and_answer),
		CASE(several_answers_and_a_refusal),
		CASE(deadline_and_forget),
		CASE(descriptors),
		CASE(many),
		CASE(quota),
		CASE(end_fails_questions),
		CASE(bad_content),
		CASE(freed_in_callback),
		CASE(content_over_the_cap_is_not_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
