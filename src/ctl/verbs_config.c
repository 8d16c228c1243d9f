/* SPDX-License-Identifier: BSD-2-Clause */
/* Verbs about the configuration, all on the file alone: config check, show, help; and check. */
#include "ctl/command.h"

#include <string.h>

#include "config/config.h"
#include "config/show.h"
#include "config/suggest.h"
#include "ctl/practice.h"

static enum ctl_exit
check_config(struct ctl *ctl, const struct command *command, const struct arguments *arguments)
{
	struct fault fault = FAULT_INIT;
	struct settings *settings = config_load(ctl->config, &fault);

	(void)command;
	(void)arguments;
	if (!settings)
		return ctl_refuse(ctl, CTL_NO, &fault);
	settings_free(&settings);
	if (ctl->json) {
		json_t *told = json_pack("{s:s, s:b}", "file", ctl->config, "right", 1);
		ctl_print_json(ctl, told);
		json_decref(told);
	} else {
		fprintf(ctl->out, "%s is right.\n", ctl->config);
	}
	return CTL_DONE;
}

/* ---- config show ------------------------------------------------------------------------------ */

struct showing {
	struct ctl *ctl;
	json_t *items;       /* with --json */
	char place[512];     /* of the item before: `listener "x" permit "y"` */
};

static void
describe_place(const struct show_item *item, char *to, size_t size)
{
	size_t used = 0;

	to[0] = '\0';
	for (size_t i = 0; i < item->path.depth && used < size; i++) {
		used += (size_t)snprintf(to + used, size - used, "%s%s", i ? " " : "",
			item->path.sections[i]->name);
		if (item->titles[i] && used < size)
			used += (size_t)snprintf(to + used, size - used, " \"%s\"", item->titles[i]);
	}
}

static void
on_item_json(const struct show_item *item, void *context)
{
	struct showing *showing = context;
	char place[512];

	describe_place(item, place, sizeof place);
	json_array_append_new(showing->items,
		json_pack("{s:s, s:s, s:s, s:b}", "section", place, "name", item->row->name, "value",
			item->value, "default", !item->written));
}

static void
on_item(const struct show_item *item, void *context)
{
	struct showing *showing = context;
	char place[512];

	describe_place(item, place, sizeof place);
	if (strcmp(place, showing->place) != 0) {
		fprintf(showing->ctl->out, "\n# %s\n", place);
		memcpy(showing->place, place, sizeof place);
	}
	fprintf(showing->ctl->out, "%s%s = %s%s\n", place[0] ? "\t" : "", item->row->name,
		item->value, item->written ? "" : "   # default");
}

static enum ctl_exit
show_config(struct ctl *ctl, const struct command *command, const struct arguments *arguments)
{
	struct fault fault = FAULT_INIT;
	struct showing showing = { .ctl = ctl, .items = json_array() };
	bool shown = show_settings(ctl->config, ctl->json ? on_item_json : on_item, &showing, &fault);

	(void)command;
	(void)arguments;
	if (shown && ctl->json) {
		json_t *told = json_pack("{s:O}", "settings", showing.items);
		ctl_print_json(ctl, told);
		json_decref(told);
	}
	json_decref(showing.items);
	return shown ? CTL_DONE : ctl_refuse(ctl, CTL_NO, &fault);
}

/* ---- config help ------------------------------------------------------------------------------ */

struct helping {
	struct ctl *ctl;
	const char *wanted;  /* a setting, a section, or SECTION.SETTING; NULL: all */
	json_t *items;
	struct suggest suggest;
};

static bool
is_wanted(const char *wanted, const struct schema_path *path, const struct schema_row *row)
{
	struct buf name = BUF_INIT(0);
	const char *tail;
	bool same;

	if (!wanted || strcmp(wanted, row->name) == 0)
		return true;
	for (size_t i = 0; i < path->depth; i++) {
		if (strcmp(wanted, path->sections[i]->name) == 0)
			return true;
	}
	show_name(path, row->name, &name);
	/* "permit.rights" is also that of "listener.permit.rights" */
	tail = buf_text(&name);
	same = strcmp(tail, wanted) == 0;
	while (!same && (tail = strchr(tail, '.')))
		same = strcmp(++tail, wanted) == 0;
	buf_fini(&name);
	return same;
}

