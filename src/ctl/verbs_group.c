/* SPDX-License-Identifier: BSD-2-Clause */
/* Verbs about groups, and about grants to logins and groups. */
#include "ctl/command.h"

static const struct argument group_only[] = {
	{ "GROUP", "group", ARGUMENT_WORD, true },
	{ NULL, NULL, ARGUMENT_WORD, false },
};

static const struct argument new_group[] = {
	{ "GROUP", "group", ARGUMENT_WORD, true },
	{ "limits", "limits", ARGUMENT_OPTION, false },
	{ NULL, NULL, ARGUMENT_WORD, false },
};

static const struct argument group_and_limits[] = {
	{ "GROUP", "group", ARGUMENT_WORD, true },
	{ "limits", "limits", ARGUMENT_OPTION, true },
	{ NULL, NULL, ARGUMENT_WORD, false },
};

static const struct argument grant[] = {
	{ "LOGIN|group:GROUP", "login", ARGUMENT_WORD, true },
	{ "send-as|on-behalf", "right", ARGUMENT_WORD, true },
	{ "PATTERN", "pattern", ARGUMENT_WORD, true },
	{ NULL, NULL, ARGUMENT_WORD, false },
};

static const struct argument whose_grants[] = {
	{ "LOGIN|group:GROUP", "login", ARGUMENT_WORD, false },
	{ NULL, NULL, ARGUMENT_WORD, false },
};

static const struct table_column group_columns[] = {
	{ "GROUP", "group", TABLE_TEXT },
	{ "LIMITS", "limits", TABLE_TEXT },
	{ "SEND AS", "send_as", TABLE_TEXT },
	{ "ON BEHALF OF", "on_behalf", TABLE_TEXT },
	{ NULL, NULL, TABLE_TEXT },
};

static const struct table_column group_fields[] = {
	{ "group", "group", TABLE_TEXT },
	{ "limits", "limits", TABLE_TEXT },
	{ "send as", "send_as", TABLE_TEXT },
	{ "on behalf of", "on_behalf", TABLE_TEXT },
	{ "changed", "changed_ms", TABLE_TIME },
	{ NULL, NULL, TABLE_TEXT },
};

static const struct table_column member_columns[] = {
	{ "LOGIN", "login", TABLE_TEXT },
	{ NULL, NULL, TABLE_TEXT },
};

static const struct table_column grant_columns[] = {
	{ "LOGIN", "login", TABLE_TEXT },
	{ "GROUP", "group", TABLE_TEXT },
	{ "RIGHT", "right", TABLE_TEXT },
	{ "PATTERN", "pattern", TABLE_TEXT },
	{ NULL, NULL, TABLE_TEXT },
};

const struct command commands_group[] = {
	{ .verb = "group add", .arguments = new_group, .offline = true,
		.done = "The group is there.",
		.help = "Make a group; its members have its grants, and its limits unless they have "
			"their own" },
	{ .verb = "group set", .arguments = group_and_limits, .offline = true,
		.done = "The group is changed.", .help = "Change the limits section of a group" },
	{ .verb = "group delete", .arguments = group_only, .offline = true,
		.done = "The group is gone.",
		.help = "Remove a group and its grants; its members' sessions end" },
	{ .verb = "group list", .offline = true, .list = "groups", .columns = group_columns,
		.help = "List all groups" },
	{ .verb = "group show", .arguments = group_only, .offline = true, .columns = group_fields,
		.help = "Show what is known of a group" },
	{ .verb = "group members", .arguments = group_only, .offline = true, .list = "members",
		.columns = member_columns, .help = "List who is in a group" },
	{ .verb = "grant add", .arguments = grant, .offline = true, .done = "The grant is added.",
		.help = "Let an account or a group use addresses as its own, or name them in From "
			"while Sender is its own" },
	{ .verb = "grant delete", .arguments = grant, .offline = true, .done = "The grant is gone.",
		.help = "Take such a right away; sessions end" },
	{ .verb = "grant list", .arguments = whose_grants, .offline = true, .list = "grants",
		.columns = grant_columns,
		.help = "List such rights of an account or a group, or of all" },
	{ .verb = NULL },
};
