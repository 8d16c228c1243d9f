/* SPDX-License-Identifier: BSD-2-Clause */
/* Verbs about app passwords. */
#include "ctl/command.h"
#include "ctl/option.h"

static const struct argument new_app[] = {
	{ "LOGIN", "login", ARGUMENT_WORD, true },
	{ "label", "label", ARGUMENT_OPTION, true },
	{ "scope", NULL, ARGUMENT_OPTION, false },
	{ "expires", NULL, ARGUMENT_OPTION, false },
	{ NULL, NULL, ARGUMENT_WORD, false },
};

static const struct argument login_only[] = {
	{ "LOGIN", "login", ARGUMENT_WORD, true },
	{ NULL, NULL, ARGUMENT_WORD, false },
};

static const struct argument login_and_label[] = {
	{ "LOGIN", "login", ARGUMENT_WORD, true },
	{ "LABEL", "label", ARGUMENT_WORD, true },
	{ NULL, NULL, ARGUMENT_WORD, false },
};

static const struct table_column made_fields[] = {
	{ "password", "password", TABLE_TEXT },
	{ "user name", "login", TABLE_TEXT },
	{ "for SCRAM", "name", TABLE_TEXT },
	{ NULL, NULL, TABLE_TEXT },
};

static const struct table_column app_columns[] = {
	{ "LABEL", "label", TABLE_TEXT },
	{ "SCOPE", "protocols", TABLE_TEXT },
	{ "EXPIRES", "expires_ms", TABLE_TIME },
	{ "MADE", "created_ms", TABLE_TIME },
	{ "USED", "used_ms", TABLE_TIME },
	{ "BY", "used_protocol", TABLE_TEXT },
	{ "FROM", "used_address", TABLE_TEXT },
	{ NULL, NULL, TABLE_TEXT },
};

static enum ctl_exit
add(struct ctl *ctl, const struct command *command, const struct arguments *arguments)
{
	const char *scope = arguments_get(arguments, "scope");
	const char *expires = arguments_get(arguments, "expires");
	struct fault fault = FAULT_INIT;
	json_int_t expires_ms = 0;
	json_t *args = arguments_json(arguments, &fault);

	if (!args)
		return ctl_refuse(ctl, CTL_USAGE, &fault);
	if (expires && !option_expiry(expires, &expires_ms)) {
		json_decref(args);
		fault_set(&fault, FAULT_CONFIG, "--expires is neither YYYY-MM-DD nor never");
		return ctl_refuse(ctl, CTL_USAGE, &fault);
	}
	if (scope)
		json_object_set_new(args, "protocols", option_protocols(scope));
	if (expires)
		json_object_set_new(args, "expires_ms", json_integer(expires_ms));
	return command_ask(ctl, command, args);
}

const struct command commands_app[] = {
	{ .verb = "account app-password add", .arguments = new_app, .offline = true, .run = add,
		.columns = made_fields,
		.help = "Make a password for one device or program, and show it this once" },
	{ .verb = "account app-password list", .arguments = login_only, .offline = true,
		.list = "app_passwords", .columns = app_columns,
		.help = "List the app passwords of an account, and when each was used last" },
	{ .verb = "account app-password revoke", .arguments = login_and_label, .offline = true,
		.done = "The app password is revoked.",
		.help = "Take one away; the sessions that came by it end" },
	{ .verb = NULL },
};
