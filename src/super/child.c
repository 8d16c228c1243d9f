/* SPDX-License-Identifier: BSD-2-Clause */
/* One process of a role. */
#include "super/child.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "io/sock.h"
#include "ipc/message_super.h"
#include "proc/confine.h"
#include "super/logs.h"
#include "super/provide.h"
#include "super/spawn.h"

enum {
	CHECK_WAIT_MS = 30 * 1000,
	TAKE_WAIT_MS = 10 * 1000,
	ANEW_GRACE_MS = 2000,       /* for a process whose successor waits */
	DEATH_WAIT_MS = 3000,       /* from SIGKILL to the end, while all stops */
	END_WAIT_MS = 1000,         /* from the end of its channel to its own end */
	STOP_EXTRA_MS = 8000,       /* beyond its grace, and what the role itself adds */
	STABLE_MS = 10000,          /* who served so long has not failed in a row */
	FIRST_RESTART_MS = 50,
	RESTART_MOST_MS = 60 * 1000,
	LOSSES_WITHIN_MS = 60 * 1000,
	LOSSES_MOST = 100,
};

static void on_restart_due(void *context);
static void on_heartbeat_due(void *context);
static void on_deadline(void *context);
static bool on_message(void *context, struct channel_message *message);
static void on_closed(void *context, const struct fault *why);

struct child *
child_new(struct super *super, enum role role, unsigned instance,
	const struct child_events *events, void *context)
{
	struct child *child = mem_alloc(sizeof *child);

	child->super = super;
	child->role = role;
	child->instance = instance;
	child->look_ms = PATIENCE_LOOK_MS;
	child->events = events;
	child->context = context;
	loop_timer_init(&child->restart, super->loop, on_restart_due, child);
	loop_timer_init(&child->heartbeat, super->loop, on_heartbeat_due, child);
	loop_timer_init(&child->deadline, super->loop, on_deadline, child);
	return child;
}

static void
clear_process(struct child *child)
{
	loop_timer_stop(&child->restart);
	loop_timer_stop(&child->heartbeat);
	loop_timer_stop(&child->deadline);
	channel_free(&child->channel);
	child->pid = 0;
	child->killed = false;
	child->begun = false;
	child->asked = false;
	child->checked = false;
}

