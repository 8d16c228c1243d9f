/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <unistd.h>

#include "io/sock.h"
#include "ipc/message_super.h"
#include "super/child.h"

/* What the owner of a child was told. */
struct told {
	unsigned answers;
	unsigned unanswered;
	bool open;        /* was the channel, when there was no answer */
	unsigned reloads;
	enum child_reload reload;
	unsigned ends;
	int status;
};

static struct told told;

static void
on_reload(void *context, struct child *child, enum child_reload result, const char *text)
{
	(void)context;
	(void)child;
	(void)text;
	told.reloads++;
	told.reload = result;
}

static void
on_ended(void *context, struct child *child, int status)
{
	(void)context;
	assert_int_equal(child->pid, 0);
	told.ends++;
	told.status = status;
}

static bool
on_answer(void *context, struct channel_message *answer)
{
	struct child *child = context;

	told.answers += answer != NULL;
	told.unanswered += answer == NULL;
	told.open = channel_is_open(child->channel);
	return true;
}

static bool
on_message(void *context, struct channel_message *message)
{
	(void)context;
	(void)message;
	return false;
}

static void
ask(struct child *child)
{
	struct message_control control = { SPAN_LITERAL("{}"), false };
	struct buf content = BUF_INIT(0);

	message_control_pack(&content, &control);
	assert_int_not_equal(
		channel_ask(child->channel, MSG_CONTROL, &content, -1, 0, on_answer, child), 0);
	buf_fini(&content);
}

/* The end of a process is known before that of its channel: nobody waits for answers for ever. */
static void
test_ended(void **state)
{
	static const struct child_events events = { .on_reload = on_reload, .on_ended = on_ended };
	static const struct channel_events channel_events = { .on_message = on_message };
	struct super super = { .loop = loop_new() };
	struct child *child = child_new(&super, ROLE_AUTH, 0, &events, NULL);
	int fds[2];

	(void)state;
	assert_true(sock_pair(fds, NULL));
	child->channel = channel_new(
		super.loop, fds[0], ROLE_SUPER, ROLE_AUTH, &channel_events, child);
	child->phase = CHILD_SERVING;
	child->pid = 999999;
	child->asked = true;
	ask(child);
	ask(child);
	child_ended(child, 9);
	assert_int_equal(told.unanswered, 2);
	assert_false(told.open);
	assert_int_equal(told.answers, 0);
	assert_int_equal(told.reloads, 1);
	assert_int_equal(told.reload, CHILD_LOST);
	assert_int_equal(told.ends, 1);
	assert_int_equal(told.status, 9);
	assert_null(child->channel);
	child_free(&child);
	close(fds[1]);
	loop_free(&super.loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
