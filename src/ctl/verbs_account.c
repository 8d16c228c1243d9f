/* SPDX-License-Identifier: BSD-2-Clause */
/* Verbs about accounts and their addresses. */
#include "ctl/command.h"
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
with_password(struct ctl *ctl, const struct command *command, const struct arguments *arguments)
{
	struct fault fault = FAULT_INIT;
	json_t *args = arguments_json(arguments, &fault);
	struct secret *password = NULL;
	enum ctl_exit result = CTL_USAGE;
	json_t *data;

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
	result = ctl_ask(ctl, command, args, &data);
	if (result == CTL_DONE) {
		command_show(ctl, command, data);
		json_decref(data);
	}
	return result;
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
	{ .verb = "address add", .arguments = login_and_address, .offline = true,
		.done = "The address is added.",
		.help = "Give an account an address of its own; the first is its primary one" },
	{ .verb = "address delete", .arguments = login_and_address, .offline = true,
		.done = "The address is gone.", .help = "Take an address from an account" },
	{ .verb = "address list", .arguments = login_maybe, .offline = true, .list = "addresses",
		.columns = address_columns, .help = "List the addresses of an account, or of all" },
	{ .verb = NULL },
};
