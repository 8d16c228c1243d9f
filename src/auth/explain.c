/* SPDX-License-Identifier: BSD-2-Clause */
/* What would be decided of a message. */
#include "auth/explain.h"

#include <string.h>

#include "policy/device_stage.h"
#include "policy/limits.h"
#include "policy/milter_condition.h"
#include "policy/originators.h"
#include "policy/rights.h"
#include "wire/address.h"
#include "wire/base64.h"

static const struct {
	uint32_t right;
	const char *word;
} right_words[] = {
	{ RIGHT_SUBMIT, "submit" },
	{ RIGHT_RELAY, "relay" },
	{ RIGHT_ANY_SENDER, "any-sender" },
	{ RIGHT_OWN_DOMAIN_SENDER, "own-domain-sender" },
	{ RIGHT_BYPASS_SIZE, "bypass-size" },
	{ RIGHT_BYPASS_LIMITS, "bypass-limits" },
	{ RIGHT_BYPASS_MILTERS, "bypass-milters" },
};

/* The question, in the form that policy takes it, and the answer so far. */
struct question {
	struct mail_session session;
	const char *certificate;  /* name in one; NULL: none */
	struct arena *arena;
	bool smtputf8;
	const char *sender;       /* as given, without brackets */
	const char *recipient;    /* NULL: not asked */
	struct span header;       /* the block; empty: not asked */
	const struct account *account;
	bool has_login;           /* the account is of a login, not of the listener */
	int64_t now_ms;
	json_t *steps;
	json_t *becomes;
};

static const char *
text_of(json_t *args, const char *name)
{
	return json_string_value(json_object_get(args, name));
}

static const char *
without_brackets(const char *path, struct arena *arena)
{
	struct span text = address_in_brackets(span_text(path));

	return arena_strndup(arena, text.start, text.length);
}

static bool
take_client(struct question *question, json_t *args, struct fault *fault_out)
{
	const char *ip = text_of(args, "ip");
	struct network network;

	question->session.client_address = ip ? ip : "";
	if (!ip)
		return true;
	if (!network_parse(span_text(ip), &network, fault_out) || network.bits != NETWORK_BITS)
		return fault_set(fault_out, FAULT_CONFIG, "ip is not an address: %s", ip);
	memcpy(question->session.client_network, network.address, NETWORK_BYTES);
	return true;
}

static bool
take_session(struct question *question, const struct settings *settings, json_t *args,
	struct fault *fault_out)
{
	const char *listener = text_of(args, "listener");

	question->certificate = text_of(args, "certificate");
	question->session = (struct mail_session){
		.settings = settings,
		.listener = listener ? settings_find_listener(settings, listener) : NULL,
		.id = "explain",
		.identity = question->account ? &question->account->identity : NULL,
		.helo = "",
		.certificates = { .items = &question->certificate,
			.count = question->certificate ? 1 : 0 },
		.tls_version = "",
		.tls_cipher = "",
		.tls_group = "",
	};
	if (!listener)
		return fault_set(fault_out, FAULT_CONFIG, "listener is missing");
	if (!question->session.listener)
		return fault_set(fault_out, FAULT_MISSING, "there is no listener %s", listener);
	return take_client(question, args, fault_out);
}

/* The block in base64, or From and Sender alone. */
static bool
take_header(struct question *question, json_t *args, struct fault *fault_out)
{
	static const struct {
		const char *key;
		const char *name;
	} fields[] = { { "from", "From" }, { "sender", "Sender" } };
	const char *whole = text_of(args, "header");
	struct buf block = BUF_INIT(HEADER_MAX_BYTES);
	bool right = true;

	if (whole && (text_of(args, "from") || text_of(args, "sender")))
		right = fault_set(fault_out, FAULT_CONFIG,
			"header cannot stand beside from and sender");
	else if (whole && !base64_parse(span_text(whole), &block))
		right = fault_set(fault_out, FAULT_CONFIG, "header is too long, or no base64");
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
		if (text_of(args, fields[i].key))
			buf_printf(&block, "%s: %s\r\n", fields[i].name,
				text_of(args, fields[i].key));
	question->header = span_of(
		arena_dup(question->arena, buf_span(&block).start, buf_length(&block)),
		buf_length(&block));
	buf_fini(&block);
	return right;
}

