/* SPDX-License-Identifier: BSD-2-Clause */
/* One child: super's side is real, the process only waits, and the other end of the channel is this test. */
#include "unit.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/sock.h"
#include "ipc/message_super.h"
#include "super/child.h"
#include "super/provide.h"
#include "super/spawn.h"

enum { NEW_GENERATION = 9 };

/* What the owner of the child was told. */
static struct {
	unsigned answers;
	unsigned unanswered;
	bool open; /* was the channel, when there was no answer */
	unsigned served;
	unsigned reloads;
	enum child_reload reload;
	char text[128];
	unsigned ends;
	int status;
	unsigned restarts;
	unsigned lost;
} told;

static struct super super;
static struct settings settings;
static struct child *child;
static struct channel *role; /* the other end */
static struct loop_timer guard;

/* What the role was told, and how it answers. */
static enum message_id heard;
static enum message_id answer_id; /* NONE: keeps silent */
static struct message_ready ready;
static bool answered_by_question;
static bool role_closed;
static uint32_t provided; /* generation */
static bool no_processes;

static void
on_serving(void *context, struct child *who)
{
	assert_null(context);
	assert_ptr_equal(who, child);
	told.served++;
	loop_stop(super.loop);
}

static void
on_reload(void *context, struct child *who, enum child_reload result, const char *text)
{
	(void)context;
	(void)who;
	told.reloads++;
	told.reload = result;
	snprintf(told.text, sizeof told.text, "%s", text);
	loop_stop(super.loop);
}

static void
on_ended(void *context, struct child *who, int status)
{
	(void)context;
	assert_int_equal(who->pid, 0);
	told.ends++;
	told.status = status;
}

static void
on_lost(void *context, struct child *who, enum role peer, unsigned instance)
{
	(void)context;
	(void)who;
	assert_int_equal(peer, ROLE_QUEUE);
	assert_int_equal(instance, 0);
	told.lost++;
	loop_stop(super.loop);
}

static void
on_restart(void *context, struct child *who)
{
	(void)context;
	(void)who;
	told.restarts++;
	loop_stop(super.loop);
}

/* ---- the role --------------------------------------------------------------------------------- */

static void
answer(uint32_t request)
{
	struct buf content = BUF_INIT(0);

	if (answer_id == MSG_READY)
		message_ready_pack(&content, &ready);
	if (answer_id == MSG_REFUSED)
		channel_refuse(role, request, 0, "", "x.conf:3: no");
	else if (answer_id != MSG_NONE)
		channel_answer(role, request, answer_id, &content, -1);
	buf_fini(&content);
}

static bool
on_role_message(void *context, struct channel_message *message)
{
	(void)context;
	heard = message->id;
	answered_by_question = message->request != 0;
	if (message->request)
		answer(message->request);
	if (answer_id == MSG_NONE || !message->request)
		loop_stop(super.loop);
	return true;
}

static void
on_role_closed(void *context, const struct fault *why)
{
	(void)context;
	(void)why;
	role_closed = true;
	loop_stop(super.loop);
}

static void
on_guard(void *context)
{
	(void)context;
	fail_msg("nothing happens");
}

static void
run(void)
{
	loop_timer_start(&guard, 60000);
	loop_run(super.loop);
	loop_timer_stop(&guard);
}

#define RUN_UNTIL(what)                                                                            \
	do                                                                                         \
		run();                                                                             \
	while (!(what))

/* ---- set-up ----------------------------------------------------------------------------------- */

/* In place of the program: a process that waits for its end. */
bool
spawn_role(enum role which, int fd, int error_fd, pid_t *pid_out, struct fault *fault)
{
	static const struct channel_events events = { on_role_message, on_role_closed, NULL };
	pid_t pid;

	assert_int_equal(which, ROLE_AUTH);
	assert_int_equal(error_fd, STDERR_FILENO);
	if (no_processes)
		return fault_set(fault, FAULT_SYSTEM, "fork: told to");
	pid = fork();
	if (pid == 0) {
		for (;;)
			pause();
	}
	role = channel_new(super.loop, dup(fd), ROLE_AUTH, ROLE_SUPER, &events, NULL);
	role_closed = false;
	*pid_out = pid;
	return true;
}

int
logs_event_fd(const struct logs *logs)
{
	assert_null(logs);
	return STDERR_FILENO;
}

bool
provide(struct super *whole, const struct supply *supply, struct channel *channel,
	unsigned instance, struct fault *fault)
{
	assert_ptr_equal(whole, &super);
	assert_ptr_equal(channel, child->channel);
	assert_int_equal(instance, 0);
	provided = supply->generation;
	return provided || fault_set(fault, FAULT_SYSTEM, "told to");
}

static void
make_process(void)
{
	struct fault fault = FAULT_INIT;

	assert_true(child_spawn(child, &fault));
	assert_true(child_provide(child, &fault));
	assert_int_equal(provided, super.now.generation);
}

static int
set_up(void **state)
{
	static const struct child_events events = { on_serving, on_reload, on_ended, on_lost,
		on_restart };

	(void)state;
	memset(&told, 0, sizeof told);
	settings = (struct settings){ .heartbeat = 20, .heartbeat_wait = 100 };
	super = (struct super){ .loop = loop_new() };
	super.now = (struct supply){ .generation = 4, .settings = &settings };
	super.next = (struct supply){ .generation = NEW_GENERATION, .settings = &settings };
	ready = (struct message_ready){ 4, false };
	answer_id = MSG_READY;
	loop_timer_init(&guard, super.loop, on_guard, NULL);
	child = child_new(&super, ROLE_AUTH, 0, &events, NULL);
	make_process();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	child_free(&child);
	channel_free(&role);
	loop_timer_stop(&guard);
	loop_free(&super.loop);
	return 0;
}

