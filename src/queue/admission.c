/* SPDX-License-Identifier: BSD-2-Clause */
/* May this COMMIT be queued? What a front end says is checked as if it were a stranger's. */
#include "queue/admission.h"

#include "ipc/grant.h"
#include "policy/limits.h"
#include "policy/milter_condition.h"
#include "policy/rights.h"
#include "wire/address.h"
#include "wire/xtext.h"

#include <string.h>

/* ---- grammar */

static struct verdict
malformed(const char *what)
{
	return verdict_refuse(554, "5.6.0", "queue", "Malformed %s", what);
}

/* No dot: ids with one are the queue's own, of notices. */
static bool
is_id(const char *id)
{
	for (const char *at = id; *at; at++) {
		bool good = (*at >= '0' && *at <= '9') || (*at >= 'a' && *at <= 'z') ||
			(*at >= 'A' && *at <= 'Z') || *at == '-' || *at == '_';
		if (!good)
			return false;
	}
	return *id != '\0';
}

static bool
is_word(const char *text)
{
	return span_is_printable(span_text(text));
}

static bool
is_sender(const char *path, unsigned flags)
{
	struct address address;
	return path[0] == '\0' ||
		address_parse(span_text(path), flags, &address) == ADDRESS_OK;
}

static bool
is_recipient(const struct message_recipient *recipient, size_t number, unsigned flags)
{
	struct address address;
	struct span path = span_text(recipient->path);
	return recipient->number == number &&
		(span_is_nocase(path, "postmaster") ||
			address_parse(path, flags, &address) == ADDRESS_OK) &&
		(!recipient->orcpt[0] ||
			xtext_is_orcpt(span_text(recipient->orcpt), flags & ADDRESS_UTF8));
}

static struct verdict
check_grammar(const struct message_commit *commit)
{
	const struct message_envelope *envelope = &commit->envelope;
	const struct message_content *content = &commit->content;
	unsigned flags = envelope->smtputf8 ? ADDRESS_UTF8 : 0;
	if (!is_id(commit->id))
		return malformed("message id");
	if (!is_word(commit->session) || !is_word(commit->listener) ||
		!is_word(commit->protocol) || !is_word(commit->client_address))
		return malformed("session");
	if (!is_sender(envelope->sender, flags) || !is_sender(commit->allowed_sender, flags))
		return malformed("sender");
	if (envelope->envid[0] && !xtext_is_envid(span_text(envelope->envid)))
		return malformed("ENVID");
	for (size_t i = 0; i < envelope->recipient_count; i++) {
		if (!is_recipient(&envelope->recipients[i], i, flags))
			return malformed("recipient");
	}
	/* A header ends in its empty line; the body begins behind it. */
	struct span end = span_from(content->header,
		content->header.length > 4 ? content->header.length - 4 : 0);
	if (!span_is(end, "\r\n\r\n") && !span_is(content->header, "\r\n"))
		return malformed("header");
	return VERDICT_PASS;
}

/* ---- who it is */

static struct verdict
doubtful(const char *why)
{
	return verdict_refuse(451, "4.7.0", "queue", "Login could not be confirmed: %s", why);
}

static struct verdict
check_grant(const struct admission *admission, const struct message_commit *commit,
	int64_t wall_ms, struct arena *arena, struct identity *identity_out)
{
	struct fault fault = FAULT_INIT;
	struct grant grant;
	struct certificate_names certificates;
	if (!grant_check(commit->grant, admission->grant_key, wall_ms, &grant, &fault))
		return doubtful(fault.text);
	if (!span_is(grant.session, commit->session) || !span_is(grant.login, commit->login) ||
		!span_is(grant.listener, commit->listener))
		return doubtful("granted to another session");
	if (!certificate_names_read(grant.certificates, arena, &certificates) ||
		!certificate_names_equal(&certificates, &commit->certificates))
		return doubtful("granted with another certificate");
	if (!revoked_is_known(admission->revoked))
		return doubtful("what was withdrawn is not known yet");
	if (revoked_has(admission->revoked, grant.login, grant.epoch))
		return doubtful("it was withdrawn");
	if (!identity_unpack(grant.identity, arena, identity_out) ||
		!span_is(grant.login, identity_out->login))
		return doubtful("no identity");
	if (identity_out->credential_id &&
		revoked_has_credential(admission->revoked, identity_out->credential_id))
		return doubtful("its app password was withdrawn");
	return VERDICT_PASS;
}

