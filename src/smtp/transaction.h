/* SPDX-License-Identifier: BSD-2-Clause */
/* One mail transaction: sender, recipients, content; then handed to the queue, or abandoned. */
#ifndef SMTP_TRANSACTION_H
#define SMTP_TRANSACTION_H

#include "smtp/content.h"
#include "smtp/queue_link.h"
#include "smtp/smtp.h"

struct transaction {
	struct smtp *smtp;
	struct mail *mail;
	struct content content;
	unsigned refused;             /* recipients */
	const char *discarded_by;     /* the first stage that wants it to vanish; NULL: none does */
	bool chunked;                 /* by BDAT */
	struct smtp_bdat chunk;       /* the one under way */

	struct mail_recipient asked;  /* the recipient that the policy is thinking about */
	char asked_path[ADDRESS_TEXT_SIZE];
	char *asked_orcpt;
	char *asked_parameters;

	/* ---- handoff.c's */
	bool has_sent_hash;
	unsigned char sent_hash[DIGEST_BYTES]; /* of what the client sent */
	uint32_t charge;              /* number of the question to auth; 0: none under way */
	uint32_t charged;             /* what auth has charged under this number; 0: nothing */
	uint64_t over_since_ms;       /* as auth said, of what it wants held */
	struct secret *grant;         /* of the login */
	struct buf header;            /* final, with its empty line */
	struct message_recipient *recipients;
	uint32_t *added;              /* those among them that the session itself may not name */
	struct message_commit record;
	struct queue_commit commit;
};

void transaction_mail(struct smtp *smtp, const struct smtp_mail *mail);
void transaction_rcpt(struct smtp *smtp, const struct smtp_rcpt *rcpt);
void transaction_data(struct smtp *smtp);
void transaction_bdat(struct smtp *smtp, const struct smtp_bdat *bdat);
/* Takes content from the front of bytes; how much. */
size_t transaction_content(struct smtp *smtp, struct span bytes);
/* Takes note if the verdict is that the message shall vanish. */
void transaction_note_discard(struct transaction *transaction, const struct verdict *verdict);
/* Whatever became of it: nothing of it is left, and MAIL may come. NULL is free. */
void transaction_end(struct smtp *smtp);

#endif
