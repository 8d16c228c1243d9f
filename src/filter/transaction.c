/* SPDX-License-Identifier: BSD-2-Clause */
/* One message under another mail server. */
#include "filter/transaction.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "filter/candidates.h"
#include "filter/login.h"
#include "policy/originators.h"
#include "policy/rights.h"
#include "wire/address.h"

/* A packet of the protocol has 64 KiB, and servers cut fields to fit: the rest may be hidden. */
enum { WHOLE_FIELD_MAX_BYTES = 32 * 1024 };

struct transaction {
	struct snapshot *snapshot;
	struct arena *arena;
	struct mail_session session;
	struct identity identity;
	struct mail *mail;         /* NULL before the header */
	const char *login;         /* as the source is asked; NULL without one */
	const char *mechanism;
	const char *queue_id;
	bool has_client;           /* the session's client_network is one */
	bool smtputf8;
	const char *given_sender;
	const char *sender;        /* the same, or what takes its place */
	struct header before;      /* as it came, once it is parsed */
	struct verdict verdict;
	unsigned needs;
};

struct transaction *
transaction_new(void)
{
	struct arena *arena = arena_new(1024);
	struct transaction *transaction = arena_alloc(arena, sizeof *transaction);

	transaction->arena = arena;
	transaction->snapshot = snapshot_hold();
	return transaction;
}

void
transaction_free(struct transaction **transaction)
{
	struct arena *arena;

	if (!*transaction)
		return;
	mail_free(&(*transaction)->mail);
	snapshot_drop(&(*transaction)->snapshot);
	arena = (*transaction)->arena;
	arena_free(&arena);
	*transaction = NULL;
}

static const struct settings_filter *
settings_of(const struct transaction *transaction)
{
	return &transaction->snapshot->settings->filter;
}

/* ---- the log ----------------------------------------------------------------------------------- */

/* From as it came, on one line. */
static struct span
shown_from(const struct transaction *transaction)
{
	const struct header *header = &transaction->before;
	size_t at = header_find(header, "From", 0);

	return at < header->count
		? header_unfold(header->fields[at].value, transaction->arena)
		: SPAN_EMPTY;
}

static void
log_decision(const struct transaction *transaction)
{
	const struct verdict *verdict = &transaction->verdict;
	bool logs = settings_of(transaction)->mode == FILTER_MODE_LOG;
	struct log_field fields[] = {
		kv_str("id", transaction->queue_id),
		kv_str("login", transaction->login),
		kv_str("client", transaction->session.client_address),
		kv_str("listener", transaction->session.listener->title),
		kv_str("sender", transaction->given_sender[0] ? transaction->given_sender : "<>"),
		kv_span("from", shown_from(transaction)),
		kv_str("verdict", verdict_word(verdict)),
		kv_str("where", verdict->where),
		kv_str("mode", logs ? "log" : "enforce"),
		kv_str("text", verdict->text),
		kv_str("enhanced", verdict->enhanced),
		kv_int("code", verdict->code),
	};
	size_t count = sizeof fields / sizeof *fields;

	/* What passes has no code. */
	log_write(verdict_is_refusal(verdict) ? EV_FILTER_REFUSED : EV_FILTER_PASSED, fields,
		verdict->code ? count : count - 1);
}

/* What comes of a decision that is final. */
static enum transaction_answer
close_with(struct transaction *transaction, const struct verdict *verdict)
{
	transaction->verdict = *verdict;
	log_decision(transaction);
	if (settings_of(transaction)->mode == FILTER_MODE_LOG)
		return TRANSACTION_PASS;
	if (verdict_is_refusal(verdict))
		return TRANSACTION_REFUSE;
	return transaction->needs ? TRANSACTION_CHANGE : TRANSACTION_PASS;
}

/* ---- MAIL -------------------------------------------------------------------------------------- */

static void
take_client(struct transaction *transaction, const char *client)
{
	struct span text = span_text(client);
	struct network network;

	if (span_starts_nocase(text, "IPv6:"))
		text = span_from(text, 5);
	transaction->session.client_address =
		arena_strndup(transaction->arena, text.start, text.length);
	transaction->has_client =
		network_parse(text, &network, NULL) && network.bits == NETWORK_BITS;
	if (transaction->has_client)
		memcpy(transaction->session.client_network, network.address, NETWORK_BYTES);
}

