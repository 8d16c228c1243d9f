/* SPDX-License-Identifier: BSD-2-Clause */
/* The steps of a reload, with everything around them stood in for. */
#include "unit.h"

#include <stdio.h>

#include "base/memory.h"
#include "config/config.h"
#include "super/children.h"
#include "super/control.h"
#include "super/notice.h"
#include "super/reload.h"
#include "super/secrets.h"

static struct super super;
static struct settings settings[16];
static unsigned loads;       /* of the file */
static bool bad_file, bad_supply;
static bool settled = true;
static char did[512];        /* what was asked of the others, in order */
static ballot_done_fn *on_vote;
static void *vote_context;
static unsigned answers[8];
static char why[8][FAULT_TEXT_MAX_BYTES];

static void
note(const char *what)
{
	size_t length = strlen(did);

	snprintf(did + length, sizeof did - length, "%s ", what);
}

/* ---- the others ------------------------------------------------------------------------------- */

struct settings *
config_load(const char *path, struct fault *fault)
{
	struct settings *fresh = &settings[++loads];

	assert_string_equal(path, "/etc/x.conf");
	if (bad_file) {
		fault_set(fault, FAULT_CONFIG, "x.conf:1: no");
		return NULL;
	}
	*fresh = settings[0];
	return fresh;
}

void
settings_free(struct settings **old)
{
	if (*old)
		note("free-settings");
	*old = NULL;
}

bool
supply_open(struct supply *supply, struct settings *fresh, const struct supply *old,
	struct fault *fault)
{
	assert_ptr_equal(supply, &super.next);
	assert_ptr_equal(old, &super.now);
	if (bad_supply)
		return fault_set(fault, FAULT_SYSTEM, "cannot be opened");
	*supply = (struct supply){ .settings = fresh };
	return true;
}

void
supply_close(struct supply *supply, const struct supply *kept)
{
	assert_ptr_equal(kept, &super.now);
	note(supply == &super.next ? "close-next" : "close-old");
	*supply = (struct supply){ .settings = NULL };
}

void
listeners_begin(struct listeners *listeners)
{
	(void)listeners;
	note("listen");
}

void
logs_use(const struct logs *logs, const struct settings *now)
{
	(void)logs;
	assert_ptr_equal(now, super.now.settings);
	note("log");
}

void
control_set_users(struct control *control, const struct settings *now)
{
	(void)control;
	assert_ptr_equal(now, super.now.settings);
}

void
secrets_add_listeners(struct secrets *secrets, const struct settings *next)
{
	(void)secrets;
	assert_ptr_equal(next, super.next.settings);
}

void
secrets_set_listeners(struct secrets *secrets, const struct settings *now)
{
	(void)secrets;
	assert_ptr_equal(now, super.now.settings);
	note("secrets");
}

bool
children_are_settled(const struct children *children)
{
	(void)children;
	return settled;
}

void
children_check(struct children *children, ballot_done_fn *on_done, void *context)
{
	(void)children;
	on_vote = on_done;
	vote_context = context;
	note("check");
}

void
children_take(struct children *children, ballot_done_fn *on_done, void *context)
{
	children_check(children, on_done, context);
	note("take");
}

void
children_forget(struct children *children)
{
	(void)children;
	note("forget");
}

void
children_fit_workers(struct children *children)
{
	(void)children;
	note("fit");
}

void
notice_reloading(void)
{
	note("begin");
}

void
notice_reloaded(void)
{
	note("end");
}

void
super_reopen_logs(struct super *whole)
{
	assert_true(reload_may_reopen_logs(whole->reload));
	note("reopen");
}

void
super_send_ticket_keys(struct super *whole)
{
	assert_true(reload_may_send_ticket_keys(whole->reload));
	note("tickets");
}

/* ---- cases ------------------------------------------------------------------------------------ */

static int
set_up(void **state)
{
	(void)state;
	loads = 0;
	bad_file = bad_supply = false;
	settled = true;
	did[0] = '\0';
	memset(answers, 0, sizeof answers);
	settings[0] = (struct settings){ .state_dir = "/s", .run_dir = "/r" };
	settings[0].users.smtp = settings[0].users.mailbox = settings[0].users.auth = "";
	settings[0].users.keys = settings[0].users.dial = settings[0].users.queue = "";
	settings[0].users.relay = "";
	super = (struct super){ .options.config = "/etc/x.conf" };
	super.now = (struct supply){ .generation = 1, .settings = &settings[0] };
	super.reload = reload_new(&super);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	reload_free(&super.reload);
	return 0;
}

