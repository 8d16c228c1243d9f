/* SPDX-License-Identifier: BSD-2-Clause */
/* A reload among the children. */
#include "super/ballot.h"


void
ballot_fini(struct ballot *ballot)
{
	buf_fini(&ballot->refusals);
}

static bool
is_under_way(const struct child *first)
{
	for (const struct child *child = first; child; child = child->next) {
		if (child->asked || child->anew >= CHILD_ANEW_ENDING)
			return true;
	}
	return false;
}

static void
take_all(struct child *first, bool keys)
{
	for (struct child *child = first; child; child = child->next) {
		if (child->checked && (child->role == ROLE_KEYS) == keys)
			child_take(child);
	}
}

static void
finish(struct ballot *ballot)
{
	ballot_done_fn *on_done = ballot->on_done;
	const char *refusals =
		buf_length(&ballot->refusals) ? buf_text(&ballot->refusals) : NULL;

	ballot->phase = BALLOT_NONE;
	on_done(ballot->context, refusals);
}

void
ballot_look(struct ballot *ballot, struct child *first)
{
	if (ballot->phase == BALLOT_NONE || ballot->asking || is_under_way(first))
		return;
	if (ballot->phase == BALLOT_TAKING_KEYS) {
		ballot->phase = BALLOT_TAKING;
		take_all(first, false);
		if (is_under_way(first))
			return;
	}
	finish(ballot);
}

void
ballot_count(struct ballot *ballot, struct child *child, enum child_reload result,
	const char *text)
{
	if (ballot->phase != BALLOT_CHECKING)
		return;
	if (result == CHILD_REFUSED)
		buf_printf(&ballot->refusals, "%s%s refuses: %s",
			buf_length(&ballot->refusals) ? "; " : "", role_name(child->role), text);
	else if (result == CHILD_LOST)
		buf_printf(&ballot->refusals, "%s%s ended while it was asked",
			buf_length(&ballot->refusals) ? "; " : "", role_name(child->role));
}

void
ballot_check(struct ballot *ballot, struct child *first, ballot_done_fn *on_done, void *context)
{
	ballot->phase = BALLOT_CHECKING;
	ballot->on_done = on_done;
	ballot->context = context;
	buf_clear(&ballot->refusals);
	ballot->asking = true;
	for (struct child *child = first; child; child = child->next) {
		if (child->phase == CHILD_SERVING)
			child_check(child);
	}
	ballot->asking = false;
	ballot_look(ballot, first);
}

void
ballot_take(struct ballot *ballot, struct child *first, ballot_done_fn *on_done, void *context)
{
	ballot->phase = BALLOT_TAKING_KEYS;
	ballot->on_done = on_done;
	ballot->context = context;
	buf_clear(&ballot->refusals);
	take_all(first, true);
	ballot_look(ballot, first);
}
