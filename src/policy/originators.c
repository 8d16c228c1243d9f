/* SPDX-License-Identifier: BSD-2-Clause */
/* Who may stand in the originator fields of a header. */
#include "policy/originators.h"

#include <stdio.h>

#include "policy/claim.h"
#include "policy/rights.h"
#include "wire/mailboxes.h"

/* One message's originator fields under examination. */
struct originators {
	const struct mail_session *session;
	const struct header *header;
	struct arena *arena;
	bool smtputf8;
};

static struct verdict
refuse_syntax(const char *field, const char *what)
{
	return verdict_refuse(554, "5.6.0", "header grammar", "%s field refused: %s", field, what);
}

static bool
parse_field(const struct originators *message, const char *name, size_t at, unsigned rules,
	struct mailboxes *list_out, struct verdict *verdict_out)
{
	struct fault fault = FAULT_INIT;

	if (message->smtputf8)
		rules |= MAILBOXES_UTF8;
	if (mailboxes_parse(message->header->fields[at].value, rules, message->arena, list_out,
		    &fault))
		return true;
	*verdict_out = refuse_syntax(name, fault.text);
	return false;
}

/* Every mailbox of one field; on_behalf_ok: a Sender of the client's own stands beside it. */
static struct verdict
check_field(const struct originators *message, const char *name, size_t at, unsigned rules,
	bool on_behalf_ok)
{
	struct mailboxes list;
	struct verdict verdict;
	const char *where = "";

	if (!parse_field(message, name, at, rules, &list, &verdict))
		return verdict;
	for (size_t i = 0; i < list.count; i++) {
		const struct address *address = &list.list[i].address;

		if (claim_check(message->session, address, CLAIM_SEND_AS, &where))
			continue;
		if (on_behalf_ok && claim_check(message->session, address, CLAIM_ON_BEHALF, &where))
			continue;
		verdict = rights_refuse_sender(message->session, where);
		if (verdict.kind == VERDICT_REJECT)
			snprintf(verdict.text, sizeof verdict.text, "%s (%s)", RIGHTS_NOT_AS_SENDER,
				name);
		return verdict;
	}
	if (list.count > 1 && !on_behalf_ok)
		return refuse_syntax(name, "several mailboxes need a Sender field (RFC 5322 3.6.2)");
	return verdict_pass(where);
}

/* All fields of one name. */
static struct verdict
check_fields(const struct originators *message, const char *name, unsigned rules,
	bool on_behalf_ok)
{
	size_t count = message->header->count;
	struct verdict verdict = VERDICT_PASS;

	for (size_t at = header_next(message->header, name, 0);
		at < count && verdict.kind == VERDICT_CONTINUE;
		at = header_next(message->header, name, at + 1))
		verdict = check_field(message, name, at, rules, on_behalf_ok);
	return verdict;
}

static struct verdict
check_counts(const struct header *header)
{
	if (header_count(header, "From") != 1)
		return refuse_syntax("From", header_count(header, "From") ? "there are several"
									  : "there is none");
	if (header_count(header, "Sender") > 1)
		return refuse_syntax("Sender", "there are several");
	return VERDICT_PASS;
}

static struct verdict
check_originators(const struct originators *message)
{
	/* Sender first: where From is on behalf of another, Sender must be the client's own. */
	bool has_sender = header_count(message->header, "Sender") == 1;
	bool has_resent_sender = header_count(message->header, "Resent-Sender") > 0;
	struct verdict verdict = check_counts(message->header);
	struct verdict from;

	if (verdict.kind == VERDICT_CONTINUE)
		verdict = check_fields(message, "Sender", MAILBOXES_ONE, false);
	if (verdict.kind == VERDICT_CONTINUE)
		verdict = check_fields(message, "From", 0, has_sender);
	from = verdict;
	if (verdict.kind == VERDICT_CONTINUE)
		verdict = check_fields(message, "Resent-Sender", MAILBOXES_ONE, false);
	if (verdict.kind == VERDICT_CONTINUE)
		verdict = check_fields(message, "Resent-From", 0, has_resent_sender);
	return verdict.kind == VERDICT_CONTINUE ? from : verdict;
}

static bool
is_ours(const struct originators *message, const struct address *address)
{
	return settings_is_authoritative(message->session->settings, address_domain(address));
}

/* A stranger's From in one of our domains, where the listener minds (stranger-from). */
static struct verdict
check_stranger(const struct originators *message)
{
	const struct settings_listener *listener = message->session->listener;
	size_t at = header_find(message->header, "From", 0);
	struct mailboxes list;
	struct verdict verdict;

	if (listener->stranger_from == STRANGER_FROM_OFF || at == message->header->count)
		return VERDICT_PASS;
	if (!parse_field(message, "From", at, 0, &list, &verdict))
		return verdict;
	for (size_t i = 0; i < list.count; i++) {
		if (!is_ours(message, &list.list[i].address))
			continue;
		if (listener->stranger_from == STRANGER_FROM_HOLD)
			return verdict_hold(listener->where, "%s (From)", RIGHTS_NOT_AS_SENDER);
		return verdict_refuse(550, "5.7.1", listener->where, "%s (From)", RIGHTS_NOT_AS_SENDER);
	}
	return VERDICT_PASS;
}

struct verdict
originators_check(const struct mail_session *session, const struct header *header, bool smtputf8)
{
	struct originators message = {
		.session = session,
		.header = header,
		.arena = arena_new(0),
		.smtputf8 = smtputf8,
	};
	struct verdict verdict = rights_is_submission(session) ? check_originators(&message)
							       : check_stranger(&message);

	arena_free(&message.arena);
	return verdict;
}