static void
take_facts(struct transaction *transaction, const struct transaction_facts *facts)
{
	struct arena *arena = transaction->arena;
	bool has_login = facts->login && facts->login[0];
	struct span sender;

	transaction->session = (struct mail_session){
		.settings = transaction->snapshot->settings,
		.listener = snapshot_listener(transaction->snapshot, facts->listener),
		.id = "milter",
		.helo = "",
		.tls_version = "",
		.tls_cipher = "",
		.tls_group = "",
		.local_address = "",
		.certificate_subject = "",
		.certificate_issuer = "",
	};
	take_client(transaction, facts->client);
	transaction->queue_id = arena_strdup(arena, facts->queue_id ? facts->queue_id : "");
	transaction->mechanism = arena_strdup(arena, facts->mechanism ? facts->mechanism : "");
	/* What else is wrong with it the rights say. */
	sender = address_in_brackets(span_text(facts->sender));
	transaction->given_sender = arena_strndup(arena, sender.start, sender.length);
	transaction->smtputf8 = facts->smtputf8;
	if (has_login)
		transaction->login = login_of(arena_strdup(arena, facts->login),
			transaction->snapshot->settings, arena);
}

/* Somebody has logged in, and is no stranger even where the server was told to keep his name to itself. */
static bool
is_anonymous_login(const struct transaction *transaction)
{
	return !transaction->login && transaction->mechanism[0];
}

/* The setting that lets a client pass which has not logged in; NULL if it is judged. */
static const char *
exemption(const struct transaction *transaction)
{
	const struct settings_filter *filter = settings_of(transaction);

	if (transaction->login)
		return NULL;
	if (filter->strangers == FILTER_STRANGERS_PASS)
		return "unauthenticated = pass";
	for (size_t i = 0; transaction->has_client && i < filter->exempt_networks.count; i++)
		if (network_has(&filter->exempt_networks.items[i],
			    transaction->session.client_network))
			return "exempt-networks";
	return NULL;
}

/* A login that the source does not know has what is permitted to every login, and no address. */
static bool
identify(struct transaction *transaction, const struct header *header,
	struct verdict *verdict_out)
{
	struct identity *identity = &transaction->identity;
	struct fault fault = FAULT_INIT;
	struct settings_texts candidates;

	if (!transaction->login)
		return true;
	candidates = candidates_of(transaction->session.settings, transaction->given_sender, header,
		transaction->arena);
	switch (identities_find(transaction->snapshot->identities, transaction->login, &candidates,
		transaction->arena, identity, &fault)) {
	case IDENTITIES_FOUND:
		break;
	case IDENTITIES_UNKNOWN:
		*identity = (struct identity){ .login = transaction->login, .credential = "",
			.limits = "" };
		break;
	case IDENTITIES_UNSURE:
		log_event(EV_FILTER_UNSURE, kv_str("id", transaction->queue_id),
			kv_str("login", transaction->login), kv_fault(&fault));
		*verdict_out = verdict_refuse(451, "4.3.0", "source of identities",
			"It cannot be told now who may send as this sender; try again later");
		return false;
	}
	identity->mechanism = transaction->mechanism;
	transaction->session.identity = identity;
	return true;
}

static struct verdict
judge_sender(struct transaction *transaction)
{
	const char *sender = transaction->given_sender;
	struct verdict verdict = rights_check_smtputf8(sender, transaction->smtputf8);

	if (verdict_is_refusal(&verdict))
		return verdict;
	return rights_judge_sender(&transaction->session, sender, &transaction->sender);
}

enum transaction_answer
transaction_envelope(struct transaction *transaction, const struct transaction_facts *facts)
{
	struct verdict verdict;
	const char *exempt;

	take_facts(transaction, facts);
	if (is_anonymous_login(transaction)) {
		verdict = verdict_refuse(451, "4.3.5", "{auth_authen}",
			"The mail server does not tell its filter who has logged in");
		return close_with(transaction, &verdict);
	}
	if ((exempt = exemption(transaction))) {
		transaction->verdict = verdict_pass(exempt);
		return TRANSACTION_PASS;
	}
	if (identify(transaction, NULL, &verdict))
		verdict = judge_sender(transaction);
	if (verdict_is_refusal(&verdict))
		return close_with(transaction, &verdict);
	transaction->verdict = verdict;
	transaction->mail = mail_new(&transaction->session, transaction->queue_id, clock_wall_ms());
	transaction->mail->smtputf8 = transaction->smtputf8;
	return TRANSACTION_GO_ON;
}

