/* SPDX-License-Identifier: BSD-2-Clause */
/* Super around one child, and the role at the other end of its channel. */
#include "child_fixture.h"

#include "super/provide.h"
#include "super/spawn.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

struct child_told told;
struct super super;
static struct settings settings;
struct child *child;
struct channel *role;
static struct loop_timer guard;

enum message_id heard;
enum message_id answer_id;
struct message_ready ready;
bool answered_by_question;
bool role_closed;
uint32_t provided;
bool no_processes;
bool busy_processes;

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

void
run(void)
{
	loop_timer_start(&guard, 60000);
	loop_run(super.loop);
	loop_timer_stop(&guard);
}

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
		while (busy_processes)
			getpid();
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

void
make_process(void)
{
	struct fault fault = FAULT_INIT;

	assert_true(child_spawn(child, &fault));
	assert_true(child_provide(child, &fault));
	assert_int_equal(provided, super.now.generation);
}

int
child_set_up(void **state)
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

int
child_tear_down(void **state)
{
	(void)state;
	child_free(&child);
	channel_free(&role);
	loop_timer_stop(&guard);
	loop_free(&super.loop);
	return 0;
}

void
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
int
reap(void)
{
	int status;

	assert_int_equal(waitpid(child->pid, &status, 0), child->pid);
	child_ended(child, status);
	return status;
}
