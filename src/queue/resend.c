/* SPDX-License-Identifier: BSD-2-Clause */
/* By what a message that a client sends again is known: one key for login, envelope and content. */
#include "queue/resend.h"

#include "base/digest.h"
#include "base/pack.h"

#include <stdlib.h>
#include <string.h>

enum { PACKED_MAX_BYTES = IPC_COMMIT_MAX_BYTES };

static int
compare(const void *left, const void *right)
{
	const struct message_recipient *a = left;
	const struct message_recipient *b = right;
	int order = strcmp(a->path, b->path);
	if (!order)
		order = strcmp(a->orcpt, b->orcpt);
	return order ? order : (int)a->notify - (int)b->notify;
}

static void
pack_recipients(struct buf *to, const struct message_envelope *envelope)
{
	size_t count = envelope->recipient_count;
	struct message_recipient *sorted = mem_alloc_array(count, sizeof(*sorted));
	memcpy(sorted, envelope->recipients, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), compare);
	pack_count(to, count);
	for (size_t i = 0; i < count; i++) {
		pack_text(to, sorted[i].path);
		pack_text(to, sorted[i].orcpt);
		pack_u8(to, sorted[i].notify);
	}
	mem_free(&sorted);
}

bool
resend_key(const struct message_commit *commit, unsigned char key_out[RESEND_KEY_BYTES])
{
	const struct message_envelope *envelope = &commit->envelope;
	unsigned char hash[DIGEST_BYTES];
	struct digest digest;
	if (!commit->has_sent_hash || !commit->login[0])
		return false;
	struct buf packed = BUF_INIT(PACKED_MAX_BYTES);
	pack_text(&packed, commit->login);
	pack_text(&packed, envelope->sender);
	pack_text(&packed, envelope->envid);
	pack_u8(&packed, (uint8_t)envelope->ret);
	pack_bool(&packed, envelope->smtputf8);
	pack_recipients(&packed, envelope);
	buf_add(&packed, commit->sent_hash, sizeof(commit->sent_hash));
	bool whole = !packed.overflow;
	digest_init(&digest);
	digest_add(&digest, buf_span(&packed));
	digest_final(&digest, hash);
	memcpy(key_out, hash, RESEND_KEY_BYTES);
	buf_fini(&packed);
	return whole;
}
