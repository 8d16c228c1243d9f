/* SPDX-License-Identifier: BSD-2-Clause */
/* Verbs about filters: milter list, milter test. */
#include "ctl/command.h"

#include <string.h>

#include "config/suggest.h"
#include "ctl/filter_table.h"

/* ---- milter list ------------------------------------------------------------------------------ */

static const struct table_column details[] = {
	{ "filter", "name", TABLE_TEXT },
	{ "address", "address", TABLE_TEXT },
	{ "policies", "policies", TABLE_TEXT },
	{ "on failure", "on_failure", TABLE_TEXT },
	{ "state", "state", TABLE_TEXT },
	{ "version", "version", TABLE_TEXT },
	{ "actions", "actions", TABLE_TEXT },
	{ "steps", "steps", TABLE_TEXT },
	{ "open", "connections", TABLE_TEXT },
	{ "messages", "messages", TABLE_TEXT },
	{ "verdicts", "verdicts", TABLE_TEXT },
	{ "changed", "changed", TABLE_TEXT },
	{ "failures", "failures", TABLE_TEXT },
	{ "skipped", "skipped", TABLE_TEXT },
	{ "mean", "mean_us", TABLE_SHORT },
	{ "recent", "recent_us", TABLE_SHORT },
	{ "longest", "longest_us", TABLE_SHORT },
	{ "last fault", "fault", TABLE_TEXT },
	{ NULL, NULL, TABLE_TEXT },
};

/* An empty list is told in words; one that it did not come to stays out. */
static void
name_none(json_t *data, const char *list)
{
	json_t *names = json_object_get(data, list);

	if (names && json_array_size(names) == 0)
		json_object_set_new(data, list, json_string("none"));
}

/* Those that there were, as texts: "accept 3". */
static json_t *
verdicts_in_words(json_t *counts)
{
	json_t *words = json_array();
	const char *verdict;
	json_t *count;

	json_object_foreach(counts, verdict, count)
		if (json_integer_value(count) > 0)
			json_array_append_new(words, json_sprintf("%s %lld", verdict,
				(long long)json_integer_value(count)));
	return words;
}

static void
print_details(struct ctl *ctl, json_t *filter)
{
	if (!json_is_integer(json_object_get(filter, "version"))) {
		json_object_del(filter, "actions");
		json_object_del(filter, "steps");
	}
	json_object_set_new(filter, "verdicts",
		verdicts_in_words(json_object_get(filter, "verdicts")));
	name_none(filter, "actions");
	name_none(filter, "steps");
	name_none(filter, "policies");
	name_none(filter, "verdicts");
	table_print_fields(ctl->out, details, filter);
}

/* Leaves the one of this name; false if there is none, and nothing is changed. */
static bool
leave_one(json_t *filters, const char *name, struct suggest *suggest)
{
	json_t *found = NULL;
	size_t index;
	json_t *each;

	json_array_foreach(filters, index, each)
	{
		const char *title = json_string_value(json_object_get(each, "name"));

		if (title && strcmp(title, name) == 0)
			found = each;
		if (title)
			suggest_consider(suggest, name, title);
	}
	if (!found)
		return false;
	json_incref(found);
	json_array_clear(filters);
	json_array_append_new(filters, found);
	return true;
}

static enum ctl_exit
refuse_unknown(struct ctl *ctl, const struct suggest *suggest, const char *name)
{
	struct fault fault = FAULT_INIT;

	fault_set(&fault, FAULT_MISSING,
		"there is no filter %s in the configuration that is in effect%s%s%s", name,
		suggest->best ? "; did you mean \"" : "", suggest->best ? suggest->best : "",
		suggest->best ? "\"?" : "");
	return ctl_refuse(ctl, CTL_NO, &fault);
}

static enum ctl_exit
show(struct ctl *ctl, const struct command *command, json_t *filters, const char *name)
{
	json_t *list = json_object_get(filters, "filters");
	struct suggest suggest = { .best = NULL };

	if (name && !leave_one(list, name, &suggest))
		return refuse_unknown(ctl, &suggest, name);
	if (name && !ctl->json)
		print_details(ctl, json_array_get(list, 0));
	else if (json_array_size(list) == 0 && !ctl->json && ctl->terminal)
		fputs("There are no filters in the configuration that is in effect.\n", ctl->out);
	else
		command_show(ctl, command, filters);
	return CTL_DONE;
}

static enum ctl_exit
list(struct ctl *ctl, const struct command *command, const struct arguments *arguments)
{
	static const struct command status = { .verb = "status" };
	struct fault fault = FAULT_INIT;
	json_t *args = arguments_json(arguments, &fault);
	json_t *data;
	json_t *filters;
	enum ctl_exit result;

	if (!args)
		return ctl_refuse(ctl, CTL_USAGE, &fault);
	result = ctl_ask(ctl, &status, json_object(), &data);
	if (result == CTL_DONE) {
		filters = json_pack("{s:o}", "filters", filter_table_gather(data));
		result = show(ctl, command, filters,
			json_string_value(json_object_get(args, "name")));
		json_decref(filters);
		json_decref(data);
	}
	json_decref(args);
	return result;
}

