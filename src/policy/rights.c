/* SPDX-License-Identifier: BSD-2-Clause */
/* Who may send as whom: a pure decision. */
#include "policy/rights.h"

#include "policy/claim.h"
#include "policy/principals.h"

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

/* ---- a wrong sender ----------------------------------------------------------------------------- */

static bool
has_mild_verdict(const struct settings_permit *permit)
{
	return permit->wrong_sender != WRONG_SENDER_REFUSE;
}

struct verdict
rights_refuse_sender(const struct mail_session *session, const char *where)
{
	const struct settings_permit *permit = rights_find_permit(session, has_mild_verdict);

	if (permit && permit->wrong_sender == WRONG_SENDER_HOLD)
		return verdict_hold(permit->where, "%s", RIGHTS_NOT_AS_SENDER);
	return verdict_refuse(550, "5.7.1", where, "%s", RIGHTS_NOT_AS_SENDER);
}

const char *
rights_rewrite_sender(const struct mail_session *session)
{
	const struct settings_permit *permit = rights_find_permit(session, has_mild_verdict);

	if (!session->identity || !permit || permit->wrong_sender != WRONG_SENDER_REWRITE)
		return "";
	return identity_primary(session->identity);
}

/* ---- envelope ---------------------------------------------------------------------------------- */

static struct verdict
refuse_submission(const struct mail_session *session)
{
	if (!session->identity && session->listener->login != LOGIN_OFF)
		return verdict_refuse(530, "5.7.0", "no permit gives submit",
			"Authentication required");
	return verdict_refuse(550, "5.7.1", "no permit gives submit",
		"Client does not have permission to submit mail");
}

struct verdict
rights_check_sender(const struct mail_session *session, const char *sender)
{
	struct address address;
	const char *where;

	if (!(rights_of(session) & RIGHT_SUBMIT))
		return refuse_submission(session);
	if (!sender[0])
		return verdict_pass("null sender");
	if (address_parse(span_text(sender), ADDRESS_UTF8, &address) != ADDRESS_OK)
		return verdict_refuse(553, "5.1.7", "address grammar", "Bad sender address syntax");
	if (claim_check(session, &address, CLAIM_SEND_AS, &where))
		return verdict_pass(where);
	return rights_refuse_sender(session, where);
}

struct verdict
rights_check_recipient(const struct mail_session *session, const char *recipient)
{
	uint32_t rights = rights_of(session);
	struct address address;

	if (!(rights & RIGHT_SUBMIT))
		return refuse_submission(session);
	/* RFC 5321 4.5.1: postmaster without a domain is ours, whoever asks. */
	if (rights & RIGHT_RELAY || span_is_nocase(span_text(recipient), "postmaster"))
		return VERDICT_PASS;
	if (address_parse(span_text(recipient), ADDRESS_UTF8, &address) != ADDRESS_OK)
		return verdict_refuse(553, "5.1.3", "address grammar",
			"Bad recipient address syntax");
	if (settings_is_authoritative(session->settings, address_domain(&address)))
		return VERDICT_PASS;
	return verdict_refuse(550, "5.7.1", "no permit gives relay",
		"Client does not have permission to relay to this recipient");
}
