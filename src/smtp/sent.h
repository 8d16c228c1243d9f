/* SPDX-License-Identifier: BSD-2-Clause */
/* What a client sent, in one hash: by it a message that is sent again is known. */
#ifndef SMTP_SENT_H
#define SMTP_SENT_H

#include "policy/mail.h"

/*
 * Over sender, ENVID, RET, SMTPUTF8, the recipients as a set, each with its NOTIFY and ORCPT, header
 * and body: of a whole mail, before a stage changes it. What filters make of a message may be
 * another thing each time (a tagged sender, a copy to somebody), and the same of two messages.
 */
void sent_hash(const struct mail *mail, unsigned char hash_out[DIGEST_BYTES]);

#endif
