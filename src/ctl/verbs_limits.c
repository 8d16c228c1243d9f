/* SPDX-License-Identifier: BSD-2-Clause */
/* Verbs about limits: what is used up of them. */
#include "ctl/command.h"

#include <arpa/inet.h>

static const struct argument show_arguments[] = {
	{ "LOGIN|ADDRESS", NULL, ARGUMENT_WORD, false },
	{ NULL, NULL, ARGUMENT_WORD, false },
};

static const struct argument reset_arguments[] = {
	{ "LOGIN|ADDRESS", NULL, ARGUMENT_WORD, true },
	{ NULL, NULL, ARGUMENT_WORD, false },
};

static const struct table_column show_columns[] = {
	{ "WHO", "who", TABLE_TEXT },
	{ "FROM", "address", TABLE_TEXT },
	{ "LIMITS", "limits", TABLE_TEXT },
	{ "LIMIT", "limit", TABLE_TEXT },
	{ "SPENT", "spent", TABLE_TEXT },
	{ "OF", "amount", TABLE_TEXT },
	{ "WHOLE IN", "whole_ms", TABLE_AGE },
	{ "HELD SINCE", "held_since_ms", TABLE_TIME },
	{ NULL, NULL, TABLE_TEXT },
};

static bool
is_address(const char *text)
{
	unsigned char bytes[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

/* What looks like an address is one. */
static enum ctl_exit
ask_about(struct ctl *ctl, const struct command *command, const struct arguments *arguments)
{
	const char *who = arguments_get(arguments, "LOGIN|ADDRESS");
	struct fault fault = FAULT_INIT;
	json_t *args = json_object();
	json_t *text = who ? json_string(who) : NULL;

	if (who && !text) {
		json_decref(args);
		fault_set(&fault, FAULT_CONFIG, "the login is not UTF-8");
		return ctl_refuse(ctl, CTL_USAGE, &fault);
	}
	if (who)
		json_object_set_new(args, is_address(who) ? "address" : "login", text);
	return command_ask(ctl, command, args);
}

const struct command commands_limits[] = {
	{ .verb = "limits show", .arguments = show_arguments, .run = ask_about, .list = "limits",
		.columns = show_columns,
		.help = "Show what a login, an address, or each of them has used up of its limits" },
	{ .verb = "limits reset", .arguments = reset_arguments, .run = ask_about,
		.done = "The limits are whole again.",
		.help = "Forget what a login or an address has used up, and its failed logins" },
	{ .verb = NULL },
};
