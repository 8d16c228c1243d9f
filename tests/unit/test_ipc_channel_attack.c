/* SPDX-License-Identifier: BSD-2-Clause */
/* A channel whose peer does not keep to the rules: it ends, and nothing of it stays. */
#include "channel_fixture.h"

#include "ipc/frame.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

static void
send_raw(int fd, const void *bytes, size_t size, const int *fds, size_t fd_count)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(16 * sizeof(int))];
	} control = { .bytes = { 0 } };
	struct iovec part = { (void *)(uintptr_t)bytes, size };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	if (fd_count) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(&control.head), fds, fd_count * sizeof(int));
	}
	assert_int_equal(sendmsg(fd, &message, MSG_NOSIGNAL), (ssize_t)size);
}

static size_t
open_fds(void)
{
	size_t count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static const struct {
	const char *what;
	const char *bytes;
	size_t size;
	size_t fds;
	const char *reason;
} attacks[] = {
	{ "unknown id", "\0\0\0\0\xff\xff\0\0\0\0\0\0", 12, 0, "unknown" },
	{ "4 GiB", "\xff\xff\xff\xff\0\x22\0\0\0\0\0\0", 12, 0, "" },
	{ "one byte, then the end", "\0", 1, 0, "middle" },
	{ "descriptors without a message", "\0", 1, 1, "" },
	{ "16 descriptors", "\0", 1, 16, "descriptors" },
};

static void
attacked(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof attacks / sizeof attacks[0]; i++) {
		struct end victim = { .accept = true, .fd = -1 };
		int extra[16];
		size_t before;
		int fds[2];

		print_message("%s\n", attacks[i].what);
		before = open_fds();
		pair(fds);
		victim.channel =
			channel_new(loop, fds[0], ROLE_SMTP, ROLE_QUEUE, &events, &victim);
		for (size_t f = 0; f < attacks[i].fds; f++)
			extra[f] = dup(STDERR_FILENO);
		send_raw(fds[1], attacks[i].bytes, attacks[i].size, extra, attacks[i].fds);
		for (size_t f = 0; f < attacks[i].fds; f++)
			close(extra[f]);
		shutdown(fds[1], SHUT_WR);
		while (!victim.closed)
			run();
		assert_int_equal(victim.messages, 0);
		assert_non_null(strstr(victim.why.text, attacks[i].reason));
		channel_free(&victim.channel);
		close(fds[1]);
		assert_int_equal(open_fds(), before);
	}
}

/* A whole good message with a descriptor that it may not have; one that lacks its own. */
static void
descriptor_rules(void **state)
{
	struct frame plain = { MSG_PRESSURE, 0, 0, { NULL, 0 } };
	struct frame bare = { MSG_BODY_FILE, FRAME_HAS_FD, 0, { NULL, 0 } };
	int extra = dup(STDERR_FILENO);
	size_t before = open_fds();

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct end victim = { .accept = true, .fd = -1, .stop_at = 99 };
		struct buf bytes = BUF_INIT(0);
		int fds[2];

		pair(fds);
		victim.channel =
			channel_new(loop, fds[0], ROLE_SMTP, ROLE_QUEUE, &events, &victim);
		frame_pack_head(&bytes, i == 0 ? &plain : &bare);
		send_raw(fds[1], bytes.bytes, buf_length(&bytes), &extra, i == 0);
		while (!victim.closed)
			run();
		assert_int_equal(victim.why.kind, FAULT_PEER);
		assert_non_null(strstr(victim.why.text, "descriptor"));
		channel_free(&victim.channel);
		close(fds[1]);
		buf_fini(&bytes);
		assert_int_equal(open_fds(), before);
	}
	close(extra);
}

static void
byte_by_byte(void **state)
{
	struct frame frame = { MSG_PRESSURE, 0, 0, { NULL, 3 } };
	struct frame with_fd = { MSG_BODY_FILE, FRAME_HAS_FD, 0, { NULL, 3 } };
	struct end victim = { .accept = true, .fd = -1, .keep_fd = true, .stop_at = 2 };
	struct buf bytes = BUF_INIT(0);
	int extra = dup(STDERR_FILENO);
	size_t second;
	int fds[2];

	(void)state;
	pair(fds);
	victim.channel = channel_new(loop, fds[0], ROLE_SMTP, ROLE_QUEUE, &events, &victim);
	frame_pack_head(&bytes, &frame);
	buf_add_text(&bytes, "abc");
	second = buf_length(&bytes);
	frame_pack_head(&bytes, &with_fd);
	buf_add_text(&bytes, "abc");
	for (size_t i = 0; i < buf_length(&bytes); i++)
		send_raw(fds[1], bytes.bytes + i, 1, &extra, i == second);
	run();
	assert_int_equal(victim.messages, 2);
	assert_true(victim.fd >= 0);
	close(victim.fd);
	channel_free(&victim.channel);
	close(fds[1]);
	close(extra);
	buf_fini(&bytes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(attacked),
		CASE(descriptor_rules),
		CASE(byte_by_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
