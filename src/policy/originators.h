/* SPDX-License-Identifier: BSD-2-Clause */
/* Who may stand in the originator fields: a decision over the header alone. */
#ifndef POLICY_ORIGINATORS_H
#define POLICY_ORIGINATORS_H

#include "policy/mail.h"
#include "policy/verdict.h"

/* Those that are judged, and then those that only change. */
enum {
	ORIGINATORS_JUDGED = 4,
	ORIGINATORS_CHANGED = 5,
};

/* From, Sender, Resent-From, Resent-Sender; Reply-To. */
extern const char *const originators_names[ORIGINATORS_CHANGED];

/*
 * Of what is submitted (rights_is_submission()) every mailbox of the judged fields must be the client's
 * own; in From, and in a Resent-From that has its Resent-Sender, one granted on behalf passes if the
 * Sender beside it is the client's own. Of a stranger's mail From alone is looked at, and that only
 * where the listener's stranger-from is on. What cannot be parsed with certainty is refused, and the
 * text says what.
 *
 * Nothing is read but the arguments; header is changed where the permits of the session say so, and
 * the verdict's changed tells how:
 *   wrong-sender = rewrite    From becomes the primary address, alone and without a name; the old
 *                             value goes to Reply-To unless there is one; Sender goes. A wrong Sender,
 *                             Resent-From or Resent-Sender becomes the primary address.
 *   wrong-sender = on-behalf  Sender, with the primary address, is put behind a From all of whose
 *                             mailboxes are the client's own or granted on behalf, if there is none.
 *   posing-name = strip       a field with a display name that shows an address which is not the
 *                             client's own keeps its addresses alone.
 * Whatever was changed is judged again, as if the client had sent it so.
 */
struct verdict originators_judge(const struct mail_session *session, struct header *header,
	bool smtputf8);

#endif
