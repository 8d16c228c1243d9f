/* SPDX-License-Identifier: BSD-2-Clause */
/* The mailbox lists of From, Sender and Resent-*: what could be read in two ways is refused. */
#ifndef WIRE_MAILBOXES_H
#define WIRE_MAILBOXES_H

#include "base/fault.h"
#include "base/memory.h"
#include "wire/address.h"

enum { MAILBOXES_MAX = 100 };

enum mailboxes_rule {
	MAILBOXES_UTF8 = 1, /* SMTPUTF8, RFC 6532 */
	MAILBOXES_ONE = 2,  /* Sender: exactly one */
};

struct mailbox {
	struct address address; /* MAILBOX or LITERAL */
	/* Display name, unquoted, unfolded, encoded words as they stand; empty if none. Arena. */
	struct span display;
	bool poses;          /* the display name shows an address other than this one */
};

struct mailboxes {
	struct mailbox *list;   /* in the arena */
	size_t count;           /* 1 to MAILBOXES_MAX */
};

/*
 * The value of the field, folded or not. RFC 5322 3.4 mailbox-list without section 4, but a dot in
 * an unquoted display name, as people write it, and "a@b <a@b>", as scripts do. Refused besides,
 * because readers differ: groups, comments inside an address and blanks about its "@", an address in
 * a comment, in a quoted string of several lines, in <> in a display name, encoded words in an
 * address or hiding control bytes, "@", "<", ">" or a comma in a quoted local part. What others read
 * in what is accepted is held against GMime and Python's email: tests/headers.
 * Linear in time, flat on the stack. On failure the fault says what was wrong, fit for a reply;
 * FAULT_LIMIT for too many.
 */
bool mailboxes_parse(struct span value, unsigned rules, struct arena *arena,
	struct mailboxes *mailboxes_out, struct fault *fault_out);

#endif
