/* SPDX-License-Identifier: BSD-2-Clause */
/* Who may stand in the originator fields of a header. */
#include "policy/originators.h"

#include <string.h>

#include "policy/originators_change.h"
#include "policy/remedy.h"
#include "policy/rights.h"
#include "wire/mailboxes.h"

const char *const originators_names[ORIGINATORS_CHANGED] = { "From", "Sender", "Resent-From",
	"Resent-Sender", "Reply-To" };

static struct field_finding
unclear(const char *field, const char *what)
{
	return (struct field_finding){
		.kind = FIELD_UNCLEAR,
		.verdict = verdict_refuse(554, "5.6.0", "header grammar", "%s field refused: %s",
			field, what),
	};
}

/* The claim of one mailbox; on_behalf_ok: a Sender of the client's own stands beside it. */
static struct claim
check_mailbox(const struct originators *message, const struct address *address, bool on_behalf_ok)
{
	struct claim own = claim_check(message->session, address, CLAIM_SEND_AS);
	struct claim other;

	if (own.allowed)
		return own;
	other = claim_check(message->session, address, CLAIM_ON_BEHALF);
	if (other.allowed && on_behalf_ok)
		return other;
	if (other.allowed)
		own.reason = "granted on behalf, which needs a Sender of one's own";
	return own;
}

struct field_finding
originators_check_field(const struct originators *message, const char *name, size_t at,
	unsigned rules, bool on_behalf_ok)
{
	struct fault fault = FAULT_INIT;
	const char *where = CLAIM_OWN_ADDRESS;
	struct mailboxes list;

	if (!originators_parse(message, at, rules, &list, &fault))
		return unclear(name, fault.text);
	for (size_t i = 0; i < list.count; i++) {
		struct claim claim = check_mailbox(message, &list.list[i].address, on_behalf_ok);

		if (!claim.allowed)
			return (struct field_finding){
				.kind = FIELD_WRONG,
				.verdict = remedy_refuse(&message->remedy, name, &claim),
			};
		/* What a section allowed tells more than what is the client's own. */
		if (strcmp(where, CLAIM_OWN_ADDRESS) == 0)
			where = claim.where;
	}
	if (list.count > 1 && !on_behalf_ok) {
		struct field_finding finding =
			unclear(name, "several mailboxes need a Sender field (RFC 5322 3.6.2)");

		finding.kind = FIELD_SENDERLESS;
		return finding;
	}
	return (struct field_finding){ .kind = FIELD_FINE, .verdict = verdict_pass(where) };
}

static void
take_worse(struct field_finding *worst, const struct field_finding *finding)
{
	if (finding->kind > worst->kind)
		*worst = *finding;
}

/* All fields of one name; *worst becomes what is worse. */
static void
check_fields(const struct originators *message, const char *name, unsigned rules,
	bool on_behalf_ok, struct field_finding *worst)
{
	const struct header *header = message->header;

	for (size_t at = header_next(header, name, 0); at < header->count;
		at = header_next(header, name, at + 1)) {
		struct field_finding finding =
			originators_check_field(message, name, at, rules, on_behalf_ok);

		take_worse(worst, &finding);
	}
}

static struct field_finding
check_counts(const struct header *header)
{
	size_t from = header_count(header, "From");

	if (from != 1)
		return unclear("From", from ? "there are several" : "there is none");
	if (header_count(header, "Sender") > 1)
		return unclear("Sender", "there are several");
	return (struct field_finding){ .kind = FIELD_FINE };
}

/* The worst of all fields, Sender's first; or what allowed From. */
static struct field_finding
check_originators(const struct originators *message)
{
	const struct header *header = message->header;
	bool has_sender = header_count(header, "Sender") == 1;
	/* One for each: which block of fields a Resent-Sender belongs to nobody can tell for sure. */
	bool has_resent_sender =
		header_count(header, "Resent-Sender") == header_count(header, "Resent-From");
	struct field_finding worst = check_counts(header);
	struct field_finding from;

	if (worst.kind != FIELD_FINE)
		return worst;
	from = originators_check_field(message, "From", header_find(header, "From", 0), 0,
		has_sender);
	check_fields(message, "Sender", MAILBOXES_ONE, false, &worst);
	take_worse(&worst, &from);
	check_fields(message, "Resent-Sender", MAILBOXES_ONE, false, &worst);
	check_fields(message, "Resent-From", 0, has_resent_sender, &worst);
	return worst.kind == FIELD_FINE ? from : worst;
}

