/* SPDX-License-Identifier: BSD-2-Clause */
/* A client in the midst of a transaction: what it says to come there, and to go on. */
#ifndef UNIT_TRANSACTION_FIXTURE_H
#define UNIT_TRANSACTION_FIXTURE_H

#include "../fake/smtp_script.h"

#include <stdio.h>

#define HEAD "From: <alice@example.org>\r\nSubject: x\r\n\r\n"

static const char ok[] = "250 2.0.0 Ok: queued as ";

/* In the clear, logged in, with a recipient. */
static inline struct rig *
begin(const char *text, bool bytewise)
{
	char all[1000];
	struct rig *rig;

	snprintf(all, sizeof all, CLEAR "%s", text);
	rig = rig_new("none", all, "");
	rig_log_in(rig);
	rig_play(rig, MAIL RCPT);
	rig->bytewise = bytewise;
	return rig;
}

static inline void
next(struct rig *rig)
{
	rig_play(rig, MAIL RCPT);
}

static inline void
say_data(struct rig *rig, const char *content)
{
	rig_play(rig, DATA);
	rig_say_text(rig, content);
}

static inline void
say_chunk(struct rig *rig, struct span bytes, bool last)
{
	char command[64];

	snprintf(command, sizeof command, "BDAT %zu%s\r\n", bytes.length, last ? " LAST" : "");
	rig_say_text(rig, command);
	rig_say(rig, bytes);
}

#endif
