/* SPDX-License-Identifier: BSD-2-Clause */
/* What a result means: which recipients are done, which wait and until when, who is told; pure. */
#ifndef QUEUE_TALLY_H
#define QUEUE_TALLY_H

#include "config/settings.h"
#include "queue/notice.h"

/* In the arena given. */
struct tally {
	struct recipient *recipients; /* as they are now; the same order as before */
	size_t count;
	size_t waiting;               /* how many of them still wait */
	int64_t due_ms;               /* their next attempt */
	struct parcel **notices;      /* references are the caller's */
	size_t notice_count;
	const char *hold_reason;      /* NULL, or why what waits is held from now on */
};

struct tally_facts {
	const struct settings *settings;
	const struct parcel *parcel;
	const struct recipient *recipients; /* as they were; all waiting */
	size_t count;
	const struct message_result *result;
	bool at_mailbox;                    /* the route is LMTP */
	int64_t received_ms;                /* from when on the message ages */
	int64_t now_ms;
};

/*
 * A recipient that the result does not name counts as deferred; a second result for one is ignored,
 * and so is one for a recipient who is not in the list.
 */
void tally_make(const struct tally_facts *facts, struct arena *arena, struct tally *tally_out);
void tally_drop_notices(struct tally *tally);
/* A recipient that failed, and of which nobody will be told although nobody said so. */
bool tally_is_untold(const struct settings *settings, const struct record *record,
	const struct recipient *recipient);

#endif