static bool
take_question(struct question *question, const struct settings *settings, json_t *args,
	struct fault *fault_out)
{
	const char *sender = text_of(args, "mail_from");
	const char *recipient = text_of(args, "rcpt");

	if (!take_session(question, settings, args, fault_out) ||
		!take_header(question, args, fault_out))
		return false;
	if (!sender)
		return fault_set(fault_out, FAULT_CONFIG, "mail_from is missing");
	question->has_login = text_of(args, "login") != NULL;
	question->smtputf8 = json_is_true(json_object_get(args, "smtputf8"));
	question->sender = without_brackets(sender, question->arena);
	question->recipient = recipient ? without_brackets(recipient, question->arena) : NULL;
	return true;
}

/* ---- the answer -------------------------------------------------------------------------------- */

static void
put_verdict(json_t *to, const struct verdict *verdict)
{
	json_object_set_new(to, "verdict", json_string(verdict_word(verdict)));
	if (verdict->code) {
		json_object_set_new(to, "code", json_integer(verdict->code));
		json_object_set_new(to, "enhanced", json_string(verdict->enhanced));
	}
	if (verdict->text[0])
		json_object_set_new(to, "text", json_string(verdict->text));
	json_object_set_new(to, "where", json_string(verdict->where));
}

static void
add_step(struct question *question, const char *at, const struct verdict *verdict)
{
	json_t *step = json_object();

	json_object_set_new(step, "at", json_string(at));
	put_verdict(step, verdict);
	json_array_append_new(question->steps, step);
}

static struct verdict
judge_sender(struct question *question)
{
	struct verdict verdict = rights_check_smtputf8(question->sender, question->smtputf8);
	const char *instead;

	if (verdict_is_refusal(&verdict))
		return verdict;
	verdict = rights_judge_sender(&question->session,
		device_sender(&question->session, question->sender), &instead);
	if (instead != question->sender)
		json_object_set_new(question->becomes, "mail_from", json_string(instead));
	return verdict;
}

static void
tell_changes(struct question *question, const struct header *header)
{
	static const struct {
		const char *name;
		const char *key;
	} fields[] = { { "From", "from" }, { "Sender", "sender" }, { "Reply-To", "reply_to" } };

	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		size_t at = header_find(header, fields[i].name, 0);
		struct span value;

		if (at == header->count)
			continue;
		value = header_unfold(header->fields[at].value, question->arena);
		json_object_set_new(question->becomes, fields[i].key,
			json_stringn(value.start, value.length));
	}
}

static struct verdict
judge_header(struct question *question)
{
	struct mail *mail = mail_new(&question->session, "explain", question->now_ms);
	struct verdict verdict;

	mail->smtputf8 = question->smtputf8;
	buf_add_span(&mail->header_block, question->header);
	verdict = mail_judge_header(mail, rights_is_submission(&question->session));
	if (verdict.kind == VERDICT_CONTINUE && !device_make_right(mail))
		verdict = verdict_refuse(552, "5.3.4", "header size", "The header is too large");
	if (verdict.kind == VERDICT_CONTINUE)
		verdict = originators_judge(&question->session, &mail->header, mail->smtputf8);
	if (verdict.changed || question->session.listener->fixed_from[0])
		tell_changes(question, &mail->header);
	mail_free(&mail);
	return verdict;
}