/* What the session's wrong-sender makes of it; the refusal as it was if that does not help. */
static struct verdict
mend(struct originators *message, const struct field_finding *finding)
{
	uint8_t changed = 0;
	struct field_finding mended;

	if (finding->kind == FIELD_WRONG && message->remedy.kind == WRONG_SENDER_REWRITE &&
		originators_rewrite(message))
		changed = VERDICT_REWRITTEN;
	if ((finding->kind == FIELD_WRONG || finding->kind == FIELD_SENDERLESS) &&
		message->remedy.kind == WRONG_SENDER_ON_BEHALF && originators_add_sender(message))
		changed = VERDICT_ON_BEHALF;
	if (!changed)
		return finding->verdict;
	mended = check_originators(message);
	if (mended.kind != FIELD_FINE)
		return finding->verdict;
	mended.verdict = verdict_pass(message->remedy.where);
	mended.verdict.changed = changed;
	return mended.verdict;
}

static struct verdict
judge_submission(struct originators *message)
{
	struct field_finding finding = check_originators(message);
	struct verdict verdict =
		finding.kind == FIELD_FINE ? finding.verdict : mend(message, &finding);

	return verdict.kind == VERDICT_CONTINUE || verdict.kind == VERDICT_HOLD
		? originators_check_names(message, verdict)
		: verdict;
}

/* ---- strangers --------------------------------------------------------------------------------- */

/* A hold where the listener holds, or else the refusal. */
static struct verdict
mind(const struct originators *message, struct verdict refusal)
{
	const struct settings_listener *listener = message->session->listener;

	if (listener->stranger_from == STRANGER_FROM_HOLD)
		return verdict_hold(listener->where, "%s", refusal.text);
	return verdict_refuse(refusal.code, refusal.enhanced, listener->where, "%s", refusal.text);
}

/*
 * A stranger's From in one of our domains, where the listener minds. What cannot be read with
 * certainty may be one, so it is treated as one; a From that is not there shows nobody.
 */
static struct verdict
judge_stranger(const struct originators *message)
{
	const struct remedy refuse = { .kind = WRONG_SENDER_REFUSE };
	size_t count = header_count(message->header, "From");
	size_t at = header_find(message->header, "From", 0);
	struct fault fault = FAULT_INIT;
	struct mailboxes list;

	if (message->session->listener->stranger_from == STRANGER_FROM_OFF || count == 0)
		return VERDICT_PASS;
	if (count > 1)
		return mind(message, unclear("From", "there are several").verdict);
	/* 8-bit bytes without SMTPUTF8 are of old programs, and clear as long as they are UTF-8. */
	if (!originators_parse(message, at, MAILBOXES_UTF8, &list, &fault))
		return mind(message, unclear("From", fault.text).verdict);
	for (size_t i = 0; i < list.count; i++) {
		const struct address *address = &list.list[i].address;
		struct claim claim;

		if (!settings_is_authoritative(message->session->settings, address_domain(address)))
			continue;
		claim = claim_check(message->session, address, CLAIM_SEND_AS);
		if (!claim.allowed)
			return mind(message, remedy_refuse(&refuse, "From", &claim));
	}
	return VERDICT_PASS;
}

struct verdict
originators_judge(const struct mail_session *session, struct header *header, bool smtputf8)
{
	struct originators message = {
		.session = session,
		.remedy = remedy_of(session),
		.header = header,
		.arena = arena_new(0),
		.smtputf8 = smtputf8,
	};
	struct verdict verdict = rights_is_submission(session) ? judge_submission(&message)
							       : judge_stranger(&message);

	arena_free(&message.arena);
	return verdict;
}
