/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/loop.h"
#include "ipc/channel.h"
#include "ipc/frame.h"
#include "ipc/message_mail.h"

enum { WAIT_MS = 5000 };

/* One end of a pair, and what came there. */
struct end {
	struct channel *channel;
	unsigned messages;
	unsigned answers;
	unsigned unanswered;
	unsigned closed;
	unsigned rooms;
	uint32_t request;
	uint64_t sum;
	int fd;
	bool keep_fd;
	bool accept;
	bool more;         /* wait for further answers */
	unsigned stop_at;  /* messages */
	struct channel *free_in_message;
	struct fault why;
};

static struct loop *loop;
static struct end smtp;
static struct end queue;
static struct loop_timer guard;

static void
on_guard(void *context)
{
	(void)context;
	fail_msg("nothing happened in time");
}

static bool
on_message(void *context, struct channel_message *message)
{
	struct end *end = context;

	end->messages++;
	end->request = message->request;
	if (message->bytes.length)
		end->sum += (unsigned char)message->bytes.start[message->bytes.length - 1];
	if (end->keep_fd && message->fd >= 0) {
		end->fd = message->fd;
		message->fd = -1;
	}
	if (end->free_in_message)
		channel_free(&end->channel);
	if (!end->stop_at || end->messages == end->stop_at)
		loop_stop(loop);
	return end->accept;
}

static void
on_closed(void *context, const struct fault *why)
{
	struct end *end = context;

	end->closed++;
	end->why = *why;
	loop_stop(loop);
}

static void
on_room(void *context)
{
	struct end *end = context;

	end->rooms++;
}

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

static const struct channel_events events = { on_message, on_closed, on_room };

static void
run(void)
{
	loop_timer_start(&guard, WAIT_MS);
	loop_run(loop);
	loop_timer_stop(&guard);
}

static void
pair(int fds[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
}

static int
set_up(void **state)
{
	int fds[2];

	(void)state;
	loop = loop_new();
	loop_timer_init(&guard, loop, on_guard, NULL);
	pair(fds);
	smtp = (struct end){ .accept = true, .fd = -1 };
	queue = (struct end){ .accept = true, .fd = -1 };
	smtp.channel = channel_new(loop, fds[0], ROLE_SMTP, ROLE_QUEUE, &events, &smtp);
	queue.channel = channel_new(loop, fds[1], ROLE_QUEUE, ROLE_SMTP, &events, &queue);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	channel_free(&smtp.channel);
	channel_free(&queue.channel);
	channel_free(&queue.channel);
	loop_timer_stop(&guard);
	loop_free(&loop);
	return 0;
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

/* ---- a peer that does not keep to the rules --------------------------------------------------- */

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

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

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
		CASE(attacked),
		CASE(descriptor_rules),
		CASE(byte_by_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
