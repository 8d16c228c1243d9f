/* SPDX-License-Identifier: BSD-2-Clause */
/* Verdicts of filters. */
#include "policy/milter_verdict.h"

#include <stdio.h>
#include <string.h>

#include "wire/milter_answer.h"

const char *
milter_place_name(enum milter_place place)
{
	static const char *const names[] = {
		[MILTER_AT_CONNECT] = "connect",
		[MILTER_AT_HELO] = "helo",
		[MILTER_AT_MAIL] = "mail",
		[MILTER_AT_RCPT] = "rcpt",
		[MILTER_AT_DATA] = "data",
		[MILTER_AT_HEADER] = "header",
		[MILTER_AT_HEADER_END] = "end of header",
		[MILTER_AT_BODY] = "body",
		[MILTER_AT_END] = "end of message",
		[MILTER_AT_REST] = "rest",
		[MILTER_AT_UNKNOWN] = "unknown command",
	};

	return names[place];
}

void
milter_verdict_where(const char *filter, enum milter_place place, char to[VERDICT_TEXT_MAX_BYTES])
{
	snprintf(to, VERDICT_TEXT_MAX_BYTES, "milter %s at %s", filter, milter_place_name(place));
}

static bool
is_whole(const char *text)
{
	return strlen(text) < VERDICT_TEXT_MAX_BYTES && !strchr(text, '\n');
}

static bool
read_reply(struct span payload, const char *where, struct arena *arena, struct verdict *verdict_out)
{
	struct milter_refusal refusal;

	if (!milter_refusal_parse(payload, arena, &refusal))
		return false;
	*verdict_out = verdict_refuse(refusal.code, refusal.enhanced, where, "%.*s",
		(int)strcspn(refusal.text, "\n"), refusal.text);
	if (!is_whole(refusal.text))
		verdict_out->lines = refusal.text;
	return true;
}

static struct verdict
plain(enum verdict_kind kind, const char *where)
{
	struct verdict verdict = verdict_pass(where);

	verdict.kind = kind;
	return verdict;
}

bool
milter_verdict_of(const struct milter_packet *packet, const char *where, struct arena *arena,
	struct verdict *verdict_out)
{
	if (packet->answer == MILTER_REPLY)
		return read_reply(packet->payload, where, arena, verdict_out);
	if (packet->answer == MILTER_REJECT)
		*verdict_out = verdict_refuse(550, "5.7.1", where, "Refused by a filter");
	else if (packet->answer == MILTER_TEMPFAIL)
		*verdict_out = verdict_refuse(451, "4.7.1", where,
			"Not now, says a filter; try again later");
	else if (packet->answer == MILTER_DISCARD)
		*verdict_out = plain(VERDICT_DISCARD, where);
	else if (packet->answer == MILTER_ACCEPT)
		*verdict_out = plain(VERDICT_ACCEPT, where);
	else
		*verdict_out = verdict_pass(where);
	return true;
}

struct verdict
milter_verdict_without(enum milter_failure on_failure, bool changed, const char *where)
{
	switch (on_failure) {
	case MILTER_FAILURE_REJECT:
		return verdict_refuse(550, "5.7.1", where, "A filter is not available");
	case MILTER_FAILURE_ACCEPT:
		if (!changed)
			return plain(VERDICT_ACCEPT, where);
		break;
	case MILTER_FAILURE_HOLD:
		if (!changed)
			return verdict_hold(where, "a filter was not available: %s", where);
		break;
	case MILTER_FAILURE_TEMPFAIL:
		break;
	}
	return verdict_refuse(451, "4.7.1", where, "A filter is not available; try again later");
}
