/* SPDX-License-Identifier: BSD-2-Clause */
/* Verbs about limits: what is used up, and who met which. */
#include "ctl/command.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/clock.h"
#include "config/units.h"

static const struct argument show_arguments[] = {
	{ "LOGIN|ADDRESS", NULL, ARGUMENT_WORD, false },
	{ NULL, NULL, ARGUMENT_WORD, false },
};

static const struct argument reset_arguments[] = {
	{ "LOGIN|ADDRESS", NULL, ARGUMENT_WORD, true },
	{ NULL, NULL, ARGUMENT_WORD, false },
};

static const struct argument report_arguments[] = {
	{ "since", NULL, ARGUMENT_OPTION, false },
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

static const struct table_column report_columns[] = {
	{ "LAST", "last_ms", TABLE_TIME },
	{ "WHO", "who", TABLE_TEXT },
	{ "FROM", "address", TABLE_TEXT },
	{ "LIMIT", "limit", TABLE_TEXT },
	{ "TIMES", "count", TABLE_TEXT },
	{ "OUTCOME", "outcome", TABLE_TEXT },
	{ "TEXT", "text", TABLE_TEXT },
	{ NULL, NULL, TABLE_TEXT },
};

static bool
is_address(const char *text)
{
	unsigned char bytes[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

static enum ctl_exit
ask_and_show(struct ctl *ctl, const struct command *command, json_t *args)
{
	json_t *data;
	enum ctl_exit result = ctl_ask(ctl, command, args, &data);

	if (result == CTL_DONE) {
		command_show(ctl, command, data);
		json_decref(data);
	}
	return result;
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
	return ask_and_show(ctl, command, args);
}

static enum ctl_exit
report(struct ctl *ctl, const struct command *command, const struct arguments *arguments)
{
	const char *since = arguments_get(arguments, "since");
	struct fault fault = FAULT_INIT;
	json_t *args = json_object();
	uint64_t ago_ms;

	if (since && !units_parse_duration(span_text(since), &ago_ms)) {
		json_decref(args);
		fault_set(&fault, FAULT_CONFIG, "--since is how long ago: 30m, 12h, 7d");
		return ctl_refuse(ctl, CTL_USAGE, &fault);
	}
	if (since)
		json_object_set_new(args, "since_ms",
			json_integer((json_int_t)clock_wall_ms() - (json_int_t)ago_ms));
	return ask_and_show(ctl, command, args);
}

const struct command commands_limits[] = {
	{ .verb = "limits show", .arguments = show_arguments, .run = ask_about, .list = "limits",
		.columns = show_columns,
		.help = "Show what a login, an address, or each of them has used up of its limits" },
	{ .verb = "limits reset", .arguments = reset_arguments, .run = ask_about,
		.done = "The limits are whole again.",
		.help = "Forget what a login or an address has used up, and its failed logins" },
	{ .verb = "report limits", .arguments = report_arguments, .run = report, .list = "limits",
		.columns = report_columns,
		.help = "Tell who met which limit, how often and when last, since auth was started" },
	{ .verb = NULL },
};
