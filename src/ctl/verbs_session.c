/* SPDX-License-Identifier: BSD-2-Clause */
/* Verbs about who is logged in and what somebody may do: sessions, explain. */
#include "ctl/command.h"

#include <string.h>

static const struct argument list_arguments[] = {
	{ "LOGIN", "login", ARGUMENT_WORD, false },
	{ NULL, NULL, ARGUMENT_WORD, false },
};

static const struct table_column session_columns[] = {
	{ "SESSION", "session", TABLE_TEXT },
	{ "LOGIN", "login", TABLE_TEXT },
	{ "PROTOCOL", "protocol", TABLE_TEXT },
	{ "LISTENER", "listener", TABLE_TEXT },
	{ "ADDRESS", "address", TABLE_TEXT },
	{ "SINCE", "since_ms", TABLE_TIME },
	{ NULL, NULL, TABLE_TEXT },
};

static const struct argument kick_arguments[] = {
	{ "login", "login", ARGUMENT_OPTION, false },
	{ "session", "session", ARGUMENT_OPTION, false },
	{ "text", "text", ARGUMENT_OPTION, false },
	{ NULL, NULL, ARGUMENT_WORD, false },
};

static const struct table_column kick_fields[] = {
	{ "sessions ended", "sessions", TABLE_TEXT },
	{ NULL, NULL, TABLE_TEXT },
};

static enum ctl_exit
kick(struct ctl *ctl, const struct command *command, const struct arguments *arguments)
{
	struct fault fault = FAULT_INIT;
	bool login = arguments_get(arguments, "login") != NULL;
	bool session = arguments_get(arguments, "session") != NULL;
	enum ctl_exit result;
	json_t *args;
	json_t *data;

	if (login == session) {
		fault_set(&fault, FAULT_CONFIG, "say either --login or --session");
		return ctl_refuse(ctl, CTL_USAGE, &fault);
	}
	args = arguments_json(arguments, &fault);
	if (!args)
		return ctl_refuse(ctl, CTL_USAGE, &fault);
	result = ctl_ask(ctl, command, args, &data);
	if (result == CTL_DONE) {
		command_show(ctl, command, data);
		json_decref(data);
	}
	return result;
}

static const struct argument explain_arguments[] = {
	{ "listener", "listener", ARGUMENT_OPTION, true },
	{ "mail-from", "mail_from", ARGUMENT_OPTION, true },
	{ "login", "login", ARGUMENT_OPTION, false },
	{ "ip", "ip", ARGUMENT_OPTION, false },
	{ "from", "from", ARGUMENT_OPTION, false },
	{ "rcpt", "rcpt", ARGUMENT_OPTION, false },
	{ NULL, NULL, ARGUMENT_WORD, false },
};

static const struct table_column explain_fields[] = {
	{ "verdict", "verdict", TABLE_TEXT },
	{ "code", "code", TABLE_TEXT },
	{ "enhanced", "enhanced", TABLE_TEXT },
	{ "text", "text", TABLE_TEXT },
	{ "decided by", "where", TABLE_TEXT },
	{ "rights", "rights", TABLE_TEXT },
	{ "limits", "limits", TABLE_TEXT },
	{ NULL, NULL, TABLE_TEXT },
};

/* The exit is the verdict, so that a script can ask. */
static enum ctl_exit
explain(struct ctl *ctl, const struct command *command, const struct arguments *arguments)
{
	struct fault fault = FAULT_INIT;
	json_t *args = arguments_json(arguments, &fault);
	const char *verdict;
	enum ctl_exit result;
	json_t *data;

	if (!args)
		return ctl_refuse(ctl, CTL_USAGE, &fault);
	result = ctl_ask(ctl, command, args, &data);
	if (result != CTL_DONE)
		return result;
	command_show(ctl, command, data);
	verdict = json_string_value(json_object_get(data, "verdict"));
	if (!verdict || (strcmp(verdict, "accept") != 0 && strcmp(verdict, "continue") != 0))
		result = CTL_NO;
	json_decref(data);
	return result;
}

const struct command commands_session[] = {
	{ .verb = "sessions list", .arguments = list_arguments, .list = "sessions",
		.columns = session_columns, .help = "List who is logged in" },
	{ .verb = "sessions kick", .arguments = kick_arguments, .run = kick,
		.columns = kick_fields, .help = "End the sessions of a login, or one session" },
	{ .verb = "explain", .arguments = explain_arguments, .run = explain,
		.columns = explain_fields,
		.help = "Say whether somebody may send so, and which line of the configuration "
			"decides" },
	{ .verb = NULL },
};
