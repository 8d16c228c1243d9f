/* SPDX-License-Identifier: BSD-2-Clause */
/* By what a message that a client sends again is known: one key for login and what was sent. */
#ifndef QUEUE_RESEND_H
#define QUEUE_RESEND_H

#include "ipc/message_mail.h"

enum { RESEND_KEY_BYTES = 16 };

/* Where the key is looked for; part of a COMMIT. All zero: nowhere. */
struct resend {
	bool wanted;                         /* there is a key */
	unsigned char key[RESEND_KEY_BYTES];
	int64_t since_ms;                    /* one accepted before that is another message */
};

/*
 * False: it has none, for want of a login or of a Message-ID. The envelope of the commit does not
 * count: filters may have changed it. That of the client is in what it sent (smtp/sent.h).
 */
bool resend_key(const struct message_commit *commit, unsigned char key_out[RESEND_KEY_BYTES]);

#endif