static void
begin(void)
{
	child_begin(child);
	child_begin(child);
	RUN_UNTIL(told.served);
	assert_int_equal(heard, MSG_START);
	assert_int_equal(told.served, 1);
	assert_int_equal(child->phase, CHILD_SERVING);
	assert_string_equal(child_phase_name(child), "serving");
}

/* Reaps it, as children.c does. */
static int
reap(void)
{
	int status;

	assert_int_equal(waitpid(child->pid, &status, 0), child->pid);
	child_ended(child, status);
	return status;
}

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

/* ---- cases ------------------------------------------------------------------------------------ */

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
check(enum message_id with, uint32_t generation, bool anew)
{
	unsigned before = told.reloads;

	answer_id = with;
	ready = (struct message_ready){ generation, anew };
	child_check(child);
	assert_int_equal(provided, NEW_GENERATION);
	RUN_UNTIL(told.reloads > before || role_closed);
	assert_int_equal(heard, MSG_CHECK);
}

static void
reload_taken(void **state)
{
	(void)state;
	begin();
	check(MSG_READY, NEW_GENERATION, false);
	assert_int_equal(told.reload, CHILD_CHECKED);
	assert_true(child->checked);
	assert_int_equal(child->generation, 4);
	super.now.generation = NEW_GENERATION;
	child_take(child);
	RUN_UNTIL(told.reloads == 2);
	assert_int_equal(heard, MSG_TAKE);
	assert_int_equal(told.reload, CHILD_TAKEN);
	assert_int_equal(child->generation, NEW_GENERATION);
	assert_false(child->checked || child->asked);
	assert_int_equal(told.reloads, 2);
}

static void
reload_refused_and_forgotten(void **state)
{
	(void)state;
	begin();
	check(MSG_REFUSED, 0, false);
	assert_int_equal(told.reload, CHILD_REFUSED);
	assert_string_equal(told.text, "x.conf:3: no");
	heard = MSG_NONE;
	child_forget(child); /* it has nothing */
	check(MSG_READY, NEW_GENERATION, false);
	child_forget(child);
	RUN_UNTIL(heard == MSG_FORGET);
	assert_false(answered_by_question);
	assert_int_equal(child->generation, 4);
}

static void
reload_answered_by_something_else(void **state)
{
	static const enum message_id with[] = { MSG_PONG, MSG_READY };

	(void)state;
	for (size_t i = 0; i < sizeof with / sizeof with[0]; i++) {
		if (i)
			make_process();
		told.served = 0;
		answer_id = MSG_READY;
		ready = (struct message_ready){ 4, false };
		begin();
		check(with[i], NEW_GENERATION + 1, false);
		assert_true(role_closed);
		assert_int_equal(WTERMSIG(reap()), SIGKILL);
		assert_int_equal(told.reload, CHILD_LOST);
		child->begun = false;
		channel_free(&role);
	}
}

/* E12: what super lacks to give it, it does not die of. */
static void
reload_without_means(void **state)
{
	(void)state;
	begin();
	super.next.generation = 0;
	answer_id = MSG_NONE;
	child_check(child);
	assert_int_equal(told.reload, CHILD_REFUSED);
	assert_string_equal(told.text, "told to");
	RUN_UNTIL(heard == MSG_FORGET);
	assert_int_equal(kill(child->pid, 0), 0);
	assert_false(child->checked || child->asked);
}

/* It takes the new settings by ending; the next process is the one that has taken them. */
static void
reload_by_a_new_process(void **state)
{
	(void)state;
	begin();
	check(MSG_READY, NEW_GENERATION, true);
	super.now.generation = NEW_GENERATION;
	child_take(child);
	RUN_UNTIL(heard == MSG_STOP);
	told.reloads = 0;
	kill(child->pid, SIGTERM);
	reap();
	assert_int_equal(told.reloads, 0);
	assert_int_equal(told.ends, 1);
	assert_int_equal(child->anew, CHILD_ANEW_STARTING);
	child_restart_now(child);
	RUN_UNTIL(told.restarts);
	channel_free(&role);
	make_process();
	ready = (struct message_ready){ NEW_GENERATION, false };
	answer_id = MSG_READY;
	child_begin(child);
	RUN_UNTIL(told.reloads);
	assert_int_equal(told.reload, CHILD_TAKEN);
	assert_int_equal(child->generation, NEW_GENERATION);
	/* And if that one ends at once, it is lost. */
	child->anew = CHILD_ANEW_STARTING;
	kill(child->pid, SIGTERM);
	reap();
	assert_int_equal(told.reload, CHILD_LOST);
	assert_int_equal(child->anew, CHILD_ANEW_NO);
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

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(ended),
		CASE(not_ready),
		CASE(heartbeat),
		CASE(E14_no_process),
		CASE(reload_taken),
		CASE(reload_refused_and_forgotten),
		CASE(reload_answered_by_something_else),
		CASE(reload_without_means),
		CASE(reload_by_a_new_process),
		CASE(lost_links_are_told),
		CASE(restarts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
