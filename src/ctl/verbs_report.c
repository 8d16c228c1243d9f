/* SPDX-License-Identifier: BSD-2-Clause */
/* Verbs that report who logged in how. */
#include "base/clock.h"
#include "config/units.h"
#include "ctl/command.h"

static const struct argument report_arguments[] = {
	{ "since", NULL, ARGUMENT_OPTION, false },
	{ "login", "login", ARGUMENT_OPTION, false },
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

static enum ctl_exit
ask(struct ctl *ctl, const struct command *command, const struct arguments *arguments,
	json_t **data_out)
{
	const char *since = arguments_get(arguments, "since");
	struct fault fault = FAULT_INIT;
	json_t *args = arguments_json(arguments, &fault);
	uint64_t ago_ms = 0;

	if (!args)
		return ctl_refuse(ctl, CTL_USAGE, &fault);
	if (since && !units_parse_duration(span_text(since), &ago_ms)) {
		json_decref(args);
		fault_set(&fault, FAULT_CONFIG, "--since is how long ago: 30m, 12h, 7d");
		return ctl_refuse(ctl, CTL_USAGE, &fault);
	}
	if (since)
		json_object_set_new(args, "since_ms",
			json_integer((json_int_t)clock_wall_ms() - (json_int_t)ago_ms));
	return ctl_ask(ctl, command, args, data_out);
}

static enum ctl_exit
report_logins(struct ctl *ctl, const struct command *command, const struct arguments *arguments)
{
	json_t *data;
	enum ctl_exit result = ask(ctl, command, arguments, &data);

	if (result == CTL_DONE) {
		command_show(ctl, command, data);
		json_decref(data);
	}
	return result;
}

/* Two tables: what happened, and what lets it. */
static enum ctl_exit
report_insecure(struct ctl *ctl, const struct command *command, const struct arguments *arguments)
{
	json_t *data;
	enum ctl_exit result = ask(ctl, command, arguments, &data);

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
		.run = report_logins, .list = "logins", .columns = login_columns,
		.help = "Tell who logged in how, from where and when last" },
	{ .verb = "report insecure", .arguments = report_arguments, .offline = true,
		.run = report_insecure, .list = "logins", .columns = insecure_columns,
		.help = "Tell who logged in without TLS or by an old one, and which settings allow it" },
	{ .verb = NULL },
};
