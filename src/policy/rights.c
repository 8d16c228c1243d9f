/* SPDX-License-Identifier: BSD-2-Clause */
/* Who may send as whom: a pure decision. */
#include "policy/rights.h"

#include <stdio.h>

#include "wire/address_pattern.h"
#include "wire/mailboxes.h"

static const char not_as_sender[] =
	"Client does not have permission to send as this sender";

/* ---- principals and their rights --------------------------------------------------------------- */

static bool
has_text(const struct settings_texts *texts, const char *wanted)
{
	for (size_t i = 0; i < texts->count; i++)
		if (span_is_nocase(span_text(texts->items[i]), wanted))
			return true;
	return false;
}

static bool
is_principal(const struct mail_session *session, const struct principal *principal)
{
	const struct identity *identity = session->identity;

	switch (principal->kind) {
	case PRINCIPAL_ANONYMOUS:
		return !identity;
	case PRINCIPAL_AUTHENTICATED:
		return identity;
	case PRINCIPAL_LOGIN:
		return identity && span_is_nocase(span_text(identity->login), principal->name);
	case PRINCIPAL_GROUP:
		return identity && has_text(&identity->groups, principal->name);
	case PRINCIPAL_NETWORK:
		return network_has(&principal->network, session->client_network);
	case PRINCIPAL_CERTIFICATE:
		return span_is_nocase(span_text(session->certificate), principal->name) &&
			principal->name[0];
	}
	return false;
}

/* Calls visit for every section that matches, the listener's first; stops at the first true. */
typedef bool visit_fn(const struct settings_permit *permit, void *context);

static bool
visit_list(const struct mail_session *session, const struct settings_permits *list,
	visit_fn *visit, void *context)
{
	for (size_t i = 0; i < list->count; i++)
		if (is_principal(session, &list->items[i].principal) &&
			visit(&list->items[i], context))
			return true;
	return false;
}

static bool
visit_permits(const struct mail_session *session, visit_fn *visit, void *context)
{
	return visit_list(session, &session->listener->permit, visit, context) ||
		(session->listener->inherit &&
			visit_list(session, &session->settings->permit, visit, context));
}

static bool
visit_denies(const struct mail_session *session, visit_fn *visit, void *context)
{
	return visit_list(session, &session->listener->deny, visit, context) ||
		(session->listener->inherit &&
			visit_list(session, &session->settings->deny, visit, context));
}

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

	visit_permits(session, add_rights, &permitted);
	visit_denies(session, add_rights, &denied);
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

	visit_permits(session, is_found, &search);
	return search.found;
}

/* ---- one address ------------------------------------------------------------------------------- */

/* An address, and the section that speaks of it. */
struct question {
	const struct mail_session *session;
	const struct address *address;
	bool on_behalf; /* may the address stand in From with a Sender of one's own? */
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

	if (!has_pattern(question->on_behalf ? &permit->on_behalf : &permit->send_as,
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
	if (!question->on_behalf && is_own(question)) {
		question->where = "own address";
		return true;
	}
	if (has_pattern(question->on_behalf ? &identity->on_behalf : &identity->send_as,
		    question->address)) {
		question->where = "directory grant";
		return true;
	}
	return false;
}

static bool
is_authoritative(const struct mail_session *session, const struct address *address)
{
	return settings_is_authoritative(session->settings, address_domain(address));
}

/* The one rule for an address in MAIL FROM and in every originator field. */
static bool
may_use(const struct mail_session *session, const struct address *address, bool on_behalf,
	const char **where_out)
{
	struct question question = {
		.session = session, .address = address, .on_behalf = on_behalf, .where = ""
	};
	uint32_t any;

	*where_out = "no permit names this sender";
	if (visit_denies(session, names_address, &question)) {
		*where_out = question.where;
		return false;
	}
	if (is_granted(&question) || visit_permits(session, names_address, &question)) {
		*where_out = question.where;
		return true;
	}
	any = is_authoritative(session, address) ? RIGHT_OWN_DOMAIN_SENDER : RIGHT_ANY_SENDER;
	if (!on_behalf && rights_of(session) & any) {
		*where_out = any == RIGHT_ANY_SENDER ? "any-sender" : "own-domain-sender";
		return true;
	}
	return false;
}

static bool
has_mild_verdict(const struct settings_permit *permit)
{
	return permit->wrong_sender != WRONG_SENDER_REFUSE;
}

static struct verdict
refuse_sender(const struct mail_session *session, const char *where)
{
	const struct settings_permit *permit = rights_find_permit(session, has_mild_verdict);

	if (permit && permit->wrong_sender == WRONG_SENDER_HOLD)
		return verdict_hold(permit->where, "%s", not_as_sender);
	return verdict_refuse(550, "5.7.1", where, "%s", not_as_sender);
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
	if (may_use(session, &address, false, &where))
		return verdict_pass(where);
	return refuse_sender(session, where);
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
	if (is_authoritative(session, &address))
		return VERDICT_PASS;
	return verdict_refuse(550, "5.7.1", "no permit gives relay",
		"Client does not have permission to relay to this recipient");
}

/* ---- header ------------------------------------------------------------------------------------ */

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

		if (may_use(message->session, address, false, &where))
			continue;
		if (on_behalf_ok && may_use(message->session, address, true, &where))
			continue;
		verdict = refuse_sender(message->session, where);
		if (verdict.kind == VERDICT_REJECT)
			snprintf(verdict.text, sizeof verdict.text, "%s (%s)", not_as_sender, name);
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
		if (!is_authoritative(message->session, &list.list[i].address))
			continue;
		if (listener->stranger_from == STRANGER_FROM_HOLD)
			return verdict_hold(listener->where, "%s (From)", not_as_sender);
		return verdict_refuse(550, "5.7.1", listener->where, "%s (From)", not_as_sender);
	}
	return VERDICT_PASS;
}

struct verdict
rights_check_header(const struct mail_session *session, const struct header *header, bool smtputf8)
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
