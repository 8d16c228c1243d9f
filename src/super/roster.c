/* SPDX-License-Identifier: BSD-2-Clause */
/* Who there should be. */
#include "super/roster.h"

#include "proc/gate_layout.h"

/* LINK has one byte for the number. */
_Static_assert(GATE_COLUMNS <= 256, "every front end has a number");

bool
roster_is_front(enum role role)
{
	return role == ROLE_SMTP || role == ROLE_MAILBOX;
}

static bool
has_listener(const struct settings *settings, enum role role)
{
	for (size_t i = 0; i < settings->listener.count; i++) {
		bool smtp = settings->listener.items[i].protocol == LISTENER_SMTP;

		if (smtp == (role == ROLE_SMTP))
			return true;
	}
	return false;
}

unsigned
roster_wanted(const struct settings *settings, enum role role)
{
	if (role == ROLE_SUPER)
		return 0;
	if (!roster_is_front(role))
		return 1;
	return has_listener(settings, role) ? (unsigned)settings->workers : 0;
}

unsigned
roster_count(const struct child *first, enum role role)
{
	unsigned count = 0;

	for (const struct child *child = first; child; child = child->next)
		count += child->role == role && !child->retired;
	return count;
}

struct child *
roster_find_last(struct child *first, enum role role)
{
	struct child *last = NULL;

	for (struct child *child = first; child; child = child->next) {
		if (child->role == role && !child->retired &&
			(!last || child->instance > last->instance))
			last = child;
	}
	return last;
}

bool
roster_find_instance(const struct child *first, enum role role, unsigned *instance_out)
{
	for (unsigned instance = 0; instance < GATE_COLUMNS; instance++) {
		const struct child *child = first;

		while (child && !(child->instance == instance &&
					(child->role == role || (roster_is_front(child->role) &&
									roster_is_front(role)))))
			child = child->next;
		if (!child) {
			*instance_out = instance;
			return true;
		}
	}
	return false;
}