void
child_free(struct child **child)
{
	struct child *old = *child;

	if (!old)
		return;
	if (old->pid > 0) {
		kill(old->pid, SIGKILL);
		while (waitpid(old->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	clear_process(old);
	mem_free(child);
}

const char *
child_phase_name(const struct child *child)
{
	switch (child->phase) {
	case CHILD_WAITING:
		return "waiting";
	case CHILD_STARTING:
		return "starting";
	case CHILD_SERVING:
		return "serving";
	case CHILD_STOPPING:
		break;
	}
	return "stopping";
}

static void
enter(struct child *child, enum child_phase phase)
{
	child->phase = phase;
	child->since_ms = loop_now_ms(child->super->loop);
}

static void
begin_heartbeat(struct child *child)
{
	loop_timer_start(&child->heartbeat, child->super->now.settings->heartbeat);
}

/* ---- start ------------------------------------------------------------------------------------ */

bool
child_spawn(struct child *child, struct fault *fault)
{
	static const struct channel_events events = { on_message, on_closed, NULL };
	int fds[2];
	bool done;

	if (!sock_pair(fds, fault))
		return false;
	done = spawn_role(child->role, fds[1], logs_event_fd(child->super->now.logs), &child->pid, fault);
	sock_close(&fds[1]);
	if (!done) {
		sock_close(&fds[0]);
		return false;
	}
	child->channel = channel_new(child->super->loop, fds[0], ROLE_SUPER, child->role, &events,
		child);
	child->generation = child->super->now.generation;
	enter(child, CHILD_STARTING);
	log_event(EV_CHILD_STARTED, kv_str("of", role_name(child->role)),
		kv_int("instance", child->instance), kv_int("of-pid", child->pid));
	return true;
}

bool
child_provide(struct child *child, struct fault *fault)
{
	return provide(child->super, &child->super->now, child->channel, child->instance, fault);
}

/* A step of a reload is over. */
static void
end_step(struct child *child, enum child_reload result, const char *text)
{
	if (!child->asked)
		return;
	child->asked = false;
	child->checked = result == CHILD_CHECKED;
	child->events->on_reload(child->context, child, result, text);
}

/* Is it READY with what it was given? */
static bool
read_ready(const struct channel_message *answer, uint32_t generation, bool *anew_out)
{
	struct message_ready ready;

	if (answer->id != MSG_READY || !message_ready_unpack(answer->bytes, NULL, &ready) ||
		ready.generation != generation)
		return false;
	*anew_out = ready.anew;
	return true;
}

static bool
on_started(void *context, struct channel_message *answer)
{
	struct child *child = context;
	bool anew;

	/* If the channel closed, its end is on the way already. */
	if (!answer || child->phase != CHILD_STARTING)
		return true;
	loop_timer_stop(&child->deadline);
	if (!read_ready(answer, child->generation, &anew)) {
		channel_drop(child->channel, "START not answered by READY");
		return true;
	}
	enter(child, CHILD_SERVING);
	begin_heartbeat(child);
	if (child->anew == CHILD_ANEW_STARTING) {
		child->anew = CHILD_ANEW_NO;
		child->asked = true;
		end_step(child, CHILD_TAKEN, "");
	}
	child->events->on_serving(child->context, child);
	return true;
}

void
child_begin(struct child *child)
{
	if (!child->begun) {
		channel_ask(child->channel, MSG_START, NULL, -1, 0, on_started, child);
		patience_begin(&child->patience, child->pid, loop_now_ms(child->super->loop));
		loop_timer_start(&child->deadline, child->look_ms);
	}
	child->begun = true;
}

/* ---- heartbeat -------------------------------------------------------------------------------- */

static bool
on_pong(void *context, struct channel_message *answer)
{
	struct child *child = context;

	if (!answer && channel_is_open(child->channel))
		child_kill(child, "hangs: no heartbeat");
	else if (answer && answer->id != MSG_PONG)
		channel_drop(child->channel, "PING not answered by PONG");
	else if (answer)
		begin_heartbeat(child);
	return true;
}

static void
on_heartbeat_due(void *context)
{
	struct child *child = context;

	channel_ask(child->channel, MSG_PING, NULL, -1, child->super->now.settings->heartbeat_wait,
		on_pong, child);
}

/* ---- reload ----------------------------------------------------------------------------------- */

static void
take_refusal(struct child *child, const struct channel_message *answer)
{
	struct arena *arena = arena_new(0);
	struct message_refused refused;

	if (answer->id != MSG_REFUSED ||
		!message_refused_unpack(answer->bytes, arena, &refused))
		channel_drop(child->channel, "CHECK not answered by READY or REFUSED");
	else
		end_step(child, CHILD_REFUSED, refused.text);
	arena_free(&arena);
}

static bool
on_checked(void *context, struct channel_message *answer)
{
	struct child *child = context;
	bool anew;

	if (!answer && channel_is_open(child->channel)) {
		child_kill(child, "did not say in time whether it could use new settings");
	} else if (answer && read_ready(answer, child->super->next.generation, &anew)) {
		child->anew = anew ? CHILD_ANEW_ASKED : CHILD_ANEW_NO;
		end_step(child, CHILD_CHECKED, "");
	} else if (answer) {
		take_refusal(child, answer);
	}
	return true;
}

void
child_check(struct child *child)
{
	struct super *super = child->super;
	struct fault fault = FAULT_INIT;

	child->asked = true;
	/* Its end is on the way, and is the answer. */
	if (!channel_is_open(child->channel))
		return;
	if (!provide(super, &super->next, child->channel, child->instance, &fault)) {
		/* Our lack of means is no reason to end it. */
		channel_send(child->channel, MSG_FORGET, NULL, -1);
		end_step(child, CHILD_REFUSED, fault.text);
	} else if (!channel_ask(child->channel, MSG_CHECK, NULL, -1, CHECK_WAIT_MS, on_checked, child)) {
		child_kill(child, "cannot be given new settings");
	}
}

static bool
on_taken(void *context, struct channel_message *answer)
{
	struct child *child = context;
	bool anew;

	if (!answer && channel_is_open(child->channel)) {
		child_kill(child, "did not take new settings in time");
	} else if (answer && read_ready(answer, child->super->now.generation, &anew)) {
		child->generation = child->super->now.generation;
		end_step(child, CHILD_TAKEN, "");
	} else if (answer) {
		channel_drop(child->channel, "TAKE not answered by READY");
	}
	return true;
}

void
child_take(struct child *child)
{
	child->asked = true;
	child->checked = false;
	if (child->anew == CHILD_ANEW_ASKED) {
		child->anew = CHILD_ANEW_ENDING;
		child_stop(child, ANEW_GRACE_MS);
	} else if (!channel_ask(child->channel, MSG_TAKE, NULL, -1, TAKE_WAIT_MS, on_taken, child)) {
		child_kill(child, "cannot be told to take new settings");
	}
}

void
child_forget(struct child *child)
{
	if (child->checked)
		channel_send(child->channel, MSG_FORGET, NULL, -1);
	child->checked = false;
	child->anew = CHILD_ANEW_NO;
}

/* ---- the end ---------------------------------------------------------------------------------- */

void
child_stop(struct child *child, uint32_t grace_ms)
{
	struct message_stop stop = { grace_ms };
	struct buf content = BUF_INIT(0);

	if (child->phase != CHILD_STOPPING)
		enter(child, CHILD_STOPPING);
	message_stop_pack(&content, &stop);
	channel_send(child->channel, MSG_STOP, &content, -1);
	buf_fini(&content);
	loop_timer_start(&child->deadline, grace_ms + STOP_EXTRA_MS);
}

void
child_kill(struct child *child, const char *why)
{
	if (child->pid <= 0)
		return;
	log_event(EV_CHILD_KILLED, kv_str("of", role_name(child->role)),
		kv_int("of-pid", child->pid), kv_str("reason", why));
	kill(child->pid, SIGKILL);
	child->killed = true;
	if (child->phase == CHILD_STOPPING)
		loop_timer_start(&child->deadline, DEATH_WAIT_MS);
}

/* A disk that hangs keeps a process from dying. The stop of all others does not wait for that. */
static void
leave_behind(struct child *child)
{
	log_event(EV_CHILD_LEFT, kv_str("of", role_name(child->role)),
		kv_int("of-pid", child->pid));
	child->pid = 0;
	channel_hang_up(&child->channel);
	child->events->on_ended(child->context, child, 0);
}

static void
on_deadline(void *context)
{
	struct child *child = context;
	uint64_t now = loop_now_ms(child->super->loop);

	if (child->phase == CHILD_STOPPING && child->killed)
		leave_behind(child);
	else if (child->phase == CHILD_STOPPING)
		child_kill(child, "did not stop in time");
	else if (!child->channel || !channel_is_open(child->channel))
		child_kill(child, "left its channel, but did not end");
	else if (patience_lasts(&child->patience, child->pid, now))
		loop_timer_start(&child->deadline, child->look_ms);
	else
		child_kill(child, "was not ready in time");
}

/* More is no mishap, but a role that plays. */
static bool
may_lose(struct child *child)
{
	uint64_t now = loop_now_ms(child->super->loop);

	if (now - child->losses_since_ms > LOSSES_WITHIN_MS) {
		child->losses_since_ms = now;
		child->losses = 0;
	}
	return ++child->losses <= LOSSES_MOST;
}

/* Beside answers, a role says one thing to super, and that is all it may. */
static bool
on_message(void *context, struct channel_message *message)
{
	struct child *child = context;
	struct message_lost lost;

	if (message->id != MSG_LOST || child->phase == CHILD_STARTING || !may_lose(child) ||
		!message_lost_unpack(message->bytes, NULL, &lost))
		return false;
	child->events->on_lost(child->context, child, lost.peer, lost.instance);
	return true;
}

static void
on_closed(void *context, const struct fault *why)
{
	struct child *child = context;

	loop_timer_stop(&child->heartbeat);
	if (why->kind == FAULT_PEER)
		child_kill(child, why->text);
	else
		loop_timer_start(&child->deadline, END_WAIT_MS);
}

/* A call outside of its filter is a signal too, though the handler has made a status of it. */
static void
log_end(const struct child *child, int status)
{
	bool breach = WIFEXITED(status) && WEXITSTATUS(status) == CONFINE_BREACH_STATUS;
	int number = WIFSIGNALED(status) ? WTERMSIG(status) : breach ? SIGSYS : 0;
	enum log_event_id event =
		child->phase == CHILD_STOPPING && status == 0 ? EV_CHILD_ENDED : EV_CHILD_DIED;

	if (number)
		log_event(event, kv_str("of", role_name(child->role)),
			kv_int("instance", child->instance), kv_int("of-pid", child->pid),
			kv_int("signal", number), kv_str("phase", child_phase_name(child)));
	else
		log_event(event, kv_str("of", role_name(child->role)),
			kv_int("instance", child->instance), kv_int("of-pid", child->pid),
			kv_int("status", WEXITSTATUS(status)),
			kv_str("phase", child_phase_name(child)));
}

void
child_ended(struct child *child, int status)
{
	if (child->phase == CHILD_SERVING &&
		loop_now_ms(child->super->loop) - child->since_ms >= STABLE_MS)
		child->failures = 0;
	log_end(child, status);
	child->pid = 0;
	/* Its death may be heard of before the end of its channel: whoever waits for an answer is told. */
	channel_hang_up(&child->channel);
	if (child->anew == CHILD_ANEW_ENDING) {
		child->anew = CHILD_ANEW_STARTING;
	} else {
		child->asked |= child->anew == CHILD_ANEW_STARTING;
		child->anew = CHILD_ANEW_NO;
		end_step(child, CHILD_LOST, "ended");
	}
	child->events->on_ended(child->context, child, status);
}

static void
on_restart_due(void *context)
{
	struct child *child = context;

	child->events->on_restart(child->context, child);
}

void
child_postpone(struct child *child)
{
	loop_timer_start(&child->restart, FIRST_RESTART_MS);
}

void
child_restart_now(struct child *child)
{
	clear_process(child);
	child->restarts++;
	enter(child, CHILD_WAITING);
	loop_timer_start(&child->restart, 0);
}

void
child_restart_later(struct child *child)
{
	uint64_t wait_ms = FIRST_RESTART_MS;

	clear_process(child);
	child->restarts++;
	if (child->failures > 0)
		wait_ms = child->failures > 6 ? RESTART_MOST_MS : 1000u << (child->failures - 1);
	if (wait_ms > RESTART_MOST_MS)
		wait_ms = RESTART_MOST_MS;
	child->failures++;
	enter(child, CHILD_WAITING);
	log_event(EV_CHILD_RESTART, kv_str("of", role_name(child->role)),
		kv_int("in-ms", (int64_t)wait_ms));
	loop_timer_start(&child->restart, wait_ms);
}
