/* SPDX-License-Identifier: BSD-2-Clause */
/* The processes of the roles. */
#include "super/children.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/log.h"
#include "proc/confine.h"
#include "proc/gate_layout.h"
#include "proc/role.h"
#include "super/links.h"
#include "super/roster.h"
#include "super/shared_gate.h"

enum {
	RETIRE_GRACE_MS = 3600 * 1000, /* sessions of a front end too many go on so long */
	START_FAILED_MAX_BYTES = 256,
};

/* The order in which roles are stopped: who takes work first, who others need last. */
static const struct {
	unsigned roles;
	uint32_t grace_ms; /* together, with what is granted beyond, less than a unit's stop time */
} stop_stages[] = {
	{ ROLE_BIT(ROLE_SMTP) | ROLE_BIT(ROLE_MAILBOX), 10 * 1000 },
	{ ROLE_BIT(ROLE_RELAY), 10 * 1000 },
	{ ROLE_BIT(ROLE_QUEUE), 5 * 1000 },
	{ ROLE_BIT(ROLE_AUTH) | ROLE_BIT(ROLE_DIAL) | ROLE_BIT(ROLE_KEYS), 2 * 1000 },
};
enum { STOP_STAGE_COUNT = sizeof stop_stages / sizeof stop_stages[0] };

struct children {
	struct super *super;
	struct children_events events;
	void *context;
	struct child *first;
	bool started;      /* all were ready once */
	bool failed;       /* to start; said already */
	bool stopping;
	bool stopped;      /* said already */
	unsigned stop_stage;
	struct ballot ballot;
};

static void on_serving(void *context, struct child *child);
static void on_reload(void *context, struct child *child, enum child_reload result,
	const char *text);
static void on_ended(void *context, struct child *child, int status);
static void on_lost(void *context, struct child *child, enum role peer, unsigned instance);
static void on_restart(void *context, struct child *child);

static const struct child_events child_events = { on_serving, on_reload, on_ended, on_lost,
	on_restart };

struct children *
children_new(struct super *super, const struct children_events *events, void *context)
{
	struct children *children = mem_alloc(sizeof *children);

	children->super = super;
	children->events = *events;
	children->context = context;
	return children;
}

void
children_free(struct children **children)
{
	struct child *child;

	if (!*children)
		return;
	while ((child = (*children)->first)) {
		(*children)->first = child->next;
		child_free(&child);
	}
	ballot_fini(&(*children)->ballot);
	mem_free(children);
}

struct child *
children_next(struct children *children, struct child *child)
{
	return child ? child->next : children->first;
}

struct child *
children_find(struct children *children, enum role role)
{
	for (struct child *child = children->first; child; child = child->next) {
		if (child->role == role && child->phase == CHILD_SERVING)
			return child;
	}
	return NULL;
}

static struct child *
add(struct children *children, enum role role, struct fault *fault)
{
	struct child **end = &children->first;
	unsigned instance;

	if (!roster_find_instance(children->first, role, &instance)) {
		fault_set(fault, FAULT_LIMIT, "more than %u front ends", (unsigned)GATE_COLUMNS);
		return NULL;
	}
	while (*end)
		end = &(*end)->next;
	*end = child_new(children->super, role, instance, &child_events, children);
	return *end;
}

static void
remove_child(struct children *children, struct child *child)
{
	struct child **place = &children->first;

	while (*place != child)
		place = &(*place)->next;
	*place = child->next;
	child_free(&child);
}

/* ---- start ------------------------------------------------------------------------------------ */

/* At first, front ends wait until all behind them serve: no client meets half a daemon. */
static bool
may_begin(const struct children *children, const struct child *child)
{
	if (children->started || !roster_is_front(child->role))
		return true;
	for (const struct child *other = children->first; other; other = other->next) {
		if (!roster_is_front(other->role) && other->phase != CHILD_SERVING)
			return false;
	}
	return true;
}

