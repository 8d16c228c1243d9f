/* SPDX-License-Identifier: BSD-2-Clause */
/* What a client sent, in one hash. */
#include "smtp/sent.h"

#include <stdlib.h>
#include <string.h>

static int
compare(const void *left, const void *right)
{
	const struct mail_recipient *a = left;
	const struct mail_recipient *b = right;
	int order = strcmp(a->path, b->path);

	if (!order)
		order = strcmp(a->orcpt, b->orcpt);
	return order ? order : (int)a->notify - (int)b->notify;
}

/* With its NUL, so that texts do not run into each other. */
static void
add_text(struct digest *digest, const char *text)
{
	digest_add(digest, span_of(text, strlen(text) + 1));
}

static void
add_byte(struct digest *digest, uint8_t byte)
{
	const char bytes[] = { (char)byte };

	digest_add(digest, span_of(bytes, sizeof bytes));
}

static void
add_recipients(struct digest *digest, const struct mail *mail)
{
	size_t count = mail->recipient_count;
	struct mail_recipient *sorted = mem_alloc_array(count, sizeof *sorted);

	if (count) {
		memcpy(sorted, mail->recipients, count * sizeof *sorted);
		qsort(sorted, count, sizeof *sorted, compare);
	}
	for (size_t i = 0; i < count; i++) {
		add_text(digest, sorted[i].path);
		add_text(digest, sorted[i].orcpt);
		add_byte(digest, sorted[i].notify);
	}
	add_text(digest, "");
	mem_free(&sorted);
}

void
sent_hash(const struct mail *mail, unsigned char hash_out[DIGEST_BYTES])
{
	struct digest digest;

	digest_init(&digest);
	add_text(&digest, mail->sender);
	add_text(&digest, mail->envid);
	add_byte(&digest, mail->ret);
	add_byte(&digest, mail->smtputf8);
	add_recipients(&digest, mail);
	digest_add(&digest, buf_span(&mail->header_block));
	digest_add(&digest, SPAN_LITERAL("\r\n"));
	if (mail->body_fd >= 0)
		digest_add(&digest, span_of(mail->body_hash, DIGEST_BYTES));
	else
		digest_add(&digest, buf_span(&mail->body));
	digest_final(&digest, hash_out);
}
