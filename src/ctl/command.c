/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of commands. */
#include "ctl/command.h"

#include <string.h>

static const struct command *const groups[] = {
	commands_daemon,
	commands_config,
	commands_account,
	commands_app,
	commands_document,
	commands_group,
	commands_session,
	commands_limits,
	commands_explain,
	commands_queue,
	commands_report,
	commands_milter,
	commands_test,
};

enum { GROUP_COUNT = sizeof groups / sizeof groups[0] };

const struct command *
command_next(const struct command *command)
{
	size_t group = 0;

	if (!command)
		return groups[0];
	command++;
	if (command->verb)
		return command;
	/* Past the end of one group; the next begins where this one is followed. */
	for (; group < GROUP_COUNT; group++) {
		const struct command *each = groups[group];
		while (each->verb)
			each++;
		if (each == command)
			break;
	}
	return group + 1 < GROUP_COUNT ? groups[group + 1] : NULL;
}

bool
command_is_in_group(const struct command *command, const char *word)
{
	size_t length = strlen(word);

	return strncmp(command->verb, word, length) == 0 && command->verb[length] == ' ';
}

/* How many words of argv are the verb; 0 if they are another. */
static int
matches(const struct command *command, int argc, char *const *argv)
{
	const char *at = command->verb;
	int words = 0;

	for (; *at && words < argc; words++) {
		size_t length = strcspn(at, " ");

		if (strlen(argv[words]) != length || strncmp(at, argv[words], length) != 0)
			return 0;
		at += length + (at[length] == ' ');
	}
	return *at ? 0 : words;
}

const struct command *
command_find(int argc, char *const *argv, int *words_out)
{
	for (const struct command *each = command_next(NULL); each; each = command_next(each)) {
		*words_out = matches(each, argc, argv);
		if (*words_out > 0)
			return each;
	}
	return NULL;
}

void
command_show(struct ctl *ctl, const struct command *command, const json_t *data)
{
	if (ctl->json)
		ctl_print_json(ctl, data);
	else if (command->list)
		table_print(ctl->out, command->columns, json_object_get(data, command->list),
			ctl->terminal);
	else if (command->columns)
		table_print_fields(ctl->out, command->columns, data);
	else if (command->done)
		fprintf(ctl->out, "%s\n", command->done);
}

void
command_print_table(struct ctl *ctl, const struct table_column *columns, const json_t *rows)
{
	if (json_array_size(rows) == 0)
		return;
	fputc('\n', ctl->out);
	table_print(ctl->out, columns, rows, ctl->terminal);
}

enum ctl_exit
command_ask(struct ctl *ctl, const struct command *command, json_t *args)
{
	json_t *data;
	enum ctl_exit result = ctl_ask(ctl, command, args, &data);

	if (result == CTL_DONE) {
		command_show(ctl, command, data);
		json_decref(data);
	}
	return result;
}