/* ---- the header -------------------------------------------------------------------------------- */

void
transaction_add_field(struct transaction *transaction, const char *name, const char *value,
	bool leading_space)
{
	struct buf *block = &transaction->mail->header_block;

	buf_add_text(block, name);
	buf_add_text(block, leading_space ? ":" : ": ");
	for (struct span rest = span_text(value); rest.length > 0;) {
		size_t length = span_find(rest, '\n');

		buf_add_span(block, span_first(rest, length));
		if (length == rest.length)
			break;
		if (length == 0 || rest.start[length - 1] != '\r')
			buf_add_byte(block, '\r');
		buf_add_byte(block, '\n');
		rest = span_from(rest, length + 1);
	}
	buf_add_text(block, "\r\n");
}

/* The field of an originator that may have been cut; NULL: none. */
static const char *
find_cut_field(const struct header *header)
{
	for (size_t i = 0; i < ORIGINATORS_JUDGED; i++) {
		const char *name = originators_names[i];

		for (size_t at = header_next(header, name, 0); at < header->count;
			at = header_next(header, name, at + 1))
			if (header->fields[at].value.length > WHOLE_FIELD_MAX_BYTES)
				return name;
	}
	return NULL;
}

static struct verdict
judge_header(struct transaction *transaction)
{
	struct mail *mail = transaction->mail;
	const struct mail_session *session = &transaction->session;
	struct verdict verdict;
	const char *cut;

	if (mail->header_block.overflow)
		return verdict_refuse(552, "5.3.4", "header size", "header is longer than %d bytes",
			HEADER_MAX_BYTES);
	verdict = mail_judge_header(mail, rights_is_submission(session));
	if (verdict_is_refusal(&verdict))
		return verdict;
	cut = find_cut_field(&mail->header);
	if (cut)
		return verdict_refuse(552, "5.3.4", "header size",
			"%s field is longer than %d bytes", cut, WHOLE_FIELD_MAX_BYTES);
	transaction->before = mail->header;
	transaction->before.fields = arena_dup(transaction->arena, mail->header.fields,
		mail->header.count * sizeof *mail->header.fields);
	if (settings_of(transaction)->source == FILTER_SOURCE_MAPS &&
		!identify(transaction, &mail->header, &verdict))
		return verdict;
	return originators_judge(session, &mail->header, mail->smtputf8);
}

static unsigned
needs_of(const struct transaction *transaction, const struct verdict *verdict)
{
	unsigned needs = 0;

	if (verdict->kind == VERDICT_HOLD)
		needs |= TRANSACTION_HOLD;
	if (strcmp(transaction->sender, transaction->given_sender) != 0)
		needs |= TRANSACTION_CHANGE_SENDER;
	if (transaction_edits(transaction, false).count > 0)
		needs |= TRANSACTION_CHANGE_HEADER;
	return needs;
}

enum transaction_answer
transaction_header(struct transaction *transaction, const char *queue_id, unsigned able)
{
	struct verdict header = judge_header(transaction);
	struct verdict verdict = rights_weigh(&transaction->verdict, &header);

	/* Postfix gives a message its number after MAIL. */
	if (queue_id && queue_id[0])
		transaction->queue_id = arena_strdup(transaction->arena, queue_id);
	if (!verdict_is_refusal(&verdict))
		transaction->needs = needs_of(transaction, &verdict);
	if (transaction->needs & ~able)
		verdict = verdict_refuse(451, "4.3.5", verdict.where,
			"The mail server does not let its filter change or hold mail");
	return close_with(transaction, &verdict);
}

const struct verdict *
transaction_verdict(const struct transaction *transaction)
{
	return &transaction->verdict;
}

unsigned
transaction_needs(const struct transaction *transaction)
{
	return transaction->needs;
}

const char *
transaction_sender(const struct transaction *transaction)
{
	return transaction->sender;
}

struct edits
transaction_edits(const struct transaction *transaction, bool leading_space)
{
	return edits_between(&transaction->before, &transaction->mail->header, leading_space,
		transaction->arena);
}