static void
on_done(void *context, const struct fault *fault)
{
	unsigned who = (unsigned)((unsigned *)context - answers);

	answers[who]++;
	snprintf(why[who], sizeof why[who], "%s", fault ? fault->text : "");
}

static void
ask(unsigned who)
{
	reload_ask(super.reload, on_done, &answers[who]);
}

static void
vote(const char *refusals)
{
	on_vote(vote_context, refusals);
}

static void
assert_did(const char *wanted)
{
	assert_string_equal(did, wanted);
	did[0] = '\0';
}

static void
taken(void **state)
{
	(void)state;
	ask(0);
	assert_did("begin check ");
	assert_int_equal(super.now.generation, 1);
	assert_int_equal(super.next.generation, 2);
	vote(NULL);
	assert_did("listen log secrets close-old check take ");
	assert_int_equal(super.now.generation, 2);
	assert_ptr_equal(super.now.settings, &settings[1]);
	assert_null(super.next.settings);
	assert_int_equal(answers[0], 0);
	vote(NULL);
	assert_did("fit end ");
	assert_int_equal(answers[0], 1);
	assert_string_equal(why[0], "");
}

static void
refused_by_a_role(void **state)
{
	(void)state;
	ask(0);
	did[0] = '\0';
	vote("auth refuses: x.conf:3: no");
	assert_did("forget close-next secrets end ");
	assert_int_equal(super.now.generation, 1);
	assert_int_equal(answers[0], 1);
	assert_string_equal(why[0], "auth refuses: x.conf:3: no");
	/* A number is never given twice, though the first was never used. */
	ask(0);
	assert_int_equal(super.next.generation, 3);
	vote(NULL);
	vote(NULL);
	assert_int_equal(super.now.generation, 3);
}

static void
refused_at_once(void **state)
{
	(void)state;
	bad_file = true;
	ask(0);
	assert_did("begin end ");
	assert_string_equal(why[0], "x.conf:1: no");
	bad_file = false;
	bad_supply = true;
	ask(1);
	assert_did("begin end ");
	assert_string_equal(why[1], "cannot be opened");
	bad_supply = false;
	settings[0].state_dir = "/elsewhere";
	super.now.settings = &(struct settings){ .state_dir = "/s", .run_dir = "/r" };
	ask(2);
	assert_did("begin free-settings end ");
	assert_non_null(strstr(why[2], "state-dir cannot be changed"));
	assert_int_equal(super.now.generation, 1);
}

/* One more behind the one under way, for all who ask meanwhile; and it reads the file when it begins. */
static void
asked_for_meanwhile(void **state)
{
	(void)state;
	ask(0);
	ask(1);
	reload_ask(super.reload, NULL, NULL);
	ask(2);
	assert_int_equal(loads, 1);
	vote(NULL);
	ask(3);
	vote(NULL);
	assert_int_equal(answers[0], 1);
	assert_int_equal(loads, 2);
	assert_int_equal(answers[1] + answers[2] + answers[3], 0);
	vote("queue refuses: no");
	assert_int_equal(loads, 2);
	for (unsigned i = 1; i <= 3; i++) {
		assert_int_equal(answers[i], 1);
		assert_string_equal(why[i], "queue refuses: no");
	}
}

static void
waits_for_a_start(void **state)
{
	(void)state;
	settled = false;
	ask(0);
	assert_did("");
	reload_go_on(super.reload);
	assert_did("");
	settled = true;
	reload_go_on(super.reload);
	reload_go_on(super.reload);
	assert_did("begin check ");
	assert_int_equal(loads, 1);
}

/* What the roles would get in between is given to them behind it. */
static void
put_off(void **state)
{
	(void)state;
	assert_true(reload_may_reopen_logs(super.reload));
	assert_true(reload_may_send_ticket_keys(super.reload));
	ask(0);
	assert_false(reload_may_reopen_logs(super.reload));
	assert_false(reload_may_send_ticket_keys(super.reload));
	did[0] = '\0';
	vote("no");
	assert_did("forget close-next secrets end reopen tickets ");
	ask(0);
	vote("no");
	assert_null(strstr(did, "reopen"));
}

static void
stopping(void **state)
{
	(void)state;
	ask(0);
	ask(1);
	super.stopping = true;
	reload_stop(super.reload);
	assert_string_equal(why[1], "the daemon is stopping");
	ask(2);
	assert_string_equal(why[2], "the daemon is stopping");
	vote("smtp ended while it was asked");
	assert_int_equal(answers[0], 1);
	assert_int_equal(loads, 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(taken),
		CASE(refused_by_a_role),
		CASE(refused_at_once),
		CASE(asked_for_meanwhile),
		CASE(waits_for_a_start),
		CASE(put_off),
		CASE(stopping),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
