/* SPDX-License-Identifier: BSD-2-Clause */
/* The protocol log: who said what, line by line, as CSV or JSON; credentials never get here. */
#ifndef PROC_JOURNAL_H
#define PROC_JOURNAL_H

#include "base/text.h"
#include "config/settings.h"

struct journal;

enum journal_event {
	JOURNAL_OPENED,   /* "+" */
	JOURNAL_CLOSED,   /* "-" */
	JOURNAL_RECEIVED, /* "<" */
	JOURNAL_SENT,     /* ">" */
	JOURNAL_REMARK,   /* "*" */
};

/* Whose line it is; sequence counts the lines of a session from 0. */
struct journal_session {
	const char *id;
	const char *listener;
	const char *server; /* address as text, with port */
	const char *client;
	uint32_t sequence;
};

/*
 * fd is opened for appending and is the journal's. Each line is one write; a full or blocked disk
 * costs lines, never time. The CSV has a "#Fields:" line at the head of each file.
 */
struct journal *journal_new(int fd, enum log_protocol format);
void journal_free(struct journal **journal);
/* The file was rolled. */
void journal_reopen(struct journal *journal, int fd);
/* text is cut at 1,024 bytes and escaped: one event is one line. A NULL journal does nothing. */
void journal_write(struct journal *journal, struct journal_session *session,
	enum journal_event event, int64_t wall_ms, struct span text);

#endif
