/* SPDX-License-Identifier: BSD-2-Clause */
/* What becomes of mail with a sender that is not the client's own. */
#include "policy/remedy.h"

#include "policy/rights.h"

static bool
has_word(const struct settings_permit *permit)
{
	return permit->wrong_sender != WRONG_SENDER_NEXT;
}

/* The others of its send-as are patterns of many addresses. */
static const char *
first_address(const struct settings_texts *patterns)
{
	for (size_t i = 0; i < patterns->count; i++) {
		struct span pattern = span_text(patterns->items[i]);

		if (!span_starts(pattern, "@") && !span_starts(pattern, ".") &&
			!span_is(pattern, "*"))
			return patterns->items[i];
	}
	return "";
}

struct remedy
remedy_of(const struct mail_session *session)
{
	const struct settings_permit *permit = rights_find_permit(session, has_word);
	struct remedy remedy = { .kind = WRONG_SENDER_REFUSE, .where = "", .instead = "" };

	if (!permit)
		return remedy;
	remedy.kind = permit->wrong_sender;
	remedy.where = permit->where;
	if (remedy.kind != WRONG_SENDER_REWRITE && remedy.kind != WRONG_SENDER_ON_BEHALF)
		return remedy;
	remedy.instead = session->identity ? identity_primary(session->identity)
					   : first_address(&permit->send_as);
	if (!remedy.instead[0])
		remedy.kind = WRONG_SENDER_REFUSE;
	return remedy;
}

struct verdict
remedy_refuse(const struct remedy *remedy, const char *place, const struct claim *claim)
{
	static const char format[] =
		"Client does not have permission to send as this sender (%s: %s)";

	if (remedy->kind == WRONG_SENDER_HOLD)
		return verdict_hold(remedy->where, format, place, claim->reason);
	return verdict_refuse(550, "5.7.1", claim->where, format, place, claim->reason);
}
