/* SPDX-License-Identifier: BSD-2-Clause */
/* The libConfuse fence: from plain text to a tree of what was written. */
#include "config/written.h"

#include <confuse.h>
#include <stdio.h>
#include <string.h>

#include "config/suggest.h"

/* A bit of libConfuse's option flags that it does not use: the option has been given a value. */
enum { FLAG_SEEN = 1 << 24 };

struct parsing {
	const struct source *source;
	struct arena *arena;
	struct fault *fault;
	bool failed;
};

/* libConfuse passes nothing through to its callbacks, and its scanner is global anyway. */
static struct parsing *parsing;

static bool
fail(unsigned int line, const char *text)
{
	/* The first reason is the one to tell; what libConfuse says after it follows from it. */
	if (!parsing->failed)
		source_fault(parsing->source, line, parsing->fault, "%s", text);
	parsing->failed = true;
	return false;
}

static const struct schema_section *
section_of(const cfg_t *section)
{
	const struct schema_section *found;

	if (strcmp(section->name, "root") == 0)
		return &schema_root;
	/* The sections inside a listener have the names and rows of those outside. */
	found = schema_find_section(&schema_root, section->name);
	return found ? found : &schema_root;
}

static void
say_unknown(cfg_t *section, const char *name)
{
	const struct schema_section *schema = section_of(section);
	struct suggest suggest = { NULL, 0 };
	char text[FAULT_TEXT_MAX_BYTES];
	char place[128] = "";

	for (size_t i = 0; i < schema->row_count; i++)
		suggest_consider(&suggest, name, schema->rows[i].name);
	for (size_t i = 0; i < schema->section_count; i++)
		suggest_consider(&suggest, name, schema->sections[i]->name);
	if (schema != &schema_root)
		snprintf(place, sizeof place, " in section %s", schema->name);
	snprintf(text, sizeof text, "unknown setting \"%.80s\"%s%s%s%s", name, place,
		suggest.best ? "; did you mean \"" : "", suggest.best ? suggest.best : "",
		suggest.best ? "\"?" : "");
	fail((unsigned int)section->line, text);
}

static void
say_twice(cfg_t *section, const char *what, const char *name)
{
	char text[FAULT_TEXT_MAX_BYTES];

	snprintf(text, sizeof text, "%s \"%.80s\" stands here a second time", what, name);
	fail((unsigned int)section->line, text);
}

static void __attribute__((format(printf, 2, 0)))
on_error(cfg_t *section, const char *format, va_list args)
{
	char text[FAULT_TEXT_MAX_BYTES];

	/* The two whose words we know better; a test holds libConfuse to these formats. */
	if (strcmp(format, "no such option '%s'") == 0) {
		say_unknown(section, va_arg(args, const char *));
		return;
	}
	if (strcmp(format, "found duplicate title '%s'") == 0) {
		say_twice(section, "the title", va_arg(args, const char *));
		return;
	}
	vsnprintf(text, sizeof text, format, args);
	fail((unsigned int)section->line, text);
}

static int
on_value(cfg_t *section, cfg_opt_t *option, const char *text, void *result)
{
	struct written_value *value = arena_alloc(parsing->arena, sizeof *value);
	bool first = option->nvalues <= 1;

	if (first && (option->flags & FLAG_SEEN)) {
		if (strcmp(option->name, SOURCE_SECTION_MARK) == 0)
			say_twice(section, "the section", section->name);
		else
			say_twice(section, "the setting", option->name);
		return -1;
	}
	option->flags |= FLAG_SEEN;
	value->text = arena_strdup(parsing->arena, text);
	value->line = (unsigned int)section->line;
	*(void **)result = value;
	return 0;
}

/* ---- the table as libConfuse wants it --------------------------------------------------------- */

