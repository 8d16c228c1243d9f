/* SPDX-License-Identifier: BSD-2-Clause */
/* May a session use this address? */
#include "policy/claim.h"

#include "policy/principals.h"
#include "policy/rights.h"
#include "wire/address_pattern.h"

/* An address, and the section that speaks of it. */
struct question {
	const struct mail_session *session;
	const struct address *address;
	enum claim_kind kind;
	const char *where;
};

static bool
has_pattern(const struct settings_texts *patterns, const struct address *address)
{
	struct address_pattern pattern;

	for (size_t i = 0; i < patterns->count; i++)
		if (address_pattern_parse(span_text(patterns->items[i]), &pattern) &&
			address_pattern_matches(&pattern, address))
			return true;
	return false;
}

static bool
names_address(const struct settings_permit *permit, void *context)
{
	struct question *question = context;

	if (!has_pattern(question->kind == CLAIM_ON_BEHALF ? &permit->on_behalf : &permit->send_as,
		    question->address))
		return false;
	question->where = permit->where;
	return true;
}

static bool
is_own(const struct question *question)
{
	const struct identity *identity = question->session->identity;
	struct span domain = address_domain(question->address);
	char separator = settings_plus_address(question->session->settings, domain);
	struct address base = *question->address;
	struct address own;

	if (separator)
		address_without_tag(question->address, separator, &base);
	for (size_t i = 0; i < identity->addresses.count; i++)
		if (address_parse(span_text(identity->addresses.items[i]), ADDRESS_UTF8, &own) ==
				ADDRESS_OK &&
			(address_equal_own(&own, question->address) ||
				address_equal_own(&own, &base)))
			return true;
	return false;
}

static bool
is_granted(struct question *question)
{
	const struct identity *identity = question->session->identity;

	if (!identity)
		return false;
	if (question->kind == CLAIM_SEND_AS && is_own(question)) {
		question->where = "own address";
		return true;
	}
	if (has_pattern(question->kind == CLAIM_ON_BEHALF ? &identity->on_behalf : &identity->send_as,
		    question->address)) {
		question->where = "directory grant";
		return true;
	}
	return false;
}

bool
claim_check(const struct mail_session *session, const struct address *address, enum claim_kind kind,
	const char **where_out)
{
	struct question question = {
		.session = session, .address = address, .kind = kind, .where = ""
	};
	uint32_t any;

	*where_out = "no permit names this sender";
	if (principals_visit_denies(session, names_address, &question)) {
		*where_out = question.where;
		return false;
	}
	if (is_granted(&question) || principals_visit_permits(session, names_address, &question)) {
		*where_out = question.where;
		return true;
	}
	any = settings_is_authoritative(session->settings, address_domain(address))
		? RIGHT_OWN_DOMAIN_SENDER
		: RIGHT_ANY_SENDER;
	if (kind == CLAIM_SEND_AS && rights_of(session) & any) {
		*where_out = any == RIGHT_ANY_SENDER ? "any-sender" : "own-domain-sender";
		return true;
	}
	return false;
}
