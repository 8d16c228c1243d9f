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
#include "config/config.h"
#include "super/children.h"
#include "super/control.h"
#include "super/files.h"
#include "super/listeners.h"
#include "super/logs.h"
#include "super/notice.h"
#include "super/privilege.h"
#include "super/provide.h"
#include "super/secrets.h"
#include "super/shared_gate.h"

enum { ROLL_EVERY_MS = 5000 };

/* ---- what the parts tell ---------------------------------------------------------------------- */

static void
on_all_ready(void *context)
{
	struct super *super = context;

	log_event(EV_SUPER_READY, kv_str("config", super->options.config),
		kv_int("generation", super->generation));
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
on_ticket_key(void *context, const char *listener, struct span key)
{
	struct super *super = context;
	struct child *child = NULL;

	while ((child = children_next(super->children, child))) {
		if (child->channel && (child->role == ROLE_SMTP || child->role == ROLE_MAILBOX))
			provide_secret(child->channel, SECRET_TICKET_KEY, listener, key);
	}
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

static void
on_hangup(void *context)
{
	struct super *super = context;
	struct fault fault = FAULT_INIT;

	/* Refusals are logged there. A signal has no answer, so it is not turned away. */
	super->reload_again = super->reloading;
	if (!super->reloading)
		super_reload(super, NULL, NULL, &fault);
}

/* The log files were moved away: open them anew. */
static void
on_reopen(void *context)
{
	struct super *super = context;
	struct fault fault = FAULT_INIT;
	struct logs *fresh = logs_open(super->settings, &fault);
	struct child *child = NULL;

	if (!fresh) {
		log_event(EV_SUPER_KEPT, kv_fault(&fault));
		return;
	}
	logs_use(fresh, super->settings);
	logs_free(&super->logs);
	super->logs = fresh;
	log_event(EV_LOGS_OPENED);
	while ((child = children_next(super->children, child))) {
		if (child->channel)
			provide_logs(super, child->channel, &fault);
	}
}

static void
on_roll(void *context)
{
	struct super *super = context;

	loop_timer_start(&super->roll, ROLL_EVERY_MS);
	if (logs_roll(super->logs, super->settings, clock_wall_ms()))
		on_reopen(super);
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
open_parts(struct super *super, struct fault *fault)
{
	if (!notice_lock(super->settings->run_dir, fault) ||
		!privilege_make_directories(super->settings, fault) ||
		!files_check(super->settings, fault))
		return false;
	super->logs = logs_open(super->settings, fault);
	if (!super->logs)
		return false;
	if (!super->options.foreground && super->settings->log.file[0] == '\0')
		return fault_set(fault, FAULT_CONFIG,
			"log file is not set, and in the background there is no standard error: "
			"set log { file = … } or use -f");
	logs_use(super->logs, super->settings);
	super->listeners = listeners_open(super->settings, NULL, fault);
	if (!super->listeners)
		return false;
	super->gate = shared_gate_new(fault);
	super->control = super->gate ? control_open(super, fault) : NULL;
	return super->control && privilege_reduce(fault);
}

bool
super_start(struct super *super, const struct super_options *options, struct settings *settings,
	struct fault *fault)
{
	static const struct children_events events = { on_all_ready, on_start_failed,
		on_all_stopped };

	*super = (struct super){ .options = *options, .settings = settings, .generation = 1 };
	super->loop = loop_new();
	super->started_ms = loop_now_ms(super->loop);
	if (!open_parts(super, fault))
		return false;
	super->secrets = secrets_new(super->loop, on_ticket_key, super);
	secrets_set_listeners(super->secrets, settings);
	super->children = children_new(super, &events, super);
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
	secrets_free(&super->secrets);
	shared_gate_free(&super->gate);
	listeners_free(&super->listeners, NULL);
	logs_free(&super->logs);
	settings_free(&super->settings);
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
	children_stop(super->children);
}

/* ---- reload ----------------------------------------------------------------------------------- */

/* What this process was built on cannot change under it. */
static bool
check_fixed(const struct settings *old, const struct settings *fresh, struct fault *fault)
{
	static const char text[] = "%s cannot be changed by a reload: stop and start the daemon";

	if (strcmp(old->state_dir, fresh->state_dir) != 0)
		return fault_set(fault, FAULT_CONFIG, text, "state-dir");
	if (strcmp(old->run_dir, fresh->run_dir) != 0)
		return fault_set(fault, FAULT_CONFIG, text, "run-dir");
	if (strcmp(old->users.smtp, fresh->users.smtp) != 0 ||
		strcmp(old->users.mailbox, fresh->users.mailbox) != 0 ||
		strcmp(old->users.auth, fresh->users.auth) != 0 ||
		strcmp(old->users.keys, fresh->users.keys) != 0 ||
		strcmp(old->users.dial, fresh->users.dial) != 0 ||
		strcmp(old->users.queue, fresh->users.queue) != 0 ||
		strcmp(old->users.relay, fresh->users.relay) != 0)
		return fault_set(fault, FAULT_CONFIG, text, "users");
	return true;
}

struct reloading {
	struct super *super;
	super_done_fn *on_done;
	void *context;
};

static void
on_reloaded(void *context, bool done, const char *text)
{
	struct reloading *reloading = context;
	struct super *super = reloading->super;

	if (done)
		log_event(EV_SUPER_RELOADED, kv_int("generation", super->generation));
	else
		log_event(EV_SUPER_KEPT, kv_str("reason", text));
	notice_reloaded();
	if (reloading->on_done)
		reloading->on_done(reloading->context, done, text);
	super->reloading = false;
	mem_free(&reloading);
	if (super->reload_again)
		on_hangup(super);
}

/* Everything that can go wrong, before anything is changed. */
static bool
open_fresh(struct super *super, struct settings *fresh, struct logs **logs_out,
	struct listeners **listeners_out, struct fault *fault)
{
	if (!check_fixed(super->settings, fresh, fault) || !files_check(fresh, fault))
		return false;
	*logs_out = logs_open(fresh, fault);
	if (!*logs_out)
		return false;
	*listeners_out = listeners_open(fresh, super->listeners, fault);
	if (*listeners_out)
		return true;
	logs_free(logs_out);
	return false;
}

static void
use_fresh(struct super *super, struct settings *fresh, struct logs *logs,
	struct listeners *listeners)
{
	logs_use(logs, fresh);
	logs_free(&super->logs);
	super->logs = logs;
	listeners_free(&super->listeners, listeners);
	super->listeners = listeners;
	settings_free(&super->settings);
	super->settings = fresh;
	control_set_users(super->control, fresh);
	secrets_set_listeners(super->secrets, fresh);
	super->generation++;
}

bool
super_reload(struct super *super, super_done_fn *on_done, void *context, struct fault *fault)
{
	struct listeners *listeners = NULL;
	struct logs *logs = NULL;
	struct reloading *reloading;
	struct settings *fresh;

	if (super->reloading || super->stopping)
		return fault_set(fault, FAULT_BUSY, "a reload or a stop is under way");
	fresh = config_load(super->options.config, fault);
	if (!fresh || !open_fresh(super, fresh, &logs, &listeners, fault)) {
		settings_free(&fresh);
		log_event(EV_SUPER_KEPT, kv_fault(fault));
		return false;
	}
	notice_reloading();
	use_fresh(super, fresh, logs, listeners);
	super->reloading = true;
	reloading = mem_alloc(sizeof *reloading);
	*reloading = (struct reloading){ super, on_done, context };
	children_reload(super->children, on_reloaded, reloading);
	return true;
}
