/* SPDX-License-Identifier: BSD-2-Clause */
/* By what a message that a client sends again is known: one key for login and what was sent. */
#include "queue/resend.h"

#include "base/digest.h"
#include "base/pack.h"

#include <string.h>

bool
resend_key(const struct message_commit *commit, unsigned char key_out[RESEND_KEY_BYTES])
{
	unsigned char hash[DIGEST_BYTES];
	struct digest digest;
	if (!commit->has_sent_hash || !commit->login[0])
		return false;
	struct buf packed = BUF_INIT(0);
	pack_text(&packed, commit->login);
	buf_add(&packed, commit->sent_hash, sizeof(commit->sent_hash));
	digest_init(&digest);
	digest_add(&digest, buf_span(&packed));
	digest_final(&digest, hash);
	memcpy(key_out, hash, RESEND_KEY_BYTES);
	buf_fini(&packed);
	return true;
}
