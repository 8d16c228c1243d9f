/* SPDX-License-Identifier: BSD-2-Clause */
/* Verbs about who is logged in: sessions. */
#include "ctl/command.h"

static const struct argument list_arguments[] = {
	{ "LOGIN", "login", ARGUMENT_WORD, false },
	{ NULL, NULL, ARGUMENT_WORD, false },
};

static const struct table_column session_columns[] = {
	{ "SESSION", "session", TABLE_TEXT },
	{ "LOGIN", "login", TABLE_TEXT },
	{ "PROTOCOL", "protocol", TABLE_TEXT },
	{ "APP PASSWORD", "credential", TABLE_TEXT },
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
	json_t *args;

	if (login == session) {
		fault_set(&fault, FAULT_CONFIG, "say either --login or --session");
		return ctl_refuse(ctl, CTL_USAGE, &fault);
	}
	args = arguments_json(arguments, &fault);
	return args ? command_ask(ctl, command, args) : ctl_refuse(ctl, CTL_USAGE, &fault);
}

const struct command commands_session[] = {
	{ .verb = "sessions list", .arguments = list_arguments, .list = "sessions",
		.columns = session_columns, .help = "List who is logged in" },
	{ .verb = "sessions kick", .arguments = kick_arguments, .run = kick,
		.columns = kick_fields, .help = "End the sessions of a login, or one session" },
	{ .verb = NULL },
};
