/* SPDX-License-Identifier: BSD-2-Clause */
/* The notice that the mail of a login is held: to the owner, and to the postmaster; pure. */
#ifndef QUEUE_NOTICE_HELD_H
#define QUEUE_NOTICE_HELD_H

#include "queue/parcel.h"

struct notice_held {
	const struct parcel *parcel; /* the first message that is held */
	const char *reason;          /* the limit's words */
	int64_t since_ms;            /* wall clock */
	const char *hostname;
	const char *postmaster;      /* an address: whom it comes from */
	const char *to;              /* an address */
	bool to_owner;               /* else to who runs the system: with the commands for it */
	int64_t now_ms;
};

/*
 * A message from the null sender, sealed. Its id is made of the login, since when, and whom it is
 * for: the same notice always has the same one. RFC 3834: Auto-Submitted is auto-generated.
 */
struct parcel *notice_held_make(const struct notice_held *notice);

#endif