/* ---- what it may */

/* Is there a filter that sees the mail of this session, and may put in whom the session may not? */
static bool
has_trusted_filter(const struct mail_session *session)
{
	const struct settings_policy *policy =
		settings_find_policy(session->settings, session->listener);
	for (size_t i = 0; policy && i < policy->milters.count; i++) {
		const struct settings_milter *milter =
			settings_find_milter(session->settings, policy->milters.items[i]);
		if (milter && milter->change_envelope && milter_condition_session(milter, session))
			return true;
	}
	return false;
}

static struct verdict
check_recipients(const struct mail_session *session, const struct message_commit *commit)
{
	size_t passed = 0;
	for (size_t i = 0; i < commit->envelope.recipient_count; i++) {
		if (passed < commit->added_count && commit->added[passed] == i) {
			passed++;
			continue;
		}
		struct verdict one =
			rights_check_recipient(session, commit->envelope.recipients[i].path);
		if (one.kind != VERDICT_CONTINUE)
			return one;
	}
	return VERDICT_PASS;
}

static struct verdict
check_rights(const struct mail_session *session, const struct message_commit *commit)
{
	const char *sender =
		commit->sender_changed ? commit->allowed_sender : commit->envelope.sender;
	if ((commit->sender_changed || commit->added_count) && !has_trusted_filter(session))
		return verdict_refuse(451, "4.3.0", "queue",
			"No filter may change the envelope of this message");
	struct verdict verdict = rights_check_sender(session, sender);
	if (verdict_is_refusal(&verdict))
		return verdict;
	struct verdict recipients = check_recipients(session, commit);
	return recipients.kind == VERDICT_CONTINUE ? verdict : recipients;
}

static void
describe_login(const struct mail_session *session, struct admitted *admitted)
{
	const char *owner = identity_primary(session->identity);
	size_t length = strlen(owner);
	admitted->held_most = limits_of(session)->held_messages;
	/* One that is too long is nobody's; cut, it could be somebody's. */
	if (length < sizeof(admitted->owner))
		memcpy(admitted->owner, owner, length + 1);
}

struct verdict
admission_check(const struct admission *admission, const struct message_commit *commit,
	int64_t wall_ms, struct admitted *admitted_out)
{
	*admitted_out = (struct admitted){ .held_most = UINT64_MAX };
	struct verdict verdict = check_grammar(commit);
	if (verdict.kind != VERDICT_CONTINUE)
		return verdict;
	struct identity identity;
	struct network client = { .bits = 0 };
	struct arena *arena = arena_new(1024);
	struct mail_session session = {
		.settings = admission->settings,
		.listener = settings_find_listener(admission->settings, commit->listener),
		.id = commit->session,
		.helo = "",
		.client_address = commit->client_address,
		.certificates = { commit->certificates.items, commit->certificates.count },
		.tls_version = "",
	};
	if (network_parse(span_text(commit->client_address), &client, NULL))
		memcpy(session.client_network, client.address, sizeof(session.client_network));
	if (!session.listener) {
		verdict = verdict_refuse(451, "4.3.0", "queue", "The listener is gone");
	} else if (commit->login[0]) {
		verdict = check_grant(admission, commit, wall_ms, arena, &identity);
		session.identity = &identity;
	} else if (commit->grant.length) {
		verdict = doubtful("a grant without a login");
	}
	if (verdict.kind == VERDICT_CONTINUE) {
		verdict = check_rights(&session, commit);
		if (session.identity)
			describe_login(&session, admitted_out);
	}
	arena_free(&arena);
	return verdict;
}
