/* SPDX-License-Identifier: BSD-2-Clause */
/* Verbs that report who logged in how, and who met which limit. */
#include "base/clock.h"
#include "config/units.h"
#include "ctl/command.h"

static const struct argument report_arguments[] = {
	{ "since", NULL, ARGUMENT_OPTION, false },
	{ "login", "login", ARGUMENT_OPTION, false },
	{ NULL, NULL, ARGUMENT_WORD, false },
};

static const struct argument limits_arguments[] = {
	{ "since", NULL, ARGUMENT_OPTION, false },
	{ NULL, NULL, ARGUMENT_WORD, false },
};

static const struct table_column login_columns[] = {
	{ "LOGIN", "login", TABLE_TEXT },
	{ "APP PASSWORD", "credential", TABLE_TEXT },
	{ "PROTOCOL", "protocols", TABLE_TEXT },
	{ "LISTENER", "listener", TABLE_TEXT },
	{ "MECHANISM", "mechanism", TABLE_TEXT },
	{ "TLS", "tls", TABLE_TEXT },
	{ "ADDRESS", "address", TABLE_TEXT },
	{ "LAST", "last_ms", TABLE_TIME },
	{ "LOGINS", "successes", TABLE_TEXT },
	{ "LAST FAILED", "failed_ms", TABLE_TIME },
	{ "FAILED", "failures", TABLE_TEXT },
	{ NULL, NULL, TABLE_TEXT },
};

static const struct table_column insecure_columns[] = {
	{ "LOGIN", "login", TABLE_TEXT },
	{ "APP PASSWORD", "credential", TABLE_TEXT },
	{ "LISTENER", "listener", TABLE_TEXT },
	{ "WHAT", "reason", TABLE_TEXT },
	{ "MECHANISM", "mechanism", TABLE_TEXT },
	{ "TLS", "tls", TABLE_TEXT },
	{ "ADDRESS", "address", TABLE_TEXT },
	{ "LAST", "last_ms", TABLE_TIME },
	{ "LOGINS", "successes", TABLE_TEXT },
	{ NULL, NULL, TABLE_TEXT },
};

static const struct table_column setting_columns[] = {
	{ "LISTENER", "listener", TABLE_TEXT },
	{ "SETTING", "setting", TABLE_TEXT },
	{ "MEANS", "means", TABLE_TEXT },
	{ "WHERE", "where", TABLE_TEXT },
	{ NULL, NULL, TABLE_TEXT },
};

static const struct table_column limits_columns[] = {
	{ "LAST", "last_ms", TABLE_TIME },
	{ "WHO", "who", TABLE_TEXT },
	{ "FROM", "address", TABLE_TEXT },
	{ "LIMIT", "limit", TABLE_TEXT },
	{ "TIMES", "count", TABLE_TEXT },
	{ "OUTCOME", "outcome", TABLE_TEXT },
	{ "TEXT", "text", TABLE_TEXT },
	{ NULL, NULL, TABLE_TEXT },
};

/* What was given, with --since as a time of the clock; NULL and a fault if it makes no sense. */
static json_t *
make_args(const struct arguments *arguments, struct fault *fault_out)
{
	const char *since = arguments_get(arguments, "since");
	json_t *args = arguments_json(arguments, fault_out);
	uint64_t ago_ms;

	if (!args || !since)
		return args;
	if (!units_parse_duration(span_text(since), &ago_ms)) {
		json_decref(args);
		fault_set(fault_out, FAULT_CONFIG, "--since is how long ago: 30m, 12h, 7d");
		return NULL;
	}
	json_object_set_new(args, "since_ms",
		json_integer((json_int_t)clock_wall_ms() - (json_int_t)ago_ms));
	return args;
}

static enum ctl_exit
report(struct ctl *ctl, const struct command *command, const struct arguments *arguments)
{
	struct fault fault = FAULT_INIT;
	json_t *args = make_args(arguments, &fault);

	return args ? command_ask(ctl, command, args) : ctl_refuse(ctl, CTL_USAGE, &fault);
}

/* Two tables: what happened, and what lets it. */
static enum ctl_exit
report_insecure(struct ctl *ctl, const struct command *command, const struct arguments *arguments)
{
	struct fault fault = FAULT_INIT;
	json_t *args = make_args(arguments, &fault);
	json_t *data;
	enum ctl_exit result;

	if (!args)
		return ctl_refuse(ctl, CTL_USAGE, &fault);
	result = ctl_ask(ctl, command, args, &data);
	if (result != CTL_DONE)
		return result;
	command_show(ctl, command, data);
	if (!ctl->json) {
		fputc('\n', ctl->out);
		table_print(ctl->out, setting_columns, json_object_get(data, "settings"),
			ctl->terminal);
	}
	json_decref(data);
	return result;
}

const struct command commands_report[] = {
	{ .verb = "report logins", .arguments = report_arguments, .offline = true,
		.run = report, .list = "logins", .columns = login_columns,
		.help = "Tell who logged in how, from where and when last" },
	{ .verb = "report insecure", .arguments = report_arguments, .offline = true,
		.run = report_insecure, .list = "logins", .columns = insecure_columns,
		.help = "Tell who logged in without TLS or by an old one, and which settings allow it" },
	{ .verb = "report limits", .arguments = limits_arguments, .run = report, .list = "limits",
		.columns = limits_columns,
		.help = "Tell who met which limit, how often and when last, since auth was started" },
	{ .verb = NULL },
};
