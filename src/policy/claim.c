/* SPDX-License-Identifier: BSD-2-Clause */
/* May a session use this address? */
#include "policy/claim.h"

#include "policy/principals.h"
#include "wire/address_pattern.h"

/* An address, as it stands and without its plus tag, and the section that speaks of it. */
struct question {
	const struct mail_session *session;
	const struct address *address;
	enum claim_kind kind;
	char text[ADDRESS_TEXT_SIZE];
	struct address base;
	char base_text[ADDRESS_TEXT_SIZE]; /* "" without a tag, or where the domain has none */
	const struct settings_permit *section; /* that names it */
	const char *where;
};

static void
ask(struct question *question)
{
	const struct address *address = question->address;
	char separator =
		settings_plus_address(question->session->settings, address_domain(address));

	address_format(address, question->text);
	if (separator && address_without_tag(address, separator, &question->base))
		address_format(&question->base, question->base_text);
}

/* Whose address it is, his are the plus-addresses of it: of own ones, of granted and of denied. */
static bool
is_meant(const struct question *question, struct span pattern)
{
	return address_pattern_text_matches(pattern, question->address,
		       span_text(question->text)) ||
		(question->base_text[0] &&
			address_pattern_text_matches(pattern, &question->base,
				span_text(question->base_text)));
}

static bool
has_pattern(const struct question *question, const struct settings_texts *patterns)
{
	for (size_t i = 0; i < patterns->count; i++)
		if (is_meant(question, span_text(patterns->items[i])))
			return true;
	return false;
}

/* An address of its own is an address, whatever pattern it looks like. */
static bool
is_own(const struct question *question, const struct settings_texts *addresses)
{
	for (size_t i = 0; i < addresses->count; i++) {
		struct span own = span_text(addresses->items[i]);

		if (span_equal_nocase(own, span_text(question->text)) ||
			span_equal_nocase(own, span_text(question->base_text)))
			return true;
	}
	return false;
}

static bool
names_address(const struct settings_permit *permit, void *context)
{
	struct question *question = context;

	if (!has_pattern(question, question->kind == CLAIM_ON_BEHALF ? &permit->on_behalf
								     : &permit->send_as))
		return false;
	question->section = permit;
	return true;
}

static bool
is_granted(struct question *question)
{
	const struct identity *identity = question->session->identity;
	const struct identity_grants *grants;

	if (!identity)
		return false;
	if (question->kind == CLAIM_SEND_AS && is_own(question, &identity->addresses)) {
		question->where = CLAIM_OWN_ADDRESS;
		return true;
	}
	grants = question->kind == CLAIM_ON_BEHALF ? &identity->on_behalf : &identity->send_as;
	for (size_t i = 0; i < grants->count; i++) {
		if (is_meant(question, span_text(grants->items[i].pattern))) {
			question->where = grants->items[i].where;
			return true;
		}
	}
	return false;
}

static const char *
reason_of_deny(enum principal_kind kind)
{
	switch (kind) {
	case PRINCIPAL_ANONYMOUS:
		return "denied to clients without a login";
	case PRINCIPAL_AUTHENTICATED:
		return "denied to every login";
	case PRINCIPAL_LOGIN:
		return "denied to this login";
	case PRINCIPAL_GROUP:
		return "denied to a group of this login";
	case PRINCIPAL_NETWORK:
		return "denied to this network";
	case PRINCIPAL_CERTIFICATE:
		return "denied to this certificate";
	}
	return "denied";
}

static struct claim
allow(const char *where)
{
	return (struct claim){ .allowed = true, .where = where, .reason = "" };
}

/* Nobody has named the address, but the session may use any, of ours or of others. */
static struct claim
check_any(const struct question *question)
{
	const struct mail_session *session = question->session;
	bool ours = settings_is_authoritative(session->settings,
		address_domain(question->address));
	struct claim claim = {
		.where = ours ? "no permit names this sender of ours" : "no permit names this sender",
		.reason = session->identity ? "not granted to this login"
					    : "not granted to this client",
	};

	if (question->kind == CLAIM_SEND_AS &&
		principals_have_right(session,
			ours ? RIGHT_OWN_DOMAIN_SENDER : RIGHT_ANY_SENDER, &claim.where))
		return allow(claim.where);
	return claim;
}

struct claim
claim_check(const struct mail_session *session, const struct address *address, enum claim_kind kind)
{
	struct question question = { .session = session, .address = address, .kind = kind };

	ask(&question);
	if (principals_visit_denies(session, names_address, &question))
		return (struct claim){
			.where = question.section->where,
			.reason = reason_of_deny(question.section->principal.kind),
		};
	if (is_granted(&question))
		return allow(question.where);
	if (principals_visit_permits(session, names_address, &question))
		return allow(question.section->where);
	return check_any(&question);
}