static cfg_opt_t *
options_of(const struct schema_section *section, struct arena *arena)
{
	size_t count = section->row_count + section->section_count + 2;
	cfg_opt_t *options = arena_alloc(arena, count * sizeof *options);
	cfg_opt_t *next = options;

	for (size_t i = 0; i < section->row_count; i++) {
		const struct schema_row *row = &section->rows[i];
		if (schema_is_list(row))
			*next++ = (cfg_opt_t)CFG_PTR_LIST_CB(row->name, 0, CFGF_NODEFAULT, on_value, NULL);
		else
			*next++ = (cfg_opt_t)CFG_PTR_CB(row->name, 0, CFGF_NODEFAULT, on_value, NULL);
	}
	for (size_t i = 0; i < section->section_count; i++) {
		const struct schema_section *inner = section->sections[i];
		cfg_flag_t flags = inner->titled ? CFGF_TITLE | CFGF_MULTI | CFGF_NO_TITLE_DUPES
						 : CFGF_NONE;
		*next++ = (cfg_opt_t)CFG_SEC(inner->name, options_of(inner, arena), flags);
	}
	*next++ = (cfg_opt_t)CFG_PTR_CB(SOURCE_SECTION_MARK, 0, CFGF_NODEFAULT, on_value, NULL);
	*next = (cfg_opt_t)CFG_END();
	return options;
}

/* ---- from libConfuse's tree to ours ----------------------------------------------------------- */

static struct written_setting
take_setting(cfg_t *section, const char *name, struct arena *arena)
{
	struct written_setting setting = { .count = 0 };
	cfg_opt_t *option = cfg_getopt(section, name);
	size_t count = option ? cfg_opt_size(option) : 0;
	struct written_value *values = arena_alloc(arena, count * sizeof *values);

	for (size_t i = 0; i < count; i++) {
		values[i] = *(struct written_value *)cfg_opt_getnptr(option, (unsigned int)i);
		if (i == 0)
			setting.line = values[i].line;
		if (strcmp(values[i].text, SOURCE_EMPTY_MARK) != 0)
			setting.count++;
	}
	setting.values = values;
	return setting;
}

static void
take_section(cfg_t *section, const struct schema_section *schema, struct arena *arena,
	struct written_section *to)
{
	*to = (struct written_section){
		.schema = schema,
		.title = section->title ? arena_strdup(arena, section->title) : NULL,
		.line = take_setting(section, SOURCE_SECTION_MARK, arena).line,
		.settings = arena_alloc(arena, (schema->row_count + 1) * sizeof *to->settings),
		.inner = arena_alloc(arena, (schema->section_count + 1) * sizeof *to->inner),
	};
	for (size_t i = 0; i < schema->row_count; i++)
		to->settings[i] = take_setting(section, schema->rows[i].name, arena);
	for (size_t i = 0; i < schema->section_count; i++) {
		const struct schema_section *inner = schema->sections[i];
		cfg_opt_t *option = cfg_getopt(section, inner->name);
		size_t count = cfg_opt_size(option);

		to->inner[i].items = arena_alloc(arena, (count + 1) * sizeof *to->inner[i].items);
		to->inner[i].count = count;
		for (size_t n = 0; n < count; n++)
			take_section(cfg_opt_getnsec(option, (unsigned int)n), inner, arena,
				&to->inner[i].items[n]);
	}
}

static bool
parse(cfg_t *root, struct span text)
{
	FILE *file;
	int result;

	if (text.length == 0)
		return true;
	/* Reading only; fmemopen() has no const. */
	file = fmemopen((void *)(uintptr_t)text.start, text.length, "r");
	if (!file)
		return fail(1, "cannot be read from memory");
	result = cfg_parse_fp(root, file);
	fclose(file);
	if (result == CFG_SUCCESS && !parsing->failed)
		return true;
	return fail((unsigned int)root->line, "is not understood");
}

bool
written_parse(const struct source *source, struct arena *arena, struct written_section *root_out,
	struct fault *fault)
{
	struct parsing now = { source, arena, fault, false };
	cfg_t *root = cfg_init(options_of(&schema_root, arena), CFGF_NONE);
	bool parsed;

	if (!root)
		return fault_set(fault, FAULT_SYSTEM, "libConfuse has no memory");
	parsing = &now;
	cfg_set_error_function(root, on_error);
	parsed = parse(root, buf_span(&source->text));
	if (parsed)
		take_section(root, &schema_root, arena, root_out);
	cfg_free(root);
	parsing = NULL;
	return parsed;
}