static bool
launch(struct children *children, struct child *child, struct fault *fault)
{
	if (!child_spawn(child, fault))
		return false;
	if (!child_provide(child, fault) || !links_connect_all(children->first, child, fault)) {
		child_kill(child, fault->text);
		return false;
	}
	if (may_begin(children, child))
		child_begin(child);
	return true;
}

/* Once the daemon runs: a failure is for later. */
static void
start_again(struct children *children, struct child *child)
{
	struct fault fault = FAULT_INIT;

	if (launch(children, child, &fault))
		return;
	log_event(EV_SUPER_FAILED, kv_str("of", role_name(child->role)), kv_fault(&fault));
	/* Without a process nothing will end and bring it back here. */
	if (child->pid == 0)
		child_restart_later(child);
}

bool
children_start(struct children *children, struct fault *fault)
{
	static const enum role order[] = { ROLE_KEYS, ROLE_AUTH, ROLE_QUEUE, ROLE_RELAY, ROLE_DIAL,
		ROLE_SMTP, ROLE_MAILBOX };

	for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
		for (unsigned n = roster_wanted(children->super->now.settings, order[i]); n > 0; n--) {
			struct child *child = add(children, order[i], fault);

			if (!child || !launch(children, child, fault))
				return fault_add(fault, "%s", role_name(order[i]));
		}
	}
	return true;
}

static void
check_all_ready(struct children *children)
{
	for (struct child *child = children->first; child; child = child->next) {
		if (child->phase != CHILD_SERVING)
			return;
	}
	children->started = true;
	children->events.on_all_ready(children->context);
}

static void
begin_front_ends(struct children *children)
{
	for (struct child *child = children->first; child; child = child->next) {
		if (roster_is_front(child->role) && !may_begin(children, child))
			return;
	}
	for (struct child *child = children->first; child; child = child->next) {
		if (roster_is_front(child->role) && child->phase == CHILD_STARTING)
			child_begin(child);
	}
}

/* One more serves, or one has gone. */
static void
settle(struct children *children)
{
	ballot_look(&children->ballot, children->first);
	children->events.on_settled(children->context);
}

static void
on_serving(void *context, struct child *child)
{
	struct children *children = context;

	(void)child;
	if (!children->started && !children->stopping) {
		begin_front_ends(children);
		check_all_ready(children);
	}
	settle(children);
}

bool
children_are_settled(const struct children *children)
{
	for (const struct child *child = children->first; child; child = child->next) {
		if (child->phase == CHILD_STARTING)
			return false;
	}
	return children->started;
}

/* ---- reload ----------------------------------------------------------------------------------- */

/* More or fewer front ends than before. What cannot be started now is tried again. */
static void
fit_workers(struct children *children, enum role role)
{
	unsigned goal = roster_wanted(children->super->now.settings, role);
	struct fault fault = FAULT_INIT;

	while (roster_count(children->first, role) < goal) {
		struct child *child = add(children, role, &fault);

		if (!child) {
			log_event(EV_SUPER_FAILED, kv_str("of", role_name(role)), kv_fault(&fault));
			return;
		}
		start_again(children, child);
	}
	while (roster_count(children->first, role) > goal) {
		struct child *child = roster_find_last(children->first, role);

		child->retired = true;
		if (child->channel)
			child_stop(child, RETIRE_GRACE_MS);
		else
			remove_child(children, child);
	}
}

static void
on_reload(void *context, struct child *child, enum child_reload result, const char *text)
{
	struct children *children = context;

	ballot_count(&children->ballot, child, result, text);
	/* Of one that has ended, the rest is in on_ended(). */
	if (result != CHILD_LOST)
		ballot_look(&children->ballot, children->first);
}

void
children_check(struct children *children, ballot_done_fn *on_done, void *context)
{
	ballot_check(&children->ballot, children->first, on_done, context);
}

void
children_take(struct children *children, ballot_done_fn *on_done, void *context)
{
	ballot_take(&children->ballot, children->first, on_done, context);
}

void
children_fit_workers(struct children *children)
{
	if (children->stopping)
		return;
	fit_workers(children, ROLE_SMTP);
	fit_workers(children, ROLE_MAILBOX);
}

