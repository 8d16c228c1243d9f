/* SPDX-License-Identifier: BSD-2-Clause */
/* Verbs about the daemon: status, reload, stop. */
#include "ctl/command.h"
#include "ctl/filter_table.h"

static const struct table_column status_fields[] = {
	{ "version", "version", TABLE_TEXT },
	{ "pid", "pid", TABLE_TEXT },
	{ "generation", "generation", TABLE_TEXT },
	{ "up for", "uptime_ms", TABLE_AGE },
	{ "configuration", "config", TABLE_TEXT },
	{ NULL, NULL, TABLE_TEXT },
};

static const struct table_column listener_columns[] = {
	{ "LISTENER", "name", TABLE_TEXT },
	{ "PROTOCOL", "protocol", TABLE_TEXT },
	{ "ADDRESSES", "addresses", TABLE_TEXT },
	{ NULL, NULL, TABLE_TEXT },
};

static const struct table_column role_columns[] = {
	{ "ROLE", "role", TABLE_TEXT },
	{ "INSTANCE", "instance", TABLE_TEXT },
	{ "PID", "pid", TABLE_TEXT },
	{ "PHASE", "phase", TABLE_TEXT },
	{ "GENERATION", "generation", TABLE_TEXT },
	{ "RESTARTS", "restarts", TABLE_TEXT },
	{ "SINCE", "since_ms", TABLE_AGE },
	{ NULL, NULL, TABLE_TEXT },
};

static enum ctl_exit
status(struct ctl *ctl, const struct command *command, const struct arguments *arguments)
{
	json_t *data;
	json_t *filters;
	enum ctl_exit result = ctl_ask(ctl, command, json_object(), &data);

	(void)arguments;
	if (result != CTL_DONE)
		return result;
	filters = filter_table_gather(data);
	if (ctl->json) {
		json_object_set(data, "filters", filters);
		ctl_print_json(ctl, data);
	} else {
		table_print_fields(ctl->out, status_fields, data);
		command_print_table(ctl, listener_columns, json_object_get(data, "listeners"));
		command_print_table(ctl, role_columns, json_object_get(data, "roles"));
		command_print_table(ctl, filter_table_brief, filters);
	}
	json_decref(filters);
	json_decref(data);
	return CTL_DONE;
}

const struct command commands_daemon[] = {
	{ .verb = "status", .run = status,
		.help = "Show what runs: processes, where it listens, and how filters do" },
	{ .verb = "reload", .done = "The configuration is in effect.",
		.help = "Take over the configuration and the certificates as they are now" },
	{ .verb = "stop", .help = "End the daemon once clients and deliveries are told",
		.done = "The daemon ends." },
	{ .verb = NULL },
};
