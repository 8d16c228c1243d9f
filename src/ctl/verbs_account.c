/* SPDX-License-Identifier: BSD-2-Clause */
/* Verbs about accounts and their addresses. */
#include "ctl/command.h"

#include "ctl/option.h"
#include "ctl/password.h"

static const struct argument login_only[] = {
	{ "LOGIN", "login", ARGUMENT_WORD, true },
	{ NULL, NULL, ARGUMENT_WORD, false },
};

static const struct argument login_maybe[] = {
	{ "LOGIN", "login", ARGUMENT_WORD, false },
	{ NULL, NULL, ARGUMENT_WORD, false },
};

static const struct argument login_and_password[] = {
	{ "LOGIN", "login", ARGUMENT_WORD, true },
	{ "password-stdin", NULL, ARGUMENT_FLAG, false },
	{ NULL, NULL, ARGUMENT_WORD, false },
};

static const struct argument login_and_address[] = {
	{ "LOGIN", "login", ARGUMENT_WORD, true },
	{ "ADDRESS", "address", ARGUMENT_WORD, true },
	{ NULL, NULL, ARGUMENT_WORD, false },
};

static const struct argument new_address[] = {
	{ "LOGIN", "login", ARGUMENT_WORD, true },
	{ "ADDRESS", "address", ARGUMENT_WORD, true },
	{ "primary", "primary", ARGUMENT_FLAG, false },
	{ NULL, NULL, ARGUMENT_WORD, false },
};

static const struct argument login_and_group[] = {
	{ "LOGIN", "login", ARGUMENT_WORD, true },
	{ "GROUP", "group", ARGUMENT_WORD, true },
	{ NULL, NULL, ARGUMENT_WORD, false },
};

/* The last three are texts here and something else in the request. */
static const struct argument login_and_settings[] = {
	{ "LOGIN", "login", ARGUMENT_WORD, true },
	{ "limits", "limits", ARGUMENT_OPTION, false },
	{ "protocols", NULL, ARGUMENT_OPTION, false },
	{ "app-passwords-only", NULL, ARGUMENT_OPTION, false },
	{ "expires", NULL, ARGUMENT_OPTION, false },
	{ NULL, NULL, ARGUMENT_WORD, false },
};

static const struct table_column account_columns[] = {
	{ "LOGIN", "login", TABLE_TEXT },
	{ "DISABLED", "disabled", TABLE_TEXT },
	{ "ADDRESSES", "addresses", TABLE_TEXT },
	{ NULL, NULL, TABLE_TEXT },
};

static const struct table_column account_fields[] = {
	{ "login", "login", TABLE_TEXT },
	{ "disabled", "disabled", TABLE_TEXT },
	{ "addresses", "addresses", TABLE_TEXT },
	{ "groups", "groups", TABLE_TEXT },
	{ "send as", "send_as", TABLE_TEXT },
	{ "on behalf of", "on_behalf", TABLE_TEXT },
	{ "limits", "limits", TABLE_TEXT },
	{ "protocols", "protocols", TABLE_TEXT },
	{ "app passwords only", "app_only", TABLE_TEXT },
	{ "mechanisms", "mechanisms", TABLE_TEXT },
	{ "expires", "expires_ms", TABLE_TIME },
	{ "changed", "changed_ms", TABLE_TIME },
	{ NULL, NULL, TABLE_TEXT },
};

static const struct table_column address_columns[] = {
	{ "ADDRESS", "address", TABLE_TEXT },
	{ "LOGIN", "login", TABLE_TEXT },
	{ "PRIMARY", "primary", TABLE_TEXT },
	{ NULL, NULL, TABLE_TEXT },
};

