/* SPDX-License-Identifier: BSD-2-Clause */
/* Verbs about messages: queue, track. */
#include "ctl/command.h"

#include <string.h>

#include "base/text.h"

static const struct argument id_only[] = {
	{ "ID", "id", ARGUMENT_WORD, true },
	{ NULL, NULL, ARGUMENT_WORD, false },
};

#define FILTER                                                                                     \
	{ "sender", "sender", ARGUMENT_OPTION, false },                                             \
		{ "recipient", "recipient", ARGUMENT_OPTION, false },                               \
		{ "login", "login", ARGUMENT_OPTION, false }

static const struct argument list_arguments[] = {
	{ "after", "after", ARGUMENT_OPTION, false },
	{ "limit", NULL, ARGUMENT_OPTION, false },
	FILTER,
	{ "held", "held", ARGUMENT_FLAG, false },
	{ NULL, NULL, ARGUMENT_WORD, false },
};

static const struct argument id_or_filter[] = {
	{ "ID", "id", ARGUMENT_WORD, false },
	FILTER,
	{ "all", "all", ARGUMENT_FLAG, false },
	{ NULL, NULL, ARGUMENT_WORD, false },
};

static const struct argument id_or_filter_or_held[] = {
	{ "ID", "id", ARGUMENT_WORD, false },
	FILTER,
	{ "all", "all", ARGUMENT_FLAG, false },
	{ "held", "held", ARGUMENT_FLAG, false },
	{ NULL, NULL, ARGUMENT_WORD, false },
};

static const struct argument id_or_filter_and_reason[] = {
	{ "ID", "id", ARGUMENT_WORD, false },
	FILTER,
	{ "all", "all", ARGUMENT_FLAG, false },
	{ "reason", "reason", ARGUMENT_OPTION, false },
	{ NULL, NULL, ARGUMENT_WORD, false },
};

