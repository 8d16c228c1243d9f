/* SPDX-License-Identifier: BSD-2-Clause */
/* Notices: failure, delay and success, as RFC 3461, 3464, 6522 and 6533 want them; pure. */
#ifndef QUEUE_NOTICE_H
#define QUEUE_NOTICE_H

#include "queue/parcel.h"
#include "queue/recipient.h"

enum notice_kind {
	NOTICE_FAILURE,
	NOTICE_DELAY,
	NOTICE_SUCCESS,
	NOTICE_DOUBLE, /* a failure of what has no sender: to the postmaster */
	NOTICE_KIND_COUNT,
};

struct notice {
	enum notice_kind kind;
	const struct parcel *parcel;         /* the original */
	const struct recipient *recipients;  /* those it tells of, at least one */
	size_t recipient_count;
	const char *hostname;
	const char *postmaster;              /* whom it comes from: an address */
	uint64_t return_max_bytes;           /* of the original; 0 returns nothing */
	int64_t now_ms;
	int64_t until_ms;                    /* DELAY: when it will be given up */
	bool at_mailbox;                     /* SUCCESS: the hop was the mailbox, not a relay */
};

/*
 * Is this recipient to be told of? Never to a sender that there is not. A notice of ours that failed
 * is told to the postmaster whatever NOTIFY says.
 */
bool notice_is_wanted(const struct record *record, uint32_t number, enum notice_kind kind);
/* Is it a notice of which nobody may be told: the postmaster's own? */
bool notice_is_last(const struct record *record, const char *postmaster);
/*
 * A message from the null sender to the original's sender (DOUBLE: to the postmaster), sealed, that
 * tells of all the recipients. Its id comes from the original's and the first recipient, so that
 * the same notice always has the same one.
 */
struct parcel *notice_make(const struct notice *notice);

/* Of every notice about a message: its id, by its kind's letter and the first recipient. */
void notice_make_id(const struct parcel *about, char letter, uint32_t number,
	char id[MESSAGE_ID_MAX_BYTES + 1]);
/* Its record: from the null sender to one address, of which nobody is told. */
void notice_set_record(struct parcel *parcel, const char *id, const char *about, const char *to,
	bool eightbit);

#endif
