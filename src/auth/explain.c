/* SPDX-License-Identifier: BSD-2-Clause */
/* What would be decided of a message. */
#include "auth/explain.h"

#include <stdio.h>
#include <string.h>

#include "policy/limits.h"
#include "policy/originators.h"
#include "policy/rights.h"

static const char *const verdict_words[] = {
	[VERDICT_CONTINUE] = "continue",
	[VERDICT_ACCEPT] = "accept",
	[VERDICT_REJECT] = "reject",
	[VERDICT_TEMPFAIL] = "tempfail",
	[VERDICT_DISCARD] = "discard",
	[VERDICT_HOLD] = "hold",
};

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

/* The question, in the form that policy takes it. */
struct question {
	struct mail_session session;
	const char *sender;
	const char *recipient;    /* NULL: not asked */
	const char *from;         /* NULL: not asked */
	const struct account *account;
	int64_t now_ms;
};

static const char *
text_of(json_t *args, const char *name)
{
	return json_string_value(json_object_get(args, name));
}

static const char *
without_brackets(const char *path, struct arena *arena)
{
	size_t length = strlen(path);

	if (length >= 2 && path[0] == '<' && path[length - 1] == '>')
		return arena_strndup(arena, path + 1, length - 2);
	return path;
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
take_question(const struct settings *settings, json_t *args, struct arena *arena,
	struct question *question, struct fault *fault_out)
{
	const char *listener = text_of(args, "listener");
	const char *sender = text_of(args, "mail_from");
	const char *recipient = text_of(args, "rcpt");

	if (!listener || !sender)
		return fault_set(fault_out, FAULT_CONFIG, "%s is missing",
			listener ? "mail_from" : "listener");
	question->session = (struct mail_session){
		.settings = settings,
		.listener = settings_find_listener(settings, listener),
		.id = "explain",
		.identity = question->account ? &question->account->identity : NULL,
		.helo = "",
		.tls_version = "",
		.tls_cipher = "",
		.tls_group = "",
	};
	if (!question->session.listener)
		return fault_set(fault_out, FAULT_MISSING, "there is no listener %s", listener);
	question->sender = without_brackets(sender, arena);
	question->recipient = recipient ? without_brackets(recipient, arena) : NULL;
	question->from = text_of(args, "from");
	return take_client(question, args, fault_out);
}

/* The same as the stage does: a wrong sender becomes the primary address where a permit says so. */
static struct verdict
after_rewriting(const struct question *question, struct verdict verdict, const char *what)
{
	const char *instead = rights_rewrite_sender(&question->session);

	if (verdict.kind == VERDICT_REJECT && verdict.code == 550 && instead[0] &&
		rights_check_sender(&question->session, instead).kind == VERDICT_CONTINUE) {
		verdict = VERDICT_PASS;
		snprintf(verdict.text, sizeof verdict.text, "%s is rewritten to %s", what,
			instead);
	}
	return verdict;
}

static struct verdict
judge_header(const struct question *question, struct arena *arena)
{
	struct buf block = BUF_INIT(HEADER_FIELD_MAX_BYTES);
	struct fault fault = FAULT_INIT;
	struct verdict verdict;
	struct header header;

	buf_printf(&block, "From: %s\r\n", question->from);
	if (block.overflow ||
		!header_parse(buf_span(&block), HEADER_UTF8, arena, &header, &fault))
		verdict = verdict_refuse(554, "5.6.0", "header grammar", "%s", fault.text);
	else
		verdict = after_rewriting(question,
			originators_check(&question->session, &header, true), "From");
	buf_fini(&block);
	return verdict;
}

static struct verdict
judge(const struct question *question, struct arena *arena)
{
	const char *refusal = question->account
		? account_refusal(question->account, IDENTITY_SMTP, question->now_ms)
		: NULL;
	struct verdict verdict;
	struct verdict sender;

	if (refusal)
		return verdict_refuse(535, "5.7.8", "account", "%s", refusal);
	verdict = after_rewriting(question,
		rights_check_sender(&question->session, question->sender), "MAIL FROM");
	sender = verdict;
	if (verdict.kind == VERDICT_CONTINUE && question->recipient)
		verdict = rights_check_recipient(&question->session, question->recipient);
	if (verdict.kind == VERDICT_CONTINUE && question->from)
		verdict = judge_header(question, arena);
	/* All passed: what allowed the sender is of interest, or else the From of a null sender. */
	if (verdict.kind == VERDICT_CONTINUE && !verdict.text[0] &&
		!(verdict.where[0] && question->sender[0] == '\0'))
		return sender;
	return verdict;
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

static json_t *
json_of_verdict(const struct question *question, const struct verdict *verdict)
{
	json_t *data = json_object();

	json_object_set_new(data, "verdict", json_string(verdict_words[verdict->kind]));
	if (verdict->code) {
		json_object_set_new(data, "code", json_integer(verdict->code));
		json_object_set_new(data, "enhanced", json_string(verdict->enhanced));
	}
	if (verdict->text[0])
		json_object_set_new(data, "text", json_string(verdict->text));
	json_object_set_new(data, "where", json_string(verdict->where));
	json_object_set_new(data, "rights", json_of_rights(rights_of(&question->session)));
	json_object_set_new(data, "limits", json_string(limits_of(&question->session)->title));
	return data;
}

json_t *
explain(const struct settings *settings, json_t *args, const struct account *account,
	int64_t now_ms, struct fault *fault_out)
{
	struct question question = { .account = account, .now_ms = now_ms };
	struct arena *arena = arena_new(0);
	struct verdict verdict;
	json_t *data = NULL;

	if (take_question(settings, args, arena, &question, fault_out)) {
		verdict = judge(&question, arena);
		data = json_of_verdict(&question, &verdict);
	}
	arena_free(&arena);
	return data;
}
