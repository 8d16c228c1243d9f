/* SPDX-License-Identifier: BSD-2-Clause */
/* Who may send as whom: a pure decision. */
#include "policy/rights.h"

#include "policy/claim.h"
#include "policy/principals.h"
#include "policy/remedy.h"
#include "wire/address_pattern.h"

static bool
add_rights(const struct settings_permit *permit, void *context)
{
	*(uint32_t *)context |= permit->rights;
	return false;
}

uint32_t
rights_of(const struct mail_session *session)
{
	uint32_t permitted = 0;
	uint32_t denied = 0;

	principals_visit_permits(session, add_rights, &permitted);
	principals_visit_denies(session, add_rights, &denied);
	return permitted & ~denied;
}

bool
rights_is_submission(const struct mail_session *session)
{
	return session->identity || !(rights_of(session) & RIGHT_ANY_SENDER);
}

/* What rights_find_permit() looks for, and what it found. */
struct search {
	bool (*is_wanted)(const struct settings_permit *permit);
	const struct settings_permit *found;
};

static bool
is_found(const struct settings_permit *permit, void *context)
{
	struct search *search = context;

	if (!search->is_wanted(permit))
		return false;
	search->found = permit;
	return true;
}

const struct settings_permit *
rights_find_permit(const struct mail_session *session,
	bool (*is_wanted)(const struct settings_permit *permit))
{
	struct search search = { .is_wanted = is_wanted };

	principals_visit_permits(session, is_found, &search);
	return search.found;
}

/* ---- envelope ---------------------------------------------------------------------------------- */

static struct verdict
refuse_submission(const struct mail_session *session, const char *where)
{
	if (!session->identity && session->listener->login != LOGIN_OFF)
		return verdict_refuse(530, "5.7.0", where, "Authentication required");
	return verdict_refuse(550, "5.7.1", where,
		"Client does not have permission to submit mail");
}

static bool
may_submit(const struct mail_session *session, struct verdict *verdict_out)
{
	const char *where = "no permit gives submit";

	if (principals_have_right(session, RIGHT_SUBMIT, &where))
		return true;
	*verdict_out = refuse_submission(session, where);
	return false;
}

/* All but the remedies that change the message; *claim_out is set where it is refused for want of one. */
static struct verdict
judge_sender(const struct mail_session *session, const struct remedy *remedy, const char *sender,
	struct address *address_out, struct claim *claim_out)
{
	struct verdict verdict;

	*claim_out = (struct claim){ .allowed = true };
	if (!may_submit(session, &verdict))
		return verdict;
	if (!sender[0])
		return verdict_pass("null sender");
	if (address_parse(span_text(sender), ADDRESS_UTF8, address_out) != ADDRESS_OK)
		return verdict_refuse(553, "5.1.7", "address grammar", "Bad sender address syntax");
	*claim_out = claim_check(session, address_out, CLAIM_SEND_AS);
	if (claim_out->allowed)
		return verdict_pass(claim_out->where);
	return remedy_refuse(remedy, "MAIL FROM", claim_out);
}

struct verdict
rights_check_sender(const struct mail_session *session, const char *sender)
{
	struct remedy remedy = remedy_of(session);
	struct address address;
	struct claim claim;

	return judge_sender(session, &remedy, sender, &address, &claim);
}

/* Bounces of what is sent on behalf of another go to who sent it. */
static bool
is_remedied(const struct mail_session *session, const struct remedy *remedy,
	const struct address *address)
{
	if (remedy->kind == WRONG_SENDER_ON_BEHALF)
		return claim_check(session, address, CLAIM_ON_BEHALF).allowed;
	return remedy->kind == WRONG_SENDER_REWRITE;
}

struct verdict
rights_judge_sender(const struct mail_session *session, const char *sender, const char **sender_out)
{
	struct remedy remedy = remedy_of(session);
	struct address address;
	struct claim claim;
	struct verdict verdict = judge_sender(session, &remedy, sender, &address, &claim);

	*sender_out = sender;
	if (claim.allowed || !is_remedied(session, &remedy, &address) ||
		rights_check_sender(session, remedy.instead).kind != VERDICT_CONTINUE)
		return verdict;
	*sender_out = remedy.instead;
	verdict = verdict_pass(remedy.where);
	verdict.changed = remedy.kind == WRONG_SENDER_REWRITE ? VERDICT_REWRITTEN : VERDICT_ON_BEHALF;
	return verdict;
}

static bool
has_recipient(const struct settings_texts *patterns, const struct address *address)
{
	char text[ADDRESS_TEXT_SIZE];
	struct span whole = span_of(text, address_format(address, text));

	for (size_t i = 0; i < patterns->count; i++)
		if (address_pattern_text_matches(span_text(patterns->items[i]), address, whole))
			return true;
	return false;
}

struct verdict
rights_check_smtputf8(const char *sender, bool smtputf8)
{
	struct address address;

	if (address_parse(span_text(sender), smtputf8 ? ADDRESS_UTF8 : 0, &address) ==
		ADDRESS_NOT_ASCII)
		return verdict_refuse(553, "5.6.7", "address grammar",
			"this address needs SMTPUTF8");
	return VERDICT_PASS;
}

struct verdict
rights_check_recipient(const struct mail_session *session, const char *recipient)
{
	const struct settings_texts *allowed = &session->listener->recipients_allowed;
	const char *where = "no permit gives relay";
	bool relays;
	struct address address;
	struct verdict verdict;

	if (!may_submit(session, &verdict))
		return verdict;
	/* RFC 5321 4.5.1: postmaster without a domain is ours, whoever asks. */
	if (span_is_nocase(span_text(recipient), "postmaster"))
		return verdict_pass("authoritative domain");
	relays = principals_have_right(session, RIGHT_RELAY, &where);
	if (relays && allowed->count == 0)
		return verdict_pass(where);
	if (address_parse(span_text(recipient), ADDRESS_UTF8, &address) != ADDRESS_OK)
		return verdict_refuse(553, "5.1.3", "address grammar",
			"Bad recipient address syntax");
	if (!relays && !settings_is_authoritative(session->settings, address_domain(&address)))
		return verdict_refuse(550, "5.7.1", where,
			"Client does not have permission to relay to this recipient");
	if (allowed->count > 0 && !has_recipient(allowed, &address))
		return verdict_refuse(550, "5.7.1", session->listener->where,
			"Mail to this recipient is not taken here");
	return verdict_pass(relays ? where : "authoritative domain");
}

/* ---- the whole message ------------------------------------------------------------------------- */

static int
weight(const struct verdict *verdict)
{
	if (verdict->kind == VERDICT_CONTINUE)
		return verdict->changed ? 1 : 0;
	return verdict->kind == VERDICT_HOLD ? 2 : 3;
}

struct verdict
rights_weigh(const struct verdict *envelope, const struct verdict *header)
{
	int difference = weight(header) - weight(envelope);
	struct verdict verdict = difference > 0 || (difference == 0 && header->where[0])
		? *header
		: *envelope;

	if (verdict.kind == VERDICT_CONTINUE)
		verdict.changed = envelope->changed | header->changed;
	return verdict;
}
