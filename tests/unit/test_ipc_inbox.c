/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages come out of pieces of any size, with the descriptors that are theirs. */
#include "unit.h"

#include <sys/socket.h>
#include <unistd.h>

#include "ipc/inbox.h"
#include "ipc/outbox.h"

#define SMTP ROLE_BIT(ROLE_SMTP)
#define AUTH ROLE_BIT(ROLE_AUTH)

static int fds[2];
static struct inbox *inbox;

static int
set_up(void **state)
{
	(void)state;
	inbox = inbox_new(SMTP, AUTH);
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds);
}

static int
tear_down(void **state)
{
	(void)state;
	inbox_free(&inbox);
	close(fds[0]);
	close(fds[1]);
	return 0;
}

static void
send_step(const char *text, size_t length)
{
	struct frame frame = { MSG_LOGIN_STEP, 0, 0, { text, length } };
	struct buf bytes = BUF_INIT(0);

	frame_pack_head(&bytes, &frame);
	buf_add(&bytes, text, length);
	assert_int_equal(send(fds[1], bytes.bytes, buf_length(&bytes), 0),
		(ssize_t)buf_length(&bytes));
	buf_fini(&bytes);
}

static void
frames_and_nothing_else(void **state)
{
	struct fault fault = FAULT_INIT;
	struct frame frame;
	int fd;

	(void)state;
	assert_int_equal(inbox_read(inbox, fds[0], &fault), INBOX_MORE);
	send_step("one", 3);
	send_step("two", 3);
	assert_int_equal(inbox_read(inbox, fds[0], &fault), INBOX_DONE);
	assert_false(inbox_has_more(inbox));
	assert_int_equal(inbox_next(inbox, &frame, &fd, &fault), INBOX_DONE);
	assert_span_equal(frame.content, "one");
	assert_int_equal(fd, -1);
	inbox_finish(inbox);
	/* What is here is not read again. */
	send_step("three", 5);
	assert_int_equal(inbox_read(inbox, fds[0], &fault), INBOX_DONE);
	assert_int_equal(inbox_next(inbox, &frame, &fd, &fault), INBOX_DONE);
	assert_span_equal(frame.content, "two");
	inbox_finish(inbox);
	assert_int_equal(inbox_next(inbox, &frame, &fd, &fault), INBOX_MORE);
	assert_int_equal(inbox_read(inbox, fds[0], &fault), INBOX_DONE);
	assert_int_equal(inbox_next(inbox, &frame, &fd, &fault), INBOX_DONE);
	assert_span_equal(frame.content, "three");
	inbox_finish(inbox);
	shutdown(fds[1], SHUT_WR);
	assert_int_equal(inbox_read(inbox, fds[0], &fault), INBOX_END);
}

/* A password that was read must not stay in the buffer it passed. */
static void
secrets_are_wiped(void **state)
{
	struct fault fault = FAULT_INIT;
	struct frame frame;
	const char *place;
	int fd;

	(void)state;
	send_step("correct horse", 13);
	assert_int_equal(inbox_read(inbox, fds[0], &fault), INBOX_DONE);
	assert_int_equal(inbox_next(inbox, &frame, &fd, &fault), INBOX_DONE);
	assert_span_equal(frame.content, "correct horse");
	place = frame.content.start;
	inbox_finish(inbox);
	for (size_t i = 0; i < 13; i++)
		assert_int_equal(place[i], 0);
}

static void
large_ones_need_room_once(void **state)
{
	static char text[IPC_SASL_MAX_BYTES];
	struct fault fault = FAULT_INIT;
	struct frame frame;
	unsigned reads = 0;
	int fd;

	(void)state;
	memset(text, 'x', sizeof text);
	for (int i = 0; i < 8; i++)
		send_step(text, sizeof text);
	for (int i = 0; i < 8; i++) {
		while (inbox_read(inbox, fds[0], &fault) == INBOX_MORE)
			reads++;
		assert_int_equal(inbox_next(inbox, &frame, &fd, &fault), INBOX_DONE);
		assert_int_equal(frame.content.length, sizeof text);
		inbox_finish(inbox);
	}
	assert_true(reads < 8);
}

static void
refused_and_cut_off(void **state)
{
	struct frame wrong = { MSG_COMMIT, 0, 0, { NULL, 0 } };
	struct fault fault = FAULT_INIT;
	struct buf bytes = BUF_INIT(0);

	(void)state;
	frame_pack_head(&bytes, &wrong);
	send(fds[1], bytes.bytes, buf_length(&bytes), 0);
	assert_int_equal(inbox_read(inbox, fds[0], &fault), INBOX_BAD);
	assert_non_null(strstr(fault.text, "COMMIT from the wrong role"));
	inbox_free(&inbox);
	inbox = inbox_new(SMTP, AUTH);
	send(fds[1], "\0\0", 2, 0);
	shutdown(fds[1], SHUT_WR);
	assert_int_equal(inbox_read(inbox, fds[0], &fault), INBOX_MORE);
	assert_int_equal(inbox_read(inbox, fds[0], &fault), INBOX_BAD);
	assert_int_equal(fault.kind, FAULT_PEER);
	buf_fini(&bytes);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(frames_and_nothing_else),
		CASE(secrets_are_wiped),
		CASE(large_ones_need_room_once),
		CASE(refused_and_cut_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