static enum ctl_exit
set(struct ctl *ctl, const struct command *command, const struct arguments *arguments)
{
	const char *protocols = arguments_get(arguments, "protocols");
	const char *app_only = arguments_get(arguments, "app-passwords-only");
	const char *expires = arguments_get(arguments, "expires");
	struct fault fault = FAULT_INIT;
	json_int_t expires_ms;
	json_t *args = arguments_json(arguments, &fault);

	if (!args)
		return ctl_refuse(ctl, CTL_USAGE, &fault);
	if (protocols)
		json_object_set_new(args, "protocols", option_protocols(protocols));
	if (app_only)
		json_object_set_new(args, "app_only", option_protocols(app_only));
	if (expires && !option_expiry(expires, &expires_ms)) {
		json_decref(args);
		fault_set(&fault, FAULT_CONFIG, "--expires is neither YYYY-MM-DD nor never");
		return ctl_refuse(ctl, CTL_USAGE, &fault);
	}
	if (expires)
		json_object_set_new(args, "expires_ms", json_integer(expires_ms));
	if (json_object_size(args) == 1) {
		json_decref(args);
		fault_set(&fault, FAULT_CONFIG, "say --limits, --protocols, --app-passwords-only or --expires");
		return ctl_refuse(ctl, CTL_USAGE, &fault);
	}
	return command_ask(ctl, command, args);
}

static enum ctl_exit
with_password(struct ctl *ctl, const struct command *command, const struct arguments *arguments)
{
	struct fault fault = FAULT_INIT;
	json_t *args = arguments_json(arguments, &fault);
	struct secret *password = NULL;

	if (args)
		password = password_read(ctl->in,
			arguments_get(arguments, "password-stdin") != NULL, true, &fault);
	if (!password) {
		json_decref(args);
		return ctl_refuse(ctl, CTL_USAGE, &fault);
	}
	struct span text = secret_span(password);
	json_object_set_new(args, "password", json_stringn(text.start, text.length));
	secret_free(&password);
	if (!json_object_get(args, "password")) {
		json_decref(args);
		fault_set(&fault, FAULT_CONFIG, "the password is not UTF-8");
		return ctl_refuse(ctl, CTL_USAGE, &fault);
	}
	return command_ask(ctl, command, args);
}

const struct command commands_account[] = {
	{ .verb = "account add", .arguments = login_and_password, .offline = true,
		.run = with_password, .done = "The account is there.",
		.help = "Make an account; its password is asked for, or read from standard input" },
	{ .verb = "account passwd", .arguments = login_and_password, .offline = true,
		.run = with_password, .done = "The password is changed.",
		.help = "Give an account another password; its sessions end" },
	{ .verb = "account delete", .arguments = login_only, .offline = true,
		.done = "The account is gone.",
		.help = "Remove an account and its addresses; its sessions end" },
	{ .verb = "account list", .offline = true, .list = "accounts",
		.columns = account_columns, .help = "List all accounts" },
	{ .verb = "account show", .arguments = login_only, .offline = true,
		.columns = account_fields, .help = "Show what is known of an account" },
	{ .verb = "account disable", .arguments = login_only, .offline = true,
		.done = "The account is disabled.",
		.help = "Let nobody log in with an account; its sessions end" },
	{ .verb = "account enable", .arguments = login_only, .offline = true,
		.done = "The account is enabled.", .help = "Undo that" },
	{ .verb = "account set", .arguments = login_and_settings, .offline = true, .run = set,
		.done = "The account is changed.",
		.help = "Change the limits section, the protocols (smtp,imap,pop3), those where its "
			"password is off, or the last day of an account" },
	{ .verb = "account join", .arguments = login_and_group, .offline = true,
		.done = "The account is in the group.", .help = "Put an account into a group" },
	{ .verb = "account leave", .arguments = login_and_group, .offline = true,
		.done = "The account is out of the group.", .help = "Take it out again" },
	{ .verb = "address add", .arguments = new_address, .offline = true,
		.done = "The address is added.",
		.help = "Give an account an address of its own; the first is its primary one" },
	{ .verb = "address primary", .arguments = login_and_address, .offline = true,
		.done = "The address is the primary one.",
		.help = "Make one of an account's addresses its primary one" },
	{ .verb = "address delete", .arguments = login_and_address, .offline = true,
		.done = "The address is gone.", .help = "Take an address from an account" },
	{ .verb = "address list", .arguments = login_maybe, .offline = true, .list = "addresses",
		.columns = address_columns, .help = "List the addresses of an account, or of all" },
	{ .verb = NULL },
};
