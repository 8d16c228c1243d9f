/* SPDX-License-Identifier: BSD-2-Clause */
/* Verbs about messages: queue, track. */
#include "ctl/command.h"

#include <string.h>

static const struct argument id_only[] = {
	{ "ID", "id", ARGUMENT_WORD, true },
	{ NULL, NULL, ARGUMENT_WORD, false },
};

static const struct argument id_maybe[] = {
	{ "ID", "id", ARGUMENT_WORD, false },
	{ NULL, NULL, ARGUMENT_WORD, false },
};

static const struct argument name_maybe[] = {
	{ "NAME", "name", ARGUMENT_WORD, false },
	{ NULL, NULL, ARGUMENT_WORD, false },
};

static const struct argument id_and_reason[] = {
	{ "ID", "id", ARGUMENT_WORD, true },
	{ "reason", "reason", ARGUMENT_OPTION, false },
	{ NULL, NULL, ARGUMENT_WORD, false },
};

static const struct argument text_only[] = {
	{ "ID|ADDRESS|LOGIN", "text", ARGUMENT_WORD, true },
	{ NULL, NULL, ARGUMENT_WORD, false },
};

static const struct table_column list_columns[] = {
	{ "ID", "id", TABLE_TEXT },
	{ "RECEIVED", "received_ms", TABLE_TIME },
	{ "SIZE", "size", TABLE_SIZE },
	{ "SENDER", "sender", TABLE_TEXT },
	{ "RECIPIENTS", "recipients", TABLE_COUNT },
	{ "HELD", "held", TABLE_TEXT },
	{ "NEXT TRY", "due_ms", TABLE_TIME },
	{ "REASON", "reason", TABLE_TEXT },
	{ NULL, NULL, TABLE_TEXT },
};

static const struct table_column destination_columns[] = {
	{ "ROUTE", "route", TABLE_TEXT },
	{ "STATE", "state", TABLE_TEXT },
	{ "WAITING", "waiting", TABLE_TEXT },
	{ "READY", "ready", TABLE_TEXT },
	{ "UNDER WAY", "under_way", TABLE_TEXT },
	{ "AT MOST", "open", TABLE_TEXT },
	{ "OUTAGES", "outages", TABLE_TEXT },
	{ "FAILING SINCE", "failing_ms", TABLE_TIME },
	{ "NEXT TRY", "rest_until_ms", TABLE_TIME },
	{ "REASON", "reason", TABLE_TEXT },
	{ NULL, NULL, TABLE_TEXT },
};

static const struct table_column message_fields[] = {
	{ "id", "id", TABLE_TEXT },
	{ "state", "state", TABLE_TEXT },
	{ "sender", "sender", TABLE_TEXT },
	{ "login", "login", TABLE_TEXT },
	{ "client", "client_address", TABLE_TEXT },
	{ "session", "session", TABLE_TEXT },
	{ "size", "size", TABLE_SIZE },
	{ "received", "received_ms", TABLE_TIME },
	{ "finished", "finished_ms", TABLE_TIME },
	{ "next try", "due_ms", TABLE_TIME },
	{ "held", "held", TABLE_TEXT },
	{ "reason", "reason", TABLE_TEXT },
	{ NULL, NULL, TABLE_TEXT },
};

static const struct table_column recipient_columns[] = {
	{ "RECIPIENT", "address", TABLE_TEXT },
	{ "STATE", "state", TABLE_TEXT },
	{ "ATTEMPTS", "attempts", TABLE_TEXT },
	{ "HOP", "hop", TABLE_TEXT },
	{ "REPLY", "reply", TABLE_TEXT },
	{ NULL, NULL, TABLE_TEXT },
};

/* The header line by line: its line ends are its own, everything else is escaped. */
static void
print_header(struct ctl *ctl, const char *header)
{
	while (*header) {
		char line[2048];
		size_t length = strcspn(header, "\r\n");

		snprintf(line, sizeof line, "%.*s", (int)length, header);
		fputs("  ", ctl->out);
		table_print_text(ctl->out, line);
		fputc('\n', ctl->out);
		header += length;
		header += *header == '\r';
		header += *header == '\n';
	}
}

static void
print_message(struct ctl *ctl, const json_t *message)
{
	const char *header = json_string_value(json_object_get(message, "header"));

	table_print_fields(ctl->out, message_fields, message);
	fputc('\n', ctl->out);
	table_print(ctl->out, recipient_columns, json_object_get(message, "recipients"),
		ctl->terminal);
	if (header) {
		fputc('\n', ctl->out);
		print_header(ctl, header);
	}
}

/* One message, or each of a list with a line between. */
static enum ctl_exit
show(struct ctl *ctl, const struct command *command, const struct arguments *arguments)
{
	struct fault fault = FAULT_INIT;
	json_t *args = arguments_json(arguments, &fault);
	enum ctl_exit result;
	json_t *data;
	json_t *each;
	size_t index;

	if (!args)
		return ctl_refuse(ctl, CTL_USAGE, &fault);
	result = ctl_ask(ctl, command, args, &data);
	if (result != CTL_DONE)
		return result;
	if (ctl->json)
		ctl_print_json(ctl, data);
	else if (!command->list)
		print_message(ctl, data);
	else {
		json_array_foreach(json_object_get(data, command->list), index, each)
		{
			if (index > 0)
				fputs("\n", ctl->out);
			print_message(ctl, each);
		}
	}
	/* A search that finds nothing is a no. */
	if (command->list && json_array_size(json_object_get(data, command->list)) == 0)
		result = CTL_NO;
	json_decref(data);
	return result;
}

static const struct table_column flush_fields[] = {
	{ "messages due now", "messages", TABLE_TEXT },
	{ NULL, NULL, TABLE_TEXT },
};

static const struct table_column backup_fields[] = {
	{ "backup", "name", TABLE_TEXT },
	{ "messages", "messages", TABLE_TEXT },
	{ "body files", "bodies", TABLE_TEXT },
	{ "body files missing", "missing", TABLE_TEXT },
	{ "size", "bytes", TABLE_SIZE },
	{ NULL, NULL, TABLE_TEXT },
};

const struct command commands_queue[] = {
	{ .verb = "queue list", .list = "messages", .columns = list_columns,
		.help = "List the messages that wait or are held" },
	{ .verb = "queue show", .arguments = id_only, .run = show,
		.help = "Show one of them: recipients, what next hops said, its header" },
	{ .verb = "queue destinations", .list = "destinations", .columns = destination_columns,
		.help = "Show how next hops stand: what waits for each, and which are left alone" },
	{ .verb = "queue flush", .arguments = id_maybe, .columns = flush_fields,
		.help = "Try delivery now, of one or of all" },
	{ .verb = "queue hold", .arguments = id_and_reason, .done = "The message is held.",
		.help = "Keep a message back until it is released" },
	{ .verb = "queue release", .arguments = id_only, .done = "The message is released.",
		.help = "Let a held message go" },
	{ .verb = "queue delete", .arguments = id_only, .done = "The message is deleted.",
		.help = "Remove a message; nobody is told" },
	{ .verb = "queue backup", .arguments = name_maybe, .columns = backup_fields,
		.help = "Copy the queue as it is now to state-dir/queue/backup/NAME" },
	{ .verb = "track", .arguments = text_only, .run = show, .list = "messages",
		.help = "Tell what became of a message, or of all from or to somebody" },
	{ .verb = NULL },
};