static struct verdict
judge(struct question *question)
{
	const char *refusal = question->account
		? account_refusal(question->account, IDENTITY_SMTP, question->now_ms)
		: NULL;
	struct verdict envelope;
	struct verdict verdict;

	if (question->session.client_address[0] &&
		!device_is_served(question->session.listener, question->session.client_network))
		return verdict_refuse(554, "5.7.1", question->session.listener->where,
			"No service for your network");
	if (refusal && !question->has_login && question->session.listener->identity[0])
		return verdict_refuse(550, "5.7.1", question->session.listener->where,
			"The account of this network may not be used: %s", refusal);
	if (refusal)
		return verdict_refuse(535, "5.7.8", "account", "%s", refusal);
	envelope = judge_sender(question);
	add_step(question, "MAIL", &envelope);
	if (verdict_is_refusal(&envelope))
		return envelope;
	if (question->recipient) {
		verdict = rights_check_recipient(&question->session, question->recipient);
		add_step(question, "RCPT", &verdict);
		if (verdict_is_refusal(&verdict))
			return verdict;
	}
	if (question->header.length == 0)
		return envelope;
	verdict = judge_header(question);
	add_step(question, "header", &verdict);
	return rights_weigh(&envelope, &verdict);
}

static json_t *
json_of_rights(uint32_t rights)
{
	json_t *list = json_array();

	for (size_t i = 0; i < sizeof right_words / sizeof right_words[0]; i++) {
		if (rights & right_words[i].right)
			json_array_append_new(list, json_string(right_words[i].word));
	}
	return list;
}

/* Whether one filter would be asked about the session; of a size the message alone can tell. */
static json_t *
json_of_filter(const struct settings_milter *milter, const struct mail_session *session)
{
	const char *where;
	const char *missed = milter_condition_missed(milter, session, &where);
	json_t *filter = json_pack("{s:s, s:b}", "name", milter->title, "asked", !missed);

	if (missed) {
		json_object_set_new(filter, "missed", json_string(missed));
		json_object_set_new(filter, "where", json_string(where));
	}
	if (milter->smallest)
		json_object_set_new(filter, "smallest", json_integer((json_int_t)milter->smallest));
	if (milter->largest)
		json_object_set_new(filter, "largest", json_integer((json_int_t)milter->largest));
	return filter;
}

static json_t *
json_of_filters(const struct mail_session *session)
{
	const struct settings_policy *policy =
		settings_find_policy(session->settings, session->listener);
	json_t *list = json_array();

	for (size_t i = 0; policy && i < policy->milters.count; i++)
		json_array_append_new(list,
			json_of_filter(settings_find_milter(session->settings,
					       policy->milters.items[i]),
				session));
	return list;
}

static json_t *
json_of_answer(const struct question *question, const struct verdict *verdict)
{
	json_t *data = json_object();

	put_verdict(data, verdict);
	json_object_set_new(data, "rights", json_of_rights(rights_of(&question->session)));
	json_object_set_new(data, "limits", json_string(limits_of(&question->session)->title));
	json_object_set_new(data, "filters", json_of_filters(&question->session));
	json_object_set(data, "becomes", question->becomes);
	json_object_set(data, "steps", question->steps);
	return data;
}

const char *
explain_identity(const struct settings *settings, json_t *args)
{
	const char *listener = text_of(args, "listener");
	const char *ip = text_of(args, "ip");
	const struct settings_listener *found =
		listener ? settings_find_listener(settings, listener) : NULL;
	struct network client;

	if (!found || (ip && (!network_parse(span_text(ip), &client, NULL) ||
				     !device_is_served(found, client.address))))
		return "";
	return found->identity;
}

json_t *
explain(const struct settings *settings, json_t *args, const struct account *account,
	int64_t now_ms, struct fault *fault_out)
{
	struct question question = {
		.arena = arena_new(0),
		.account = account,
		.now_ms = now_ms,
		.steps = json_array(),
		.becomes = json_object(),
	};
	struct verdict verdict;
	json_t *data = NULL;

	if (take_question(&question, settings, args, fault_out)) {
		verdict = judge(&question);
		data = json_of_answer(&question, &verdict);
	}
	json_decref(question.steps);
	json_decref(question.becomes);
	arena_free(&question.arena);
	return data;
}
