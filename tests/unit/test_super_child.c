/* SPDX-License-Identifier: BSD-2-Clause */
/* A child from its start to its end, and again. */
#include "child_fixture.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static bool
on_answer(void *context, struct channel_message *message)
{
	(void)context;
	told.answers += message != NULL;
	told.unanswered += message == NULL;
	told.open = channel_is_open(child->channel);
	return true;
}

static void
ask(void)
{
	struct message_control control = { SPAN_LITERAL("{}"), false };
	struct buf content = BUF_INIT(0);

	message_control_pack(&content, &control);
	assert_int_not_equal(
		channel_ask(child->channel, MSG_CONTROL, &content, -1, 0, on_answer, NULL), 0);
	buf_fini(&content);
}

/* The end of a process is known before that of its channel: nobody waits for answers for ever. */
static void
ended(void **state)
{
	(void)state;
	begin();
	answer_id = MSG_NONE;
	child_take(child);
	ask();
	ask();
	child_kill(child, "told to");
	assert_int_equal(WTERMSIG(reap()), SIGKILL);
	assert_int_equal(told.unanswered, 2);
	assert_false(told.open);
	assert_int_equal(told.answers, 0);
	assert_int_equal(told.reloads, 1);
	assert_int_equal(told.reload, CHILD_LOST);
	assert_int_equal(told.ends, 1);
	assert_int_equal(WTERMSIG(told.status), SIGKILL);
	assert_null(child->channel);
}

static void
not_ready(void **state)
{
	(void)state;
	ready.generation = 3; /* of another one */
	child_begin(child);
	RUN_UNTIL(role_closed);
	assert_int_equal(told.served, 0);
	assert_true(role_closed);
	assert_int_equal(WTERMSIG(reap()), SIGKILL);
}

static void
on_turn(void *context)
{
	(void)context;
	loop_stop(super.loop);
}

static void
turn(void)
{
	struct loop_timer timer;

	loop_timer_init(&timer, super.loop, on_turn, NULL);
	loop_timer_start(&timer, 5);
	loop_run(super.loop);
	loop_timer_stop(&timer);
}

/* It hangs in its start: one look is enough. */
static void
start_that_hangs(void **state)
{
	(void)state;
	answer_id = MSG_NONE;
	child->look_ms = 50;
	child_begin(child);
	while (!child->killed)
		turn();
	assert_int_equal(told.served, 0);
	assert_int_equal(WTERMSIG(reap()), SIGKILL);
}

/* It works in its start, a queue on a spool that is damaged: it may take more than one look. */
static void
start_that_works(void **state)
{
	enum { LOOK_MS = 1000 }; /* a loaded machine lets it work for 20 ms in that */
	uint64_t since;

	(void)state;
	kill(child->pid, SIGKILL);
	reap();
	child_restart_now(child);
	channel_free(&role);
	busy_processes = true;
	make_process();
	busy_processes = false;
	answer_id = MSG_NONE;
	child->look_ms = LOOK_MS;
	child_begin(child);
	since = loop_now_ms(super.loop);
	while (loop_now_ms(super.loop) - since < LOOK_MS + LOOK_MS / 2)
		turn();
	assert_false(child->killed);
	assert_int_equal(child->phase, CHILD_STARTING);
	assert_int_equal(waitpid(child->pid, NULL, WNOHANG), 0);
}

/* As long as it answers it lives; when it does not, it is killed within the two settings together. */
static void
heartbeat(void **state)
{
	uint64_t since;
	int status;

	(void)state;
	begin();
	answer_id = MSG_PONG;
	for (unsigned i = 0; i < 3; i++) {
		heard = MSG_NONE;
		while (heard != MSG_PING)
			turn();
	}
	assert_int_equal(kill(child->pid, 0), 0);
	answer_id = MSG_NONE;
	since = loop_now_ms(super.loop);
	while (waitpid(child->pid, &status, WNOHANG) == 0)
		turn();
	assert_int_equal(WTERMSIG(status), SIGKILL);
	assert_in_range(loop_now_ms(super.loop) - since, 60, 20000);
	child_ended(child, status);
	assert_int_equal(told.ends, 1);
}

/* E14: no process, and nothing of it is left. */
static void
E14_no_process(void **state)
{
	struct fault fault = FAULT_INIT;

	(void)state;
	kill(child->pid, SIGKILL);
	reap();
	no_processes = true;
	assert_false(child_spawn(child, &fault));
	no_processes = false;
	assert_int_equal(child->pid, 0);
	assert_null(child->channel);
	child_restart_later(child);
	RUN_UNTIL(told.restarts);
}

static void
lost_links_are_told(void **state)
{
	struct message_lost lost = { ROLE_QUEUE, 0 };
	struct buf content = BUF_INIT(0);

	(void)state;
	begin();
	for (unsigned i = 0; i < 100; i++) {
		message_lost_pack(&content, &lost);
		assert_true(channel_send(role, MSG_LOST, &content, -1));
		RUN_UNTIL(told.lost > i);
	}
	/* More within a minute is no mishap. */
	message_lost_pack(&content, &lost);
	assert_true(channel_send(role, MSG_LOST, &content, -1));
	RUN_UNTIL(role_closed);
	assert_int_equal(told.lost, 100);
	assert_int_equal(WTERMSIG(reap()), SIGKILL);
	buf_fini(&content);
}

static void
restarts(void **state)
{
	(void)state;
	begin();
	kill(child->pid, SIGKILL);
	assert_int_equal(WTERMSIG(reap()), SIGKILL);
	child_restart_later(child);
	assert_int_equal(child->phase, CHILD_WAITING);
	assert_int_equal(child->failures, 1);
	RUN_UNTIL(told.restarts == 1);
	child_postpone(child);
	RUN_UNTIL(told.restarts == 2);
	assert_int_equal(child->restarts, 1);
	/* The next wait is longer than anybody waits here. */
	child_restart_later(child);
	assert_in_range(child->restart.due_ms - loop_now_ms(super.loop), 900, 1000);
	for (unsigned i = 0; i < 20; i++)
		child_restart_later(child);
	assert_in_range(child->restart.due_ms - loop_now_ms(super.loop), 59900, 60000);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, child_set_up, child_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(ended),
		CASE(not_ready),
		CASE(start_that_hangs),
		CASE(start_that_works),
		CASE(heartbeat),
		CASE(E14_no_process),
		CASE(lost_links_are_told),
		CASE(restarts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
