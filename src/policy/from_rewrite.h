/* SPDX-License-Identifier: BSD-2-Clause */
/* Another From in place of the one that was written, whose author still gets the replies. */
#ifndef POLICY_FROM_REWRITE_H
#define POLICY_FROM_REWRITE_H

#include "policy/mail.h"

/*
 * Puts the address in From; the old From goes to Reply-To unless there is one, and Sender goes.
 * False if there is not exactly one From, or no room.
 */
bool from_rewrite(struct header *header, const char *instead);
/*
 * The same for any header: no From, or several, or one that nobody can read, give way to this one.
 * Reply-To is added only where the old From was one list of mailboxes, and another address than the
 * new. False if there is no room.
 */
bool from_fix(struct mail *mail, const char *instead);

#endif