void
children_forget(struct children *children)
{
	for (struct child *child = children->first; child; child = child->next)
		child_forget(child);
}

/* ---- the end of one --------------------------------------------------------------------------- */

static void
say_start_failed(struct children *children, enum role role, int status)
{
	char text[START_FAILED_MAX_BYTES];

	if (children->failed)
		return;
	children->failed = true;
	if (WIFSIGNALED(status))
		snprintf(text, sizeof text, "%s was ended by signal %d", role_name(role),
			WTERMSIG(status));
	else if (WEXITSTATUS(status) == CONFINE_BREACH_STATUS)
		snprintf(text, sizeof text, "%s made a forbidden system call",
			role_name(role));
	else
		snprintf(text, sizeof text,
			"%s could not start (status %d); its reason stands in the log",
			role_name(role), WEXITSTATUS(status));
	/* What only the administrator can mend is told to whoever would start us again. */
	children->events.on_start_failed(children->context, text,
		WIFEXITED(status) && WEXITSTATUS(status) == ROLE_REFUSED_STATUS ?
			ROLE_REFUSED_STATUS :
			EXIT_FAILURE);
}

static void next_stop_stage(struct children *children);

static void
on_ended(void *context, struct child *child, int status)
{
	struct children *children = context;

	links_cut_all(children->first, child);
	if (roster_is_front(child->role))
		shared_gate_sweep(children->super->gate, child->instance);
	child->pid = 0;
	if (children->stopping || child->retired) {
		remove_child(children, child);
		if (children->stopping)
			next_stop_stage(children);
		settle(children);
		return;
	}
	if (!children->started) {
		enum role role = child->role;

		remove_child(children, child);
		say_start_failed(children, role, status);
		return;
	}
	if (child->anew == CHILD_ANEW_STARTING)
		child_restart_now(child);
	else
		child_restart_later(child);
	settle(children);
}

static void
on_lost(void *context, struct child *child, enum role peer, unsigned instance)
{
	struct children *children = context;
	struct fault fault = FAULT_INIT;

	if (!links_renew(children->first, child, peer, instance, &fault))
		log_event(EV_SUPER_FAILED, kv_fault(&fault));
}

static void
on_restart(void *context, struct child *child)
{
	struct children *children = context;

	/* What it would be given now may be of the past before it serves. */
	if (children->ballot.phase == BALLOT_CHECKING)
		child_postpone(child);
	else
		start_again(children, child);
}

void
children_reap(struct children *children)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct child *child = children->first;

		while (child && child->pid != pid)
			child = child->next;
		if (child)
			child_ended(child, status);
	}
}

/* ---- the end of all --------------------------------------------------------------------------- */

static bool
stop_stage(struct children *children)
{
	unsigned roles = stop_stages[children->stop_stage].roles;
	bool any = false;
	struct child *next;

	for (struct child *child = children->first; child; child = next) {
		next = child->next;
		if (!(ROLE_BIT(child->role) & roles))
			continue;
		if (child->pid == 0) {
			remove_child(children, child);
			continue;
		}
		any = true;
		/* A retired front end has an hour; now it has as long as the others. */
		child_stop(child, stop_stages[children->stop_stage].grace_ms);
	}
	return any;
}

static bool
has_any(const struct children *children, unsigned roles)
{
	for (const struct child *child = children->first; child; child = child->next) {
		if (ROLE_BIT(child->role) & roles)
			return true;
	}
	return false;
}

static void
next_stop_stage(struct children *children)
{
	if (!children->stopping || has_any(children, stop_stages[children->stop_stage].roles))
		return;
	while (++children->stop_stage < STOP_STAGE_COUNT) {
		if (stop_stage(children))
			return;
	}
	children->stop_stage = STOP_STAGE_COUNT - 1;
	if (!children->stopped)
		children->events.on_all_stopped(children->context);
	children->stopped = true;
}

void
children_stop(struct children *children)
{
	if (children->stopping)
		return;
	children->stopping = true;
	children->stop_stage = 0;
	if (!stop_stage(children))
		next_stop_stage(children);
}
