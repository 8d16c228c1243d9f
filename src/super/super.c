/* SPDX-License-Identifier: BSD-2-Clause */
/* The supervisor as a whole. */
#include "super/super.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "super/children.h"
#include "super/control.h"
#include "super/notice.h"
#include "super/privilege.h"
#include "super/provide.h"
#include "super/reload.h"
#include "super/secrets.h"
#include "super/shared_gate.h"

enum { ROLL_EVERY_MS = 5000 };

/* ---- what the parts tell ---------------------------------------------------------------------- */

static void
on_all_ready(void *context)
{
	struct super *super = context;

	log_event(EV_SUPER_READY, kv_str("config", super->options.config),
		kv_int("generation", super->now.generation));
	notice_ready(super->options.ready_fd);
	super->options.ready_fd = -1;
}

static void
on_start_failed(void *context, const char *text, int status)
{
	struct super *super = context;

	log_event(EV_SUPER_FAILED, kv_str("reason", text));
	/* Whoever called us from a terminal does not see the log. */
	if (!super->options.foreground)
		fprintf(stderr, "sallyportd: %s\n", text);
	super_stop(super, status);
}

static void
on_all_stopped(void *context)
{
	struct super *super = context;

	log_event(EV_SUPER_STOPPED);
	loop_stop(super->loop);
}

static void
send_ticket_key(struct super *super, const char *listener, struct span key)
{
	struct child *child = NULL;

	while ((child = children_next(super->children, child))) {
		if (child->channel && (child->role == ROLE_SMTP || child->role == ROLE_MAILBOX))
			provide_secret(child->channel, SECRET_TICKET_KEY, listener, key);
	}
}

static void
on_ticket_key(void *context, const char *listener, struct span key)
{
	struct super *super = context;

	if (reload_may_send_ticket_keys(super->reload))
		send_ticket_key(super, listener, key);
}

void
super_send_ticket_keys(struct super *super)
{
	const struct settings_listeners *list = &super->now.settings->listener;

	for (size_t i = 0; i < list->count; i++) {
		struct span key = secrets_ticket_key(super->secrets, list->items[i].title);

		if (key.length)
			send_ticket_key(super, list->items[i].title, key);
	}
}

static void
on_settled(void *context)
{
	struct super *super = context;

	reload_go_on(super->reload);
}

/* ---- signals ---------------------------------------------------------------------------------- */

static void
on_terminate(void *context)
{
	super_stop(context, EXIT_SUCCESS);
}

static void
on_child(void *context)
{
	struct super *super = context;

	if (super->children)
		children_reap(super->children);
}

/* A signal has no answer; refusals are logged. */
static void
on_hangup(void *context)
{
	struct super *super = context;

	reload_ask(super->reload, NULL, NULL);
}

void
super_reopen_logs(struct super *super)
{
	struct fault fault = FAULT_INIT;
	struct child *child = NULL;
	struct logs *fresh;

	if (!reload_may_reopen_logs(super->reload))
		return;
	fresh = logs_open(super->now.settings, &fault);
	if (!fresh) {
		log_event(EV_LOGS_KEPT, kv_fault(&fault));
		return;
	}
	logs_use(fresh, super->now.settings);
	logs_free(&super->now.logs);
	super->now.logs = fresh;
	log_event(EV_LOGS_OPENED);
	while ((child = children_next(super->children, child))) {
		if (child->channel)
			provide_logs(super, child->channel, &fault);
	}
}

static void
on_reopen(void *context)
{
	super_reopen_logs(context);
}

static void
on_roll(void *context)
{
	struct super *super = context;

	loop_timer_start(&super->roll, ROLL_EVERY_MS);
	if (logs_roll(super->now.logs, super->now.settings, clock_wall_ms()))
		super_reopen_logs(super);
}

static void
watch_signals(struct super *super)
{
	signal(SIGPIPE, SIG_IGN);
	loop_signal(super->loop, SIGTERM, on_terminate, super);
	loop_signal(super->loop, SIGINT, on_terminate, super);
	loop_signal(super->loop, SIGHUP, on_hangup, super);
	loop_signal(super->loop, SIGUSR1, on_reopen, super);
	loop_signal(super->loop, SIGCHLD, on_child, super);
}

/* ---- start ------------------------------------------------------------------------------------ */

static bool
open_parts(struct super *super, struct settings *settings, struct fault *fault)
{
	if (!notice_lock(settings->run_dir, fault) ||
		!privilege_make_directories(settings, fault) ||
		!notice_lock_state(settings->state_dir, fault)) {
		settings_free(&settings);
		return false;
	}
	if (!supply_open(&super->now, settings, &(struct supply){ .settings = NULL }, fault))
		return false;
	super->now.generation = 1;
	if (!super->options.foreground && settings->log.file[0] == '\0')
		return fault_set(fault, FAULT_CONFIG,
			"log file is not set, and in the background there is no standard error: "
			"set log { file = … } or use -f");
	logs_use(super->now.logs, settings);
	super->gate = shared_gate_new(fault);
	super->control = super->gate ? control_open(super, fault) : NULL;
	return super->control && privilege_reduce(fault);
}

bool
super_start(struct super *super, const struct super_options *options, struct settings *settings,
	struct fault *fault)
{
	static const struct children_events events = { on_all_ready, on_start_failed,
		on_all_stopped, on_settled };

	*super = (struct super){ .options = *options };
	super->loop = loop_new();
	super->started_ms = loop_now_ms(super->loop);
	if (!open_parts(super, settings, fault))
		return false;
	super->secrets = secrets_new(super->loop, on_ticket_key, super);
	secrets_set_listeners(super->secrets, settings);
	super->children = children_new(super, &events, super);
	super->reload = reload_new(super);
	watch_signals(super);
	loop_timer_init(&super->roll, super->loop, on_roll, super);
	loop_timer_start(&super->roll, ROLL_EVERY_MS);
	return children_start(super->children, fault);
}

void
super_run(struct super *super)
{
	loop_run(super->loop);
}

void
super_free(struct super *super)
{
	loop_timer_stop(&super->roll);
	control_close(&super->control);
	children_free(&super->children);
	reload_free(&super->reload);
	secrets_free(&super->secrets);
	shared_gate_free(&super->gate);
	supply_close(&super->next, &super->now);
	supply_close(&super->now, NULL);
	loop_free(&super->loop);
	notice_unlock();
}

void
super_stop(struct super *super, int status)
{
	if (super->stopping)
		return;
	super->stopping = true;
	super->status = status;
	log_event(EV_SUPER_STOPPING);
	notice_stopping();
	reload_stop(super->reload);
	children_stop(super->children);
}
