/* SPDX-License-Identifier: BSD-2-Clause */
/* A call that waits: answers, late ones, wrong ones, and nobody there. */
#include "unit.h"

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc/frame.h"
#include "ipc/sync_call.h"

enum { WAIT_MS = 5000 };

/* Answers every SIGN with its content twice, as a keys thread would; REFUSED for the rest. */
static void *
answerer(void *context)
{
	int fd = *(int *)context;
	struct buf content = BUF_INIT(0);
	struct buf twice = BUF_INIT(0);
	struct fault fault = FAULT_INIT;
	enum message_id id;

	while (sync_call_wait(fd, &id, &content, &fault)) {
		buf_clear(&twice);
		buf_add_span(&twice, buf_span(&content));
		buf_add_span(&twice, buf_span(&content));
		sync_call_answer(fd, id == MSG_SIGN ? MSG_SIGNED : MSG_REFUSED, buf_span(&twice),
			&fault);
	}
	buf_fini(&content);
	buf_fini(&twice);
	return NULL;
}

static void
ask_and_answer(void **state)
{
	struct fault fault = FAULT_INIT;
	struct buf content = BUF_INIT(0);
	enum message_id id;
	pthread_t thread;
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	assert_int_equal(pthread_create(&thread, NULL, answerer, &fds[1]), 0);
	for (int i = 0; i < 100; i++) {
		assert_true(sync_call_ask(fds[0], MSG_SIGN, span_text("hash"), WAIT_MS, &id,
			&content, &fault));
		assert_int_equal(id, MSG_SIGNED);
		assert_span_equal(buf_span(&content), "hashhash");
	}
	assert_true(sync_call_ask(fds[0], MSG_DIAL, SPAN_EMPTY, WAIT_MS, &id, &content, &fault));
	assert_int_equal(id, MSG_REFUSED);
	shutdown(fds[0], SHUT_RDWR);
	pthread_join(thread, NULL);
	close(fds[0]);
	close(fds[1]);
	buf_fini(&content);
}

static void
too_late_and_gone(void **state)
{
	struct fault fault = FAULT_INIT;
	struct buf content = BUF_INIT(0);
	enum message_id id;
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_false(sync_call_ask(fds[0], MSG_SIGN, SPAN_EMPTY, 20, &id, &content, &fault));
	assert_int_equal(fault.kind, FAULT_LIMIT);
	close(fds[1]);
	assert_false(sync_call_ask(fds[0], MSG_SIGN, SPAN_EMPTY, WAIT_MS, &id, &content, &fault));
	assert_false(sync_call_wait(fds[0], &id, &content, &fault));
	close(fds[0]);
	buf_fini(&content);
}

static const struct {
	unsigned id;
	unsigned flags;
	uint32_t request;
	size_t length;
} wrong[] = {
	{ MSG_SIGNED, FRAME_ASKS, 1, 0 },
	{ MSG_SIGNED, 0, 0, 0 },
	{ MSG_SIGNED, FRAME_ANSWERS, 2, 0 },
	{ MESSAGE_COUNT, FRAME_ANSWERS, 1, 0 },
	{ MSG_SIGNED, FRAME_ANSWERS, 1, IPC_SHORT_MAX_BYTES + 1 },
};

static void
wrong_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		struct frame frame = { (enum message_id)wrong[i].id, wrong[i].flags,
			wrong[i].request, { NULL, wrong[i].length } };
		struct fault fault = FAULT_INIT;
		struct buf content = BUF_INIT(0);
		struct buf bytes = BUF_INIT(0);
		enum message_id id;
		int fds[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
		frame_pack_head(&bytes, &frame);
		assert_int_equal(write(fds[1], bytes.bytes, buf_length(&bytes)),
			(ssize_t)buf_length(&bytes));
		assert_false(sync_call_ask(fds[0], MSG_SIGN, SPAN_EMPTY, WAIT_MS, &id, &content,
			&fault));
		assert_int_equal(fault.kind, FAULT_PEER);
		close(fds[0]);
		close(fds[1]);
		buf_fini(&bytes);
		buf_fini(&content);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ask_and_answer),
		cmocka_unit_test(too_late_and_gone),
		cmocka_unit_test(wrong_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
