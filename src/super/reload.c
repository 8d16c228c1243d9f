/* SPDX-License-Identifier: BSD-2-Clause */
/* Reload in two steps. */
#include "super/reload.h"

#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "config/config.h"
#include "super/children.h"
#include "super/control.h"
#include "super/notice.h"
#include "super/secrets.h"

/* Who gets an answer. */
struct waiter {
	struct waiter *next;
	reload_done_fn *on_done;
	void *context;
};

struct reload {
	struct super *super;
	bool under_way;
	bool wanted;           /* one more, behind it */
	struct waiter *asked;  /* for that */
	struct waiter *served; /* by the one under way */
	uint32_t generation;   /* the last one that was given a number */
	bool reopen_logs;      /* put off until the end */
	bool send_ticket_keys;
};

struct reload *
reload_new(struct super *super)
{
	struct reload *reload = mem_alloc(sizeof *reload);

	reload->super = super;
	reload->generation = super->now.generation;
	return reload;
}

static void
answer_all(struct waiter **list, const struct fault *why)
{
	while (*list) {
		struct waiter *waiter = *list;

		*list = waiter->next;
		waiter->on_done(waiter->context, why);
		mem_free(&waiter);
	}
}

static void
free_all(struct waiter **list)
{
	while (*list) {
		struct waiter *waiter = *list;

		*list = waiter->next;
		mem_free(&waiter);
	}
}

void
reload_free(struct reload **reload)
{
	if (!*reload)
		return;
	free_all(&(*reload)->asked);
	free_all(&(*reload)->served);
	mem_free(reload);
}

/* ---- the end ---------------------------------------------------------------------------------- */

static void
catch_up(struct reload *reload)
{
	bool reopen_logs = reload->reopen_logs;
	bool send_ticket_keys = reload->send_ticket_keys;

	reload->reopen_logs = false;
	reload->send_ticket_keys = false;
	if (reopen_logs)
		super_reopen_logs(reload->super);
	if (send_ticket_keys)
		super_send_ticket_keys(reload->super);
}

static void
finish(struct reload *reload, const struct fault *why)
{
	struct waiter *served = reload->served;

	if (why)
		log_event(EV_SUPER_KEPT, kv_fault(why));
	else
		log_event(EV_SUPER_RELOADED, kv_int("generation", reload->super->now.generation));
	notice_reloaded();
	reload->under_way = false;
	reload->served = NULL;
	catch_up(reload);
	answer_all(&served, why);
	reload_go_on(reload);
}

/* ---- the steps -------------------------------------------------------------------------------- */

static void
on_taken(void *context, const char *refusals)
{
	struct reload *reload = context;

	(void)refusals; /* nobody may refuse any more */
	children_fit_workers(reload->super->children);
	finish(reload, NULL);
}

/* From here on there is no way back, and none is needed. */
static void
take(struct reload *reload)
{
	struct super *super = reload->super;
	struct supply old = super->now;

	super->now = super->next;
	super->next = (struct supply){ .settings = NULL };
	listeners_begin(super->now.listeners);
	logs_use(super->now.logs, super->now.settings);
	control_set_users(super->control, super->now.settings);
	secrets_set_listeners(super->secrets, super->now.settings);
	supply_close(&old, &super->now);
	children_take(super->children, on_taken, reload);
}

static void
on_checked(void *context, const char *refusals)
{
	struct reload *reload = context;
	struct super *super = reload->super;
	struct fault why = FAULT_INIT;

	if (!refusals) {
		take(reload);
		return;
	}
	fault_set(&why, FAULT_SYSTEM, "%s", refusals);
	children_forget(super->children);
	supply_close(&super->next, &super->now);
	secrets_set_listeners(super->secrets, super->now.settings);
	finish(reload, &why);
}

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

/* Everything that can go wrong here, before anybody else is asked. */
static bool
open_next(struct reload *reload, struct fault *fault)
{
	struct super *super = reload->super;
	struct settings *fresh = config_load(super->options.config, fault);

	if (!fresh)
		return false;
	if (!check_fixed(super->now.settings, fresh, fault)) {
		settings_free(&fresh);
		return false;
	}
	if (!supply_open(&super->next, fresh, &super->now, fault))
		return false;
	super->next.generation = ++reload->generation;
	secrets_add_listeners(super->secrets, fresh);
	return true;
}

static void
begin(struct reload *reload)
{
	struct fault fault = FAULT_INIT;

	reload->wanted = false;
	reload->under_way = true;
	reload->served = reload->asked;
	reload->asked = NULL;
	notice_reloading();
	if (open_next(reload, &fault))
		children_check(reload->super->children, on_checked, reload);
	else
		finish(reload, &fault);
}

void
reload_go_on(struct reload *reload)
{
	if (reload->wanted && !reload->under_way && !reload->super->stopping &&
		children_are_settled(reload->super->children))
		begin(reload);
}

void
reload_ask(struct reload *reload, reload_done_fn *on_done, void *context)
{
	struct waiter **end = &reload->asked;
	struct waiter *waiter;

	if (on_done) {
		waiter = mem_alloc(sizeof *waiter);
		*waiter = (struct waiter){ NULL, on_done, context };
		while (*end)
			end = &(*end)->next;
		*end = waiter;
	}
	reload->wanted = true;
	if (reload->super->stopping)
		reload_stop(reload);
	else
		reload_go_on(reload);
}

void
reload_stop(struct reload *reload)
{
	struct fault why = FAULT_INIT;

	fault_set(&why, FAULT_BUSY, "the daemon is stopping");
	reload->wanted = false;
	answer_all(&reload->asked, &why);
}

bool
reload_may_reopen_logs(struct reload *reload)
{
	reload->reopen_logs |= reload->under_way;
	return !reload->under_way;
}

bool
reload_may_send_ticket_keys(struct reload *reload)
{
	reload->send_ticket_keys |= reload->under_way;
	return !reload->under_way;
}
