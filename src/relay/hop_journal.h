/* SPDX-License-Identifier: BSD-2-Clause */
/* A hop's connection in the protocol log: commands, replies, the reason of its end; no credential. */
#ifndef RELAY_HOP_JOURNAL_H
#define RELAY_HOP_JOURNAL_H

#include "io/sock.h"
#include "io/stream.h"
#include "proc/journal.h"
#include "wire/smtp_reply.h"

enum { HOP_JOURNAL_ID_SIZE = 40 };

/* In the hop's storage. */
struct hop_journal {
	struct journal *const *to; /* the relay's: *to is NULL where the log is off, and may change */
	bool open;
	struct journal_session line;
	char id[HOP_JOURNAL_ID_SIZE];
	char server[SOCK_TEXT_MAX_BYTES];
	char client[SOCK_TEXT_MAX_BYTES];
};

/* fd is connected to peer. to may be NULL; then nothing is ever written. */
void hop_journal_open(struct hop_journal *journal, struct journal *const *to, const char *route,
	int fd, const struct sock_address *peer);
/* What we say; a line with its CRLF, which is not written. */
void hop_journal_said(struct hop_journal *journal, struct span line);
/* Sends it and writes it down. */
void hop_journal_say(struct hop_journal *journal, struct stream *stream, struct span line);
/* A whole reply, line by line; of one that is secret the code alone. */
void hop_journal_heard(
	struct hop_journal *journal, const struct smtp_reply_reader *reply, bool secret);
void hop_journal_remark(struct hop_journal *journal, const char *text);
void hop_journal_close(struct hop_journal *journal, const char *why);

#endif
