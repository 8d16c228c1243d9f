/* SPDX-License-Identifier: BSD-2-Clause */
/* One job over a connection that is ready: MAIL to the reply after the dot, SMTP or LMTP. */
#ifndef RELAY_TRANSFER_H
#define RELAY_TRANSFER_H

#include "io/stream.h"
#include "relay/hop_journal.h"
#include "relay/job.h"
#include "relay/offer.h"
#include "wire/smtp_stuffer.h"

enum transfer_step {
	TRANSFER_MORE, /* waits for a reply */
	TRANSFER_DONE, /* every recipient has its result; the connection is ready again */
	TRANSFER_LOST, /* the hop ends the connection: close it; the results so far count */
	/* Replies and commands do not match: close it. No result counts, for whose is it? */
	TRANSFER_ASTRAY,
};

/* What is waited for, and so which deadline holds. */
enum transfer_wait {
	TRANSFER_WAIT_COMMAND,
	TRANSFER_WAIT_DATA,    /* the answer to DATA */
	TRANSFER_WAIT_CONTENT, /* the hop takes the content */
	TRANSFER_WAIT_END,     /* the answer to the end of the content */
};

/* In the caller's storage, who fills the first part and zeroes the rest. */
struct transfer {
	struct stream *stream;
	struct hop_journal *journal;
	const struct offer *offer;
	struct job *job;
	bool lmtp;
	/* its own */
	unsigned phase;
	size_t replied;     /* recipients whose RCPT was answered; at the end: whose fate was */
	size_t sent;        /* recipients whose RCPT went out */
	size_t accepted;
	bool mail_accepted;
	bool with_8bit;     /* MAIL says BODY=8BITMIME */
	bool with_utf8;
	bool content_done;
	bool refused;       /* LMTP, at the end: somebody's content was */
	bool *taken;        /* per recipient: RCPT got 2xx; in the job's arena */
	struct smtp_stuffer stuffer;
};

/*
 * Starts. May finish at once (TRANSFER_DONE, nothing sent) where the hop cannot take the message:
 * too big (552 5.3.4), 8-bit (554 5.6.3, RFC 6152 3), or international addresses (550 5.6.7, RFC 6531 3.5).
 */
enum transfer_step transfer_start(struct transfer *transfer);
/* A reply came; what the stream still has is behind it. */
enum transfer_step transfer_reply(struct transfer *transfer, const struct smtp_reply_reader *reply);
enum transfer_wait transfer_wait(const struct transfer *transfer);

#endif
