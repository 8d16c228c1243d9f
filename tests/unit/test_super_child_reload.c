/* SPDX-License-Identifier: BSD-2-Clause */
/* A child in a reload: it takes the new settings, refuses them, wants a new process, or is gone. */
#include "child_fixture.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

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

#define CASE(name) cmocka_unit_test_setup_teardown(name, child_set_up, child_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(reload_taken),
		CASE(reload_refused_and_forgotten),
		CASE(reload_answered_by_something_else),
		CASE(reload_without_means),
		CASE(reload_by_a_new_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
