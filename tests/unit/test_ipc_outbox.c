/* SPDX-License-Identifier: BSD-2-Clause */
/* What waits to be sent, with its descriptors, through a socket that takes what it likes. */
#include "unit.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc/outbox.h"

static int fds[2];

static int
set_up(void **state)
{
	(void)state;
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds);
}

static int
tear_down(void **state)
{
	(void)state;
	close(fds[0]);
	close(fds[1]);
	return 0;
}

static void
add_text(struct outbox *outbox, enum message_id id, const char *text, int fd, bool secret)
{
	struct frame frame = { .id = id, .flags = fd >= 0 ? FRAME_HAS_FD : 0 };
	struct buf content = BUF_INIT(0);

	buf_add_text(&content, text);
	outbox_add(outbox, &frame, &content, fd, secret);
	assert_int_equal(buf_length(&content), 0);
	buf_fini(&content);
}

static void
several_in_one_send(void **state)
{
	struct outbox *outbox = outbox_new();
	char bytes[256];

	(void)state;
	add_text(outbox, MSG_PRESSURE, "one", -1, false);
	add_text(outbox, MSG_PRESSURE, "three", -1, false);
	assert_int_equal(outbox_size(outbox), 2 * FRAME_HEAD_BYTES + 8);
	assert_int_equal(outbox_flush(outbox, fds[0]), OUTBOX_EMPTY);
	assert_int_equal(outbox_size(outbox), 0);
	assert_int_equal(recv(fds[1], bytes, sizeof bytes, 0), 2 * FRAME_HEAD_BYTES + 8);
	assert_memory_equal(bytes + FRAME_HEAD_BYTES, "one", 3);
	assert_memory_equal(bytes + 2 * FRAME_HEAD_BYTES + 3, "three", 5);
	outbox_free(&outbox);
	assert_null(outbox);
}

static void
a_full_socket(void **state)
{
	struct outbox *outbox = outbox_new();
	struct frame frame = { .id = MSG_COMMIT };
	size_t left = 8 * (FRAME_HEAD_BYTES + 1000000);
	static char bytes[65536];

	(void)state;
	for (int i = 0; i < 8; i++) {
		struct buf content = BUF_INIT(0);

		buf_reserve(&content, 1000000);
		memset(content.bytes, 'a' + i, 1000000);
		buf_claim(&content, 1000000);
		outbox_add(outbox, &frame, &content, -1, i % 2);
		buf_fini(&content);
	}
	while (left > 0) {
		enum outbox_result result = outbox_flush(outbox, fds[0]);
		ssize_t size = recv(fds[1], bytes, sizeof bytes, 0);

		assert_int_equal(result == OUTBOX_EMPTY, outbox_size(outbox) == 0);
		assert_true(size > 0);
		left -= (size_t)size;
	}
	assert_int_equal(recv(fds[1], bytes, sizeof bytes, 0), -1);
	assert_int_equal(bytes[1000], 'h');
	outbox_free(&outbox);
}

/* What a descriptor belongs to begins a send of its own. */
static void
descriptors_begin_a_send(void **state)
{
	struct outbox *outbox = outbox_new();
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(8 * sizeof(int))];
	} control;
	char bytes[256];
	int given[2];

	(void)state;
	add_text(outbox, MSG_PRESSURE, "before", -1, false);
	for (int i = 0; i < 2; i++) {
		given[i] = dup(STDERR_FILENO);
		add_text(outbox, MSG_BODY_FILE, "file", given[i], false);
	}
	add_text(outbox, MSG_PRESSURE, "after", -1, false);
	assert_int_equal(outbox_flush(outbox, fds[0]), OUTBOX_EMPTY);
	assert_int_equal(fcntl(given[0], F_GETFD), -1);
	for (int i = 0; i < 2; i++) {
		struct iovec part = { bytes, sizeof bytes };
		struct msghdr message = { .msg_iov = &part,
			.msg_iovlen = 1,
			.msg_control = &control,
			.msg_controllen = sizeof control };
		ssize_t size = recvmsg(fds[1], &message, 0);
		int fd;

		/* The kernel ends a read behind what brought a descriptor. */
		assert_true(size > 0);
		assert_int_equal(control.head.cmsg_len, CMSG_LEN(sizeof(int)));
		memcpy(&fd, CMSG_DATA(&control.head), sizeof fd);
		close(fd);
		assert_int_equal(size, i == 0 ? 2 * FRAME_HEAD_BYTES + 10
					      : 2 * FRAME_HEAD_BYTES + 9);
	}
	outbox_free(&outbox);
}

static void
nobody_there(void **state)
{
	struct outbox *outbox = outbox_new();
	int fd = dup(STDERR_FILENO);

	(void)state;
	shutdown(fds[1], SHUT_RDWR);
	add_text(outbox, MSG_BODY_FILE, "file", fd, true);
	assert_int_equal(outbox_flush(outbox, fds[0]), OUTBOX_BROKEN);
	outbox_free(&outbox);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(several_in_one_send),
		CASE(a_full_socket),
		CASE(descriptors_begin_a_send),
		CASE(nobody_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
