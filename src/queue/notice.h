/* SPDX-License-Identifier: BSD-2-Clause */
/* Notices to senders: failure, delay and success, as RFC 3461, 3464 and 6522 want them; pure. */
#ifndef QUEUE_NOTICE_H
#define QUEUE_NOTICE_H

#include "queue/parcel.h"
#include "queue/recipient.h"

enum notice_kind {
	NOTICE_FAILURE,
	NOTICE_DELAY,
	NOTICE_SUCCESS,
	NOTICE_KIND_COUNT,
};

/* Of the original, no more than this is returned: its header, or with RET=FULL all of it. */
enum { NOTICE_RETURN_MAX_BYTES = 50 * 1024 };

struct notice {
	enum notice_kind kind;
	const struct parcel *parcel;         /* the original */
	const struct recipient *recipients;  /* those it tells of, at least one */
	size_t recipient_count;
	const char *hostname;
	const char *postmaster;              /* whom it comes from: an address */
	int64_t now_ms;
	int64_t until_ms;                    /* DELAY: when it will be given up */
	bool at_mailbox;                     /* SUCCESS: the hop was the mailbox, not a relay */
};

/* May the sender hear of this recipient? Never of a message that has no sender. */
bool notice_is_wanted(const struct record *record, uint32_t number, enum notice_kind kind);
/*
 * A message from the null sender to the original's sender, sealed. Its id comes from the original's
 * and the first recipient, so that the same notice always has the same one. It tells of the first
 * *told_out recipients, at least one: no more fit; make another for the rest.
 */
struct parcel *notice_make(const struct notice *notice, size_t *told_out);

#endif