static const struct argument name_maybe[] = {
	{ "NAME", "name", ARGUMENT_WORD, false },
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

/* ---- many messages, a stretch at a time: nothing grows with the queue */

enum { STRETCH = 1000 };

/* The next stretch, if the answer says that there may be one; false at the end. */
static bool
go_behind(json_t *args, const json_t *data)
{
	json_t *next = json_object_get(data, "next");

	return json_is_string(next) && json_object_set(args, "after", next) == 0;
}

static void
print_stretch(struct ctl *ctl, const json_t *messages, size_t printed)
{
	const json_t *each;
	size_t index;

	if (!ctl->json) {
		if (json_array_size(messages) > 0 || printed == 0)
			table_print(ctl->out, list_columns, messages, ctl->terminal);
		return;
	}
	json_array_foreach(messages, index, each)
	{
		fputs(printed + index > 0 ? ",\n" : "{\"messages\": [\n", ctl->out);
		json_dumpf(each, ctl->out, JSON_COMPACT);
	}
}

static bool
read_limit(const struct arguments *arguments, uint64_t *limit_out)
{
	const char *limit = arguments_get(arguments, "limit");

	*limit_out = UINT64_MAX;
	return !limit || (text_parse_number(span_text(limit), INT64_MAX, limit_out) &&
				 *limit_out > 0);
}

static enum ctl_exit
list(struct ctl *ctl, const struct command *command, const struct arguments *arguments)
{
	struct fault fault = FAULT_INIT;
	json_t *args = arguments_json(arguments, &fault);
	enum ctl_exit result = CTL_DONE;
	uint64_t left;
	size_t printed = 0;
	bool more = true;

	if (args && !read_limit(arguments, &left)) {
		json_decref(args);
		args = NULL;
		fault_set(&fault, FAULT_CONFIG, "--limit is a number from 1 on");
	}
	if (!args)
		return ctl_refuse(ctl, CTL_USAGE, &fault);
	while (more && left > 0 && result == CTL_DONE) {
		uint64_t stretch = left < STRETCH ? left : STRETCH;
		const json_t *messages;
		json_t *data;

		json_object_set_new(args, "limit", json_sprintf("%u", (unsigned)stretch));
		result = ctl_ask(ctl, command, json_incref(args), &data);
		if (result != CTL_DONE)
			break;
		messages = json_object_get(data, "messages");
		print_stretch(ctl, messages, printed);
		printed += json_array_size(messages);
		left -= json_array_size(messages);
		more = go_behind(args, data);
		json_decref(data);
	}
	if (ctl->json && result == CTL_DONE)
		fputs(printed > 0 ? "\n]}\n" : "{\"messages\": []}\n", ctl->out);
	json_decref(args);
	return result;
}

static const struct table_column change_fields[] = {
	{ "messages", "messages", TABLE_TEXT },
	{ NULL, NULL, TABLE_TEXT },
};

/* One by its id, or many; then it tells how many. */
static enum ctl_exit
change(struct ctl *ctl, const struct command *command, const struct arguments *arguments)
{
	struct fault fault = FAULT_INIT;
	json_t *args = arguments_json(arguments, &fault);
	enum ctl_exit result = CTL_DONE;
	json_int_t changed = 0;
	bool one = arguments_get(arguments, "ID") != NULL;
	bool more = true;

	if (!args)
		return ctl_refuse(ctl, CTL_USAGE, &fault);
	while (more && result == CTL_DONE) {
		json_t *data;

		result = ctl_ask(ctl, command, json_incref(args), &data);
		if (result != CTL_DONE)
			break;
		changed += one ? 1 : json_integer_value(json_object_get(data, "messages"));
		more = go_behind(args, data);
		json_decref(data);
	}
	json_decref(args);
	if (result != CTL_DONE)
		return result;
	args = json_pack("{s:I}", "messages", changed);
	if (ctl->json)
		ctl_print_json(ctl, args);
	else if (one && command->done)
		fprintf(ctl->out, "%s\n", command->done);
	else
		table_print_fields(ctl->out, change_fields, args);
	json_decref(args);
	return result;
}

static const struct table_column backup_fields[] = {
	{ "backup", "name", TABLE_TEXT },
	{ "messages", "messages", TABLE_TEXT },
	{ "body files", "bodies", TABLE_TEXT },
	{ "body files missing", "missing", TABLE_TEXT },
	{ "size", "bytes", TABLE_SIZE },
	{ NULL, NULL, TABLE_TEXT },
};

const struct command commands_queue[] = {
	{ .verb = "queue list", .arguments = list_arguments, .run = list,
		.help = "List the messages that wait or are held" },
	{ .verb = "queue show", .arguments = id_only, .run = show,
		.help = "Show one of them: recipients, what next hops said, its header" },
	{ .verb = "queue destinations", .list = "destinations", .columns = destination_columns,
		.help = "Show how next hops stand: what waits for each, and which are left alone" },
	{ .verb = "queue flush", .arguments = id_or_filter, .run = change,
		.help = "Try delivery now, of one, of some or of all" },
	{ .verb = "queue hold", .arguments = id_or_filter_and_reason, .run = change,
		.done = "The message is held.",
		.help = "Keep messages back until they are released" },
	{ .verb = "queue release", .arguments = id_or_filter_or_held, .run = change,
		.done = "The message is released.", .help = "Let held messages go" },
	{ .verb = "queue delete", .arguments = id_or_filter_or_held, .run = change,
		.done = "The message is deleted.",
		.help = "Remove messages; nobody is told" },
	{ .verb = "queue backup", .arguments = name_maybe, .columns = backup_fields,
		.help = "Copy the queue as it is now to state-dir/queue/backup/NAME" },
	{ .verb = "track", .arguments = text_only, .run = show, .list = "messages",
		.help = "Tell what became of a message, or of all from or to somebody" },
	{ .verb = NULL },
};
