/* SPDX-License-Identifier: BSD-2-Clause */
/* The words behind a verb. */
#include "ctl/arguments.h"

#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "config/suggest.h"

/* The option that is meant by "--name" or "--name=value"; *value_out is behind the "=", or NULL. */
static const struct argument *
find_option(const struct argument *table, const char *word, const char **value_out)
{
	const char *name = word + 2;
	size_t length = strcspn(name, "=");

	*value_out = name[length] == '=' ? name + length + 1 : NULL;
	for (; table->name; table++) {
		if (table->kind != ARGUMENT_WORD && strlen(table->name) == length &&
			strncmp(table->name, name, length) == 0)
			return table;
	}
	return NULL;
}

static bool
unknown_option(const struct argument *table, const char *word, struct fault *fault_out)
{
	struct suggest suggest = { NULL, 0 };

	for (; table->name; table++) {
		if (table->kind != ARGUMENT_WORD)
			suggest_consider(&suggest, word + 2, table->name);
	}
	if (suggest.best)
		return fault_set(fault_out, FAULT_CONFIG, "unknown option %s; did you mean --%s?", word,
			suggest.best);
	return fault_set(fault_out, FAULT_CONFIG, "unknown option %s", word);
}

/* Takes the option at argv[*at] and its value. */
static bool
take_option(struct arguments *arguments, int argc, char *const *argv, int *at,
	struct fault *fault_out)
{
	const char *word = argv[*at];
	const char *value;
	const struct argument *option = find_option(arguments->table, word, &value);

	if (!option)
		return unknown_option(arguments->table, word, fault_out);
	if (arguments->values[option - arguments->table])
		return fault_set(fault_out, FAULT_CONFIG, "--%s stands twice", option->name);
	if (option->kind == ARGUMENT_FLAG && value)
		return fault_set(fault_out, FAULT_CONFIG, "--%s takes no value", option->name);
	if (option->kind == ARGUMENT_OPTION && !value) {
		if (++*at >= argc)
			return fault_set(fault_out, FAULT_CONFIG, "--%s needs a value", option->name);
		value = argv[*at];
	}
	arguments->values[option - arguments->table] = value ? value : "";
	return true;
}

static bool
take_word(struct arguments *arguments, const char *word, struct fault *fault_out)
{
	const struct argument *next = arguments->table;

	while (next->name && next->kind == ARGUMENT_WORD && arguments->values[next - arguments->table])
		next++;
	if (!next->name || next->kind != ARGUMENT_WORD)
		return fault_set(fault_out, FAULT_CONFIG, "\"%s\" is one word too many", word);
	arguments->values[next - arguments->table] = word;
	return true;
}

bool
arguments_parse(const struct argument *table, int argc, char *const *argv,
	struct arguments *arguments_out, struct fault *fault_out)
{
	struct arguments arguments = { .table = table };
	bool words_only = false;

	for (int at = 0; at < argc; at++) {
		if (!words_only && strcmp(argv[at], "--") == 0)
			words_only = true;
		else if (!words_only && strncmp(argv[at], "--", 2) == 0) {
			if (!take_option(&arguments, argc, argv, &at, fault_out))
				return false;
		} else if (!take_word(&arguments, argv[at], fault_out))
			return false;
	}
	for (const struct argument *each = table; each->name; each++) {
		if (each->required && !arguments.values[each - table])
			return fault_set(fault_out, FAULT_CONFIG, "%s%s is missing",
				each->kind == ARGUMENT_WORD ? "" : "--", each->name);
	}
	*arguments_out = arguments;
	return true;
}

const char *
arguments_get(const struct arguments *arguments, const char *name)
{
	for (const struct argument *each = arguments->table; each->name; each++) {
		if (strcmp(each->name, name) == 0)
			return arguments->values[each - arguments->table];
	}
	return NULL;
}

json_t *
arguments_json(const struct arguments *arguments, struct fault *fault_out)
{
	json_t *object = json_object();

	for (const struct argument *each = arguments->table; each->name; each++) {
		const char *value = arguments->values[each - arguments->table];

		if (!each->key || !value)
			continue;
		if (json_object_set_new(object, each->key,
			    each->kind == ARGUMENT_FLAG ? json_true() : json_string(value)) != 0) {
			fault_set(fault_out, FAULT_CONFIG, "%s is not UTF-8", each->name);
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

/* The value of an option is called like it, in capitals. */
static void
describe_option(const struct argument *option, struct buf *to)
{
	buf_printf(to, "--%s", option->name);
	if (option->kind == ARGUMENT_FLAG)
		return;
	buf_add_byte(to, ' ');
	for (const char *at = option->name; *at; at++)
		buf_add_byte(to, *at >= 'a' && *at <= 'z' ? (char)(*at - 'a' + 'A') : *at);
}

void
arguments_describe(const struct argument *table, char *to, size_t size)
{
	struct buf text = BUF_INIT(0);

	for (const struct argument *each = table; each->name; each++) {
		buf_add_text(&text, each == table ? "" : " ");
		buf_add_text(&text, each->required ? "" : "[");
		if (each->kind == ARGUMENT_WORD)
			buf_add_text(&text, each->name);
		else
			describe_option(each, &text);
		buf_add_text(&text, each->required ? "" : "]");
	}
	snprintf(to, size, "%s", buf_text(&text));
	buf_fini(&text);
}