static const struct argument list_arguments[] = {
	{ "NAME", "name", ARGUMENT_WORD, false },
	{ NULL, NULL, ARGUMENT_WORD, false },
};

/* ---- milter test ------------------------------------------------------------------------------ */

static const struct table_column fields[] = {
	{ "filter", "name", TABLE_TEXT },
	{ "address", "address", TABLE_TEXT },
	{ "connected in", "connect_us", TABLE_SHORT },
	{ "negotiated in", "negotiate_us", TABLE_SHORT },
	{ "version", "version", TABLE_TEXT },
	{ "actions", "actions", TABLE_TEXT },
	{ "steps", "steps", TABLE_TEXT },
	{ NULL, NULL, TABLE_TEXT },
};

static const struct table_column macro_columns[] = {
	{ "MACROS WANTED AT", "at", TABLE_TEXT },
	{ "NAMES", "names", TABLE_TEXT },
	{ NULL, NULL, TABLE_TEXT },
};

static const struct table_column answer_columns[] = {
	{ "AT", "at", TABLE_TEXT },
	{ "ANSWER", "answer", TABLE_TEXT },
	{ "AFTER", "took_us", TABLE_SHORT },
	{ "TEXT", "text", TABLE_TEXT },
	{ NULL, NULL, TABLE_TEXT },
};

static void
print_outcome(struct ctl *ctl, const char *outcome, const char *fault)
{
	static const struct {
		const char *outcome;
		const char *words;
	} rows[] = {
		{ "negotiated", "It answers." },
		{ "pass", "It works, and lets the message pass." },
		{ "refused", "It works, and refuses the message." },
		{ "put-off", "It works, and puts the message off." },
		{ "discarded", "It works, and throws the message away." },
		{ "held", "It works, and wants the message held." },
		{ "failed", "It does not work" },
	};

	fputc('\n', ctl->out);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (outcome && strcmp(outcome, rows[i].outcome) == 0)
			fputs(rows[i].words, ctl->out);
	if (fault && fault[0]) {
		fputs(": ", ctl->out);
		table_print_text(ctl->out, fault);
		fputc('.', ctl->out);
	}
	fputc('\n', ctl->out);
}

static bool
is_good(const char *outcome)
{
	return outcome && (strcmp(outcome, "pass") == 0 || strcmp(outcome, "negotiated") == 0);
}

static enum ctl_exit
test(struct ctl *ctl, const struct command *command, const struct arguments *arguments)
{
	struct fault fault = FAULT_INIT;
	json_t *args = arguments_json(arguments, &fault);
	enum ctl_exit result;
	const char *outcome;
	json_t *data;

	if (!args)
		return ctl_refuse(ctl, CTL_USAGE, &fault);
	result = ctl_ask(ctl, command, args, &data);
	if (result != CTL_DONE)
		return result;
	outcome = json_string_value(json_object_get(data, "outcome"));
	if (ctl->json) {
		ctl_print_json(ctl, data);
	} else {
		name_none(data, "actions");
		name_none(data, "steps");
		table_print_fields(ctl->out, fields, data);
		command_print_table(ctl, macro_columns, json_object_get(data, "macros"));
		command_print_table(ctl, answer_columns, json_object_get(data, "answers"));
		print_outcome(ctl, outcome, json_string_value(json_object_get(data, "fault")));
	}
	result = is_good(outcome) ? CTL_DONE : CTL_NO;
	json_decref(data);
	return result;
}

static const struct argument test_arguments[] = {
	{ "NAME", "name", ARGUMENT_WORD, true },
	{ "no-message", "no_message", ARGUMENT_FLAG, false },
	{ "listener", "listener", ARGUMENT_OPTION, false },
	{ "ip", "ip", ARGUMENT_OPTION, false },
	{ "login", "login", ARGUMENT_OPTION, false },
	{ "mail-from", "mail_from", ARGUMENT_OPTION, false },
	{ "rcpt", "rcpt", ARGUMENT_OPTION, false },
	{ NULL, NULL, ARGUMENT_WORD, false },
};

const struct command commands_milter[] = {
	{ .verb = "milter list", .run = list, .arguments = list_arguments, .list = "filters", .columns = filter_table_whole,
		.help = "Show the filters, or all of one: where they are, how they do, what they did" },
	{ .verb = "milter test", .run = test, .arguments = test_arguments,
		.help = "Connect to a filter as the daemon does, and let it judge a made-up message" },
	{ .verb = NULL },
};