static bool
on_row(const struct schema_path *path, const struct schema_row *row, void *context)
{
	struct helping *helping = context;
	struct buf name = BUF_INIT(0);
	struct buf summary = BUF_INIT(0);

	if (helping->wanted) {
		suggest_consider(&helping->suggest, helping->wanted, row->name);
		for (size_t i = 0; i < path->depth; i++)
			suggest_consider(&helping->suggest, helping->wanted,
				path->sections[i]->name);
	}
	if (is_wanted(helping->wanted, path, row)) {
		show_name(path, row->name, &name);
		show_summary(row, &summary);
		json_array_append_new(helping->items,
			json_pack("{s:s, s:s, s:s}", "name", buf_text(&name), "kind",
				buf_text(&summary), "help", row->help));
	}
	buf_fini(&name);
	buf_fini(&summary);
	return true;
}

static void
print_help(struct ctl *ctl, const json_t *items)
{
	size_t index;
	json_t *each;

	json_array_foreach(items, index, each)
		fprintf(ctl->out, "%s%s\n  %s\n  %s.\n", index ? "\n" : "",
			json_string_value(json_object_get(each, "name")),
			json_string_value(json_object_get(each, "kind")),
			json_string_value(json_object_get(each, "help")));
}

static enum ctl_exit
help_config(struct ctl *ctl, const struct command *command, const struct arguments *arguments)
{
	struct fault fault = FAULT_INIT;
	struct helping helping = {
		.ctl = ctl,
		.wanted = arguments_get(arguments, "NAME"),
		.items = json_array(),
	};
	bool found;

	(void)command;
	schema_walk(on_row, &helping);
	found = json_array_size(helping.items) > 0;
	if (found && ctl->json) {
		json_t *told = json_pack("{s:O}", "settings", helping.items);
		ctl_print_json(ctl, told);
		json_decref(told);
	} else if (found) {
		print_help(ctl, helping.items);
	} else if (helping.suggest.best) {
		fault_set(&fault, FAULT_MISSING, "there is no setting \"%s\"; did you mean \"%s\"?",
			helping.wanted, helping.suggest.best);
	} else {
		fault_set(&fault, FAULT_MISSING, "there is no setting \"%s\"", helping.wanted);
	}
	json_decref(helping.items);
	return found ? CTL_DONE : ctl_refuse(ctl, CTL_NO, &fault);
}

/* ---- check ------------------------------------------------------------------------------------ */

static const struct table_column finding_columns[] = {
	{ "WEIGHT", "weight", TABLE_TEXT },
	{ "WHERE", "where", TABLE_TEXT },
	{ "WHAT", "what", TABLE_TEXT },
	{ NULL, NULL, TABLE_TEXT },
};

static enum ctl_exit
check_practice(struct ctl *ctl, const struct command *command, const struct arguments *arguments)
{
	struct fault fault = FAULT_INIT;
	struct settings *settings = config_load(ctl->config, &fault);
	json_t *told;
	bool good;

	(void)command;
	(void)arguments;
	if (!settings)
		return ctl_refuse(ctl, CTL_NO, &fault);
	told = json_pack("{s:o}", "findings", practice_check(settings, &good));
	settings_free(&settings);
	if (ctl->json)
		ctl_print_json(ctl, told);
	else if (json_array_size(json_object_get(told, "findings")) == 0)
		fprintf(ctl->out, "Nothing to say against %s.\n", ctl->config);
	else
		table_print(ctl->out, finding_columns, json_object_get(told, "findings"),
			ctl->terminal);
	json_decref(told);
	return good ? CTL_DONE : CTL_NO;
}

static const struct argument help_arguments[] = {
	{ "NAME", NULL, ARGUMENT_WORD, false },
	{ NULL, NULL, ARGUMENT_WORD, false },
};

const struct command commands_config[] = {
	{ .verb = "config check", .run = check_config,
		.help = "Say whether the configuration is right, and if not, in which line" },
	{ .verb = "config show", .run = show_config,
		.help = "Show all settings as they are in effect, defaults marked" },
	{ .verb = "config help", .arguments = help_arguments, .run = help_config,
		.help = "Tell what a setting, or each of a section, is for" },
	{ .verb = "check", .run = check_practice,
		.help = "Look for what is right but unwise: rights, files, certificates, insecurity" },
	{ .verb = NULL },
};
