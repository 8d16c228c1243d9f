/* SPDX-License-Identifier: BSD-2-Clause */
/* kill -9 at any point: what the spool said is durable is there, and nothing else is lost. */
#include "spool_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the child says as soon as it is durable: a letter and a number, in one write. */
struct word {
	char what; /* 'C' committed, 'S' settled with a notice */
	unsigned number;
};

static int say_fd;

struct child_message {
	struct spool_commit commit;
	struct spool_settle settle;
	struct parcel *notice;
	unsigned number;
};

static void
say(char what, unsigned number)
{
	struct word word = { what, number };
	if (write(say_fd, &word, sizeof(word)) != sizeof(word))
		_exit(3);
}

static void
on_child_settled(struct spool_request *request)
{
	struct child_message *message = (struct child_message *)((char *)request -
		offsetof(struct child_message, settle));
	if (request->result != SPOOL_DONE)
		_exit(4);
	say('S', message->number);
}

static void child_send(struct child_message *message);
static unsigned child_next;

static void
on_child_committed(struct spool_request *request)
{
	static const struct recipient failed = { .number = 0, .stage = RECIPIENT_FAILED };
	struct child_message *message = (struct child_message *)request;
	if (request->result != SPOOL_DONE)
		_exit(5);
	say('C', message->number);
	if (message->number % 2) { /* half of them fail, and their senders are told */
		char id[30];
		snprintf(id, sizeof(id), "%u.F0", message->number);
		message->notice = sample_parcel_to(id, "alice@example.org");
		message->settle = settle_of(message->commit.parcel, &failed);
		message->settle.request.on_done = on_child_settled;
		message->settle.notices = &message->notice;
		message->settle.notice_count = 1;
		spool_ask(spool, &message->settle.request);
	}
	child_send(mem_alloc(sizeof(*message)));
}

static void
child_send(struct child_message *message)
{
	char id[30];
	message->number = child_next++;
	snprintf(id, sizeof(id), "%u", message->number);
	message->commit = (struct spool_commit){ { .verb = SPOOL_COMMIT,
						  .on_done = on_child_committed },
		.parcel = sample_parcel_to(id, "bob@example.net") };
	spool_ask(spool, &message->commit.request);
}

static void
child_main(unsigned first, unsigned width)
{
	open_spool();
	child_next = first;
	for (unsigned i = 0; i < width; i++)
		child_send(mem_alloc(sizeof(struct child_message)));
	loop_run(loop);
	_exit(0);
}

static unsigned char said[200000]; /* per message: 1 committed, 2 settled */
static unsigned highest;

static unsigned
hear(int fd, unsigned most)
{
	struct word word;
	unsigned heard = 0;
	while (heard < most && read(fd, &word, sizeof(word)) == sizeof(word)) {
		assert_true(word.number < sizeof(said));
		said[word.number] |= word.what == 'C' ? 1 : 2;
		if (word.number > highest)
			highest = word.number;
		heard++;
	}
	return heard;
}

static void
assert_said(unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		char id[30];
		snprintf(id, sizeof(id), "%u", i);
		if (said[i] & 2) {
			assert_int_equal(fetch_result(id), SPOOL_MISSING);
			snprintf(id, sizeof(id), "%u.F0", i);
			assert_int_equal(fetch_result(id), SPOOL_DONE);
		} else if (said[i] & 1) {
			/* there, or settled with its notice though nobody was told */
			if (fetch_result(id) != SPOOL_DONE) {
				assert_true(i % 2);
				snprintf(id, sizeof(id), "%u.F0", i);
				assert_int_equal(fetch_result(id), SPOOL_DONE);
			}
		}
	}
}

/* O1, I9: a child is killed after so many words; what it said is true. */
static void
test_kill_9(void **state)
{
	(void)state;
	enum { KILLS = 25 };
	unsigned number = 17;
	unsigned first = 0;
	close_spool();
	memset(said, 0, sizeof(said));
	for (int kills = 0; kills < KILLS; kills++) {
		int fds[2];
		number = number * 1103515245 + 12345;
		unsigned words = (number >> 16) % 400;
		unsigned width = 1 + (number >> 8) % 60;
		assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
		pid_t child = fork();
		if (child == 0) {
			close(fds[0]);
			say_fd = fds[1];
			child_main(first, width);
		}
		close(fds[1]);
		assert_int_equal(hear(fds[0], words), words);
		kill(child, SIGKILL);
		int status;
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
		hear(fds[0], UINT32_MAX);
		close(fds[0]);
		first = highest + width +
			1; /* what was begun and not answered may be there or not */
	}
	assert_true(highest > 1000);
	open_spool();
	assert_said(highest + 1);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, spool_set_up, spool_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_kill_9),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
