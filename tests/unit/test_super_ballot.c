/* SPDX-License-Identifier: BSD-2-Clause */
/* The vote among the children, who are stood in for here. */
#include "unit.h"

#include <stdio.h>

#include "super/ballot.h"

enum { CHILDREN = 4 };

static struct child children[CHILDREN];
static struct ballot ballot;
static char told[256]; /* who was told what, in order */
static unsigned done;
static char refusals[256];

static void
tell(const char *what, struct child *child)
{
	size_t length = strlen(told);

	snprintf(told + length, sizeof told - length, "%s %s;", what, role_name(child->role));
	child->asked = true;
}

static bool at_once; /* auth refuses before anybody else was asked */

void
child_check(struct child *child)
{
	tell("check", child);
	if (!at_once || child->role != ROLE_AUTH)
		return;
	child->asked = false;
	ballot_count(&ballot, child, CHILD_REFUSED, "no means");
	ballot_look(&ballot, children);
}

void
child_take(struct child *child)
{
	child->checked = false;
	tell("take", child);
}

static void
on_done(void *context, const char *why)
{
	assert_ptr_equal(context, &ballot);
	assert_int_equal(ballot.phase, BALLOT_NONE);
	snprintf(refusals, sizeof refusals, "%s", why ? why : "");
	done++;
}

static void
answer(unsigned i, enum child_reload result, const char *text)
{
	children[i].asked = false;
	children[i].checked = result == CHILD_CHECKED;
	ballot_count(&ballot, &children[i], result, text);
	ballot_look(&ballot, children);
}

static int
set_up(void **state)
{
	static const enum role roles[CHILDREN] = { ROLE_SMTP, ROLE_AUTH, ROLE_KEYS, ROLE_QUEUE };

	(void)state;
	for (unsigned i = 0; i < CHILDREN; i++)
		children[i] = (struct child){ .role = roles[i],
			.phase = CHILD_SERVING,
			.next = i + 1 < CHILDREN ? &children[i + 1] : NULL };
	told[0] = '\0';
	done = 0;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	ballot_fini(&ballot);
	ballot = (struct ballot){ .phase = BALLOT_NONE };
	return 0;
}

static void
check_all(void)
{
	ballot_check(&ballot, children, on_done, &ballot);
	for (unsigned i = 0; i < CHILDREN; i++) {
		assert_int_equal(done, 0);
		answer(i, CHILD_CHECKED, "");
	}
	assert_int_equal(done, 1);
	assert_string_equal(refusals, "");
}

/* All at once are asked; keys is the first to take, and the others wait for it. */
static void
all_take(void **state)
{
	(void)state;
	check_all();
	assert_string_equal(told, "check smtp;check auth;check keys;check queue;");
	told[0] = '\0';
	ballot_take(&ballot, children, on_done, &ballot);
	assert_string_equal(told, "take keys;");
	answer(2, CHILD_TAKEN, "");
	assert_string_equal(told, "take keys;take smtp;take auth;take queue;");
	answer(0, CHILD_TAKEN, "");
	answer(1, CHILD_TAKEN, "");
	assert_int_equal(done, 1);
	answer(3, CHILD_TAKEN, "");
	assert_int_equal(done, 2);
}

/* Everybody is heard; who refuses and why is said of each. */
static void
refusals_are_gathered(void **state)
{
	(void)state;
	ballot_check(&ballot, children, on_done, &ballot);
	answer(3, CHILD_REFUSED, "x.conf:3: no");
	answer(0, CHILD_CHECKED, "");
	answer(2, CHILD_LOST, "");
	assert_int_equal(done, 0);
	answer(1, CHILD_REFUSED, "x.conf:9: not here");
	assert_int_equal(done, 1);
	assert_string_equal(refusals, "queue refuses: x.conf:3: no; keys ended while it was asked; "
				      "auth refuses: x.conf:9: not here");
	/* The next one begins anew. */
	done = 0;
	check_all();
}

static void
a_refusal_at_once(void **state)
{
	(void)state;
	at_once = true;
	children[0].phase = CHILD_WAITING;
	ballot_check(&ballot, children, on_done, &ballot);
	at_once = false;
	assert_string_equal(told, "check auth;check keys;check queue;");
	answer(2, CHILD_CHECKED, "");
	assert_int_equal(done, 0);
	answer(3, CHILD_CHECKED, "");
	assert_int_equal(done, 1);
	assert_string_equal(refusals, "auth refuses: no means");
}

/* Who does not serve has no vote, and is told nothing. */
static void
only_who_serves(void **state)
{
	(void)state;
	children[1].phase = CHILD_WAITING;
	children[2].phase = CHILD_STOPPING;
	ballot_check(&ballot, children, on_done, &ballot);
	assert_string_equal(told, "check smtp;check queue;");
	answer(0, CHILD_CHECKED, "");
	answer(3, CHILD_CHECKED, "");
	told[0] = '\0';
	children[1].phase = CHILD_SERVING;
	ballot_take(&ballot, children, on_done, &ballot);
	assert_string_equal(told, "take smtp;take queue;");
}

/* After the vote a loss is no refusal. */
static void
lost_while_taking(void **state)
{
	(void)state;
	check_all();
	ballot_take(&ballot, children, on_done, &ballot);
	answer(2, CHILD_LOST, "");
	for (unsigned i = 0; i < CHILDREN; i++)
		answer(i, i == 1 ? CHILD_LOST : CHILD_TAKEN, "");
	assert_int_equal(done, 2);
	assert_string_equal(refusals, "");
}

/* One that is replaced is waited for, though nothing is asked of it just then. */
static void
a_new_process_is_waited_for(void **state)
{
	(void)state;
	check_all();
	ballot_take(&ballot, children, on_done, &ballot);
	answer(2, CHILD_TAKEN, "");
	answer(0, CHILD_TAKEN, "");
	answer(3, CHILD_TAKEN, "");
	children[1].asked = false;
	children[1].anew = CHILD_ANEW_STARTING;
	ballot_look(&ballot, children);
	assert_int_equal(done, 1);
	children[1].anew = CHILD_ANEW_NO;
	answer(1, CHILD_TAKEN, "");
	assert_int_equal(done, 2);
}

static void
nobody_serves(void **state)
{
	(void)state;
	ballot_check(&ballot, NULL, on_done, &ballot);
	assert_int_equal(done, 1);
	ballot_take(&ballot, NULL, on_done, &ballot);
	assert_int_equal(done, 2);
	ballot_look(&ballot, children);
	assert_int_equal(done, 2);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(all_take),
		CASE(refusals_are_gathered),
		CASE(a_refusal_at_once),
		CASE(only_who_serves),
		CASE(lost_while_taking),
		CASE(a_new_process_is_waited_for),
		CASE(nobody_serves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
