/* SPDX-License-Identifier: BSD-2-Clause */
/* From what a filter says, or that it says nothing, to a verdict. Pure. */
#ifndef POLICY_MILTER_VERDICT_H
#define POLICY_MILTER_VERDICT_H

#include "config/settings.h"
#include "policy/verdict.h"
#include "wire/milter_packet.h"

/* What a filter is told of, in this order. */
enum milter_place {
	MILTER_AT_CONNECT,
	MILTER_AT_HELO,
	MILTER_AT_MAIL,
	MILTER_AT_RCPT,
	MILTER_AT_DATA,
	MILTER_AT_HEADER,
	MILTER_AT_HEADER_END,
	MILTER_AT_BODY,
	MILTER_AT_END,
	MILTER_AT_REST,     /* all is told */
	MILTER_AT_UNKNOWN,  /* at no place of its own: a command that nobody knows */
};

const char *milter_place_name(enum milter_place place); /* "mail", "end of header", … */

/* "milter NAME at PLACE", for verdict.where. */
void milter_verdict_where(const char *filter, enum milter_place place,
	char to[VERDICT_TEXT_MAX_BYTES]);

/*
 * An answer that decides: ACCEPT, CONTINUE (at the end), REJECT, TEMPFAIL, REPLY, DISCARD. False for
 * a REPLY without any sense. Lines are in the arena.
 */
bool milter_verdict_of(const struct milter_packet *packet, const char *where, struct arena *arena,
	struct verdict *verdict_out);

/* In place of what a filter did not say. changed: it had begun to change the message. */
struct verdict milter_verdict_without(enum milter_failure on_failure, bool changed,
	const char *where);

#endif
