/* SPDX-License-Identifier: BSD-2-Clause */
/* What the administrator asks of sallyport-milter by hand. */
#include "filter/console.h"

#include "base/log.h"
#include "config/config.h"
#include "filter/privileges.h"
#include "filter/transaction.h"
#include "wire/mailboxes.h"
#include "wire/utf8.h"

static enum console_exit
fail(FILE *err, const struct fault *fault)
{
	fprintf(err, "sallyport-milter: %s\n", fault->text);
	return CONSOLE_NO;
}

enum console_exit
console_test(const char *config, FILE *out, FILE *err)
{
	struct fault fault = FAULT_INIT;
	struct snapshot *snapshot;
	bool good;

	if (!snapshot_load(config, &fault))
		return fail(err, &fault);
	snapshot = snapshot_hold();
	good = privileges_check(&snapshot->settings->filter, &fault);
	snapshot_drop(&snapshot);
	snapshot_end();
	if (!good)
		return fail(err, &fault);
	fprintf(out, "%s: good\n", config);
	return CONSOLE_YES;
}

/* Values come from a command line or the network: one line, printable. */
static void
put(FILE *out, const char *name, struct span value)
{
	char text[4096];

	text_escape(value, text, sizeof text);
	fprintf(out, "%-12s%s\n", name, text);
}

static void
put_verdict(FILE *out, const struct verdict *verdict)
{
	fprintf(out, "%-12s%s\n", "verdict:", verdict_word(verdict));
	if (verdict->code)
		fprintf(out, "%-12s%u %s %s\n", "reply:", verdict->code, verdict->enhanced,
			verdict->text);
	else if (verdict->text[0])
		fprintf(out, "%-12s%s\n", "reason:", verdict->text);
	if (verdict->where[0])
		fprintf(out, "%-12s%s\n", "decided by:", verdict->where);
}

static void
put_changes(FILE *out, const struct transaction *transaction)
{
	struct edits edits = transaction_edits(transaction, false);

	if (transaction_needs(transaction) & TRANSACTION_CHANGE_SENDER)
		put(out, "MAIL FROM:", span_text(transaction_sender(transaction)));
	for (size_t i = 0; i < edits.count; i++) {
		char name[64];

		snprintf(name, sizeof name, "%s:", edits.items[i].name);
		put(out, name,
			edits.items[i].value ? span_text(edits.items[i].value)
					     : SPAN_LITERAL("(goes)"));
	}
}

/* Both halves, whatever the mode is; the envelope's verdict stands if there is no header. */
static enum console_exit
ask(const struct console_question *question, FILE *out)
{
	const unsigned able =
		TRANSACTION_CHANGE_HEADER | TRANSACTION_CHANGE_SENDER | TRANSACTION_HOLD;
	struct transaction *transaction = transaction_new();
	struct transaction_facts facts = {
		.login = question->login,
		.client = question->client,
		.listener = question->listener,
		.sender = question->address,
		.smtputf8 = !utf8_is_ascii(span_text(question->address)) ||
			!utf8_is_ascii(span_text(question->from)),
	};
	enum transaction_answer answer = transaction_envelope(transaction, &facts);
	const struct verdict *verdict = transaction_verdict(transaction);
	bool passes;

	if (answer == TRANSACTION_GO_ON && question->from) {
		transaction_add_field(transaction, "From", question->from, false);
		transaction_header(transaction, NULL, able);
	}
	put_verdict(out, verdict);
	if (transaction_needs(transaction) && !verdict_is_refusal(verdict))
		put_changes(out, transaction);
	passes = verdict->kind == VERDICT_CONTINUE;
	transaction_free(&transaction);
	return passes ? CONSOLE_YES : CONSOLE_NO;
}

/* Of a question that would be answered for another client than was meant. */
static bool
check_client(const char *client, struct fault *fault)
{
	struct network network;

	return !client ||
		(network_parse(span_text(client), &network, NULL) && network.bits == NETWORK_BITS) ||
		fault_set(fault, FAULT_CONFIG, "\"%s\" is not an IP address", client);
}

static void
note_listener(const char *name, FILE *err)
{
	struct snapshot *snapshot = snapshot_hold();

	if (name && !settings_find_listener(snapshot->settings, name))
		fprintf(err,
			"sallyport-milter: there is no listener section \"%s\": judged as any service "
			"without one\n",
			name);
	snapshot_drop(&snapshot);
}

enum console_exit
console_check(const char *config, const struct console_question *question, FILE *out, FILE *err)
{
	struct fault fault = FAULT_INIT;
	enum console_exit result;

	if (!check_client(question->client, &fault)) {
		fail(err, &fault);
		return CONSOLE_USAGE;
	}
	if (!snapshot_load(config, &fault))
		return fail(err, &fault);
	note_listener(question->listener, err);
	/* The answer is what is printed. */
	log_start("milter", fileno(err), LOG_FORMAT_TEXT, LOG_LEVEL_WARNING);
	result = ask(question, out);
	snapshot_end();
	return result;
}

enum console_exit
console_parse_from(const char *value, FILE *out, FILE *err)
{
	struct arena *arena = arena_new(0);
	struct fault fault = FAULT_INIT;
	struct mailboxes list = { .count = 0 };
	struct span field = span_text(value);
	bool clear = mailboxes_parse(field, utf8_is_ascii(field) ? 0 : MAILBOXES_UTF8, arena, &list,
		&fault);

	for (size_t i = 0; i < list.count; i++) {
		char text[ADDRESS_TEXT_SIZE];

		address_format(&list.list[i].address, text);
		put(out, "mailbox:", span_text(text));
		if (list.list[i].display.length)
			put(out, list.list[i].poses ? "poses as:" : "name:",
				list.list[i].display);
	}
	arena_free(&arena);
	return clear ? CONSOLE_YES : fail(err, &fault);
}
