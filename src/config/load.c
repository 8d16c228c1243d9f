/* SPDX-License-Identifier: BSD-2-Clause */
/* From what was written to structs, value by value. */
#include "config/load.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/value.h"

static struct arena *
arena_of(const struct load *load)
{
	return load->settings->arena;
}

static const struct load_item *
add_item(struct load *load, const void *item, const struct written_section *written,
	const struct load_item *outer)
{
	struct load_item *added = mem_alloc(sizeof *added);

	*added = (struct load_item){ item, written, outer };
	load->items = mem_grow_array(load->items, load->item_count + 1, sizeof(void *));
	load->items[load->item_count++] = added;
	return added;
}

static const struct load_item *
find_item(const struct load *load, const void *item)
{
	for (size_t i = 0; i < load->item_count; i++) {
		if (load->items[i]->item == item)
			return load->items[i];
	}
	return NULL;
}

static const struct written_setting *
setting_of(const struct load_item *item, const char *name)
{
	const struct schema_row *row;

	if (!item || !item->written || !name)
		return NULL;
	row = schema_find_row(item->written->schema, name);
	return row ? &item->written->settings[row - item->written->schema->rows] : NULL;
}

bool
load_is_written(const struct load *load, const void *item, const char *name)
{
	const struct written_setting *setting = setting_of(find_item(load, item), name);

	return setting && setting->line > 0;
}

/* `listener "devices": permit "anonymous": ` */
static void
add_context(const struct load_item *item, struct buf *to)
{
	if (!item || !item->written || item->written->schema == &schema_root)
		return;
	add_context(item->outer, to);
	buf_add_text(to, item->written->schema->name);
	if (item->written->title)
		buf_printf(to, " \"%s\"", item->written->title);
	buf_add_text(to, ": ");
}

/* The line of a value, or of its section, or of what that stands in; the first if none is written. */
static unsigned int
line_of(const struct load_item *item, const struct written_setting *setting, size_t index)
{
	if (setting && setting->line > 0)
		return index < setting->count ? setting->values[index].line : setting->line;
	for (; item; item = item->outer) {
		if (item->written && item->written->line > 0)
			return item->written->line;
	}
	return 1;
}

bool
load_fault(const struct load *load, const void *item, const char *name, size_t index,
	struct fault *fault, const char *format, ...)
{
	const struct load_item *found = find_item(load, item);
	unsigned int line = line_of(found, setting_of(found, name), index);
	struct buf text = BUF_INIT(FAULT_TEXT_MAX_BYTES);
	char reason[FAULT_TEXT_MAX_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof reason, format, args);
	va_end(args);
	add_context(found, &text);
	if (name)
		buf_printf(&text, "%s: ", name);
	fault_set(fault, FAULT_CONFIG, "%s:%u: %s", source_file(&load->source, line),
		source_line(&load->source, line), buf_text(&text));
	/* The reason may be of an earlier fault and is printable; escaping it again would mar it. */
	size_t used = strlen(fault->text);
	snprintf(fault->text + used, sizeof fault->text - used, "%s", reason);
	buf_fini(&text);
	return false;
}

static bool
fill_row(struct load *load, const struct schema_row *row, const struct written_setting *setting,
	void *item, struct fault *fault)
{
	size_t bad = 0;

	if (setting->line == 0 && row->standard) {
		value_store_standard(row, item, arena_of(load));
		return true;
	}
	if (setting->line == 0)
		return load_fault(load, item, NULL, 0, fault, "%s must be set", row->name);
	struct span *texts = mem_alloc_array(setting->count, sizeof *texts);
	for (size_t i = 0; i < setting->count; i++)
		texts[i] = span_text(setting->values[i].text);
	bool stored = value_store(row, item, texts, setting->count, arena_of(load), &bad, fault);
	mem_free(&texts);
	if (!stored) {
		struct fault reason = *fault;
		load_fault(load, item, row->name, bad, fault, "%s", reason.text);
	}
	return stored;
}

static bool fill_section(struct load *load, const struct written_section *written, void *item,
	const struct load_item *outer, struct fault *fault);

static int
by_title(const void *a, const void *b)
{
	const struct schema_item *const *left = a;
	const struct schema_item *const *right = b;
	int order = strcmp((*left)->title, (*right)->title);

	return order ? order : (*left > *right) - (*left < *right);
}

/* Titles that were written apart may be one in canonical form: "Example.ORG" and "example.org". */
static bool
check_titles(struct load *load, const struct schema_section *schema, const struct schema_list *list,
	struct fault *fault)
{
	const struct schema_item **sorted = mem_alloc_array(list->count, sizeof *sorted);
	bool single = true;

	for (size_t i = 0; i < list->count; i++)
		sorted[i] = (const void *)((const char *)list->items + i * schema->size);
	qsort(sorted, list->count, sizeof *sorted, by_title);
	for (size_t i = 1; i < list->count && single; i++) {
		if (strcmp(sorted[i - 1]->title, sorted[i]->title) == 0)
			single = load_fault(load, sorted[i], NULL, 0, fault, "stands already at %s",
				sorted[i - 1]->where);
	}
	mem_free(&sorted);
	return single;
}

static bool
fill_title(struct load *load, const struct written_section *written, void *item,
	const struct load_item *outer, struct fault *fault)
{
	const struct schema_section *schema = written->schema;
	struct schema_item *head = item;
	bool right = schema->title(span_text(written->title), arena_of(load), &head->title, fault);

	if (right && schema->on_title)
		right = schema->on_title(item, arena_of(load), fault);
	if (!right) {
		struct fault reason = *fault;
		add_item(load, item, written, outer);
		return load_fault(load, item, NULL, 0, fault, "the title %s", reason.text);
	}
	head->where = arena_printf(arena_of(load), "%s:%u",
		source_file(&load->source, written->line),
		source_line(&load->source, written->line));
	return true;
}

static bool
fill_list(struct load *load, const struct schema_section *schema,
	const struct written_sections *written, struct schema_list *list,
	const struct load_item *outer, struct fault *fault)
{
	char *items = arena_alloc(arena_of(load), (written->count + 1) * schema->size);

	*list = (struct schema_list){ items, written->count };
	for (size_t i = 0; i < written->count; i++) {
		char *item = items + i * schema->size;

		if (!fill_title(load, &written->items[i], item, outer, fault) ||
			!fill_section(load, &written->items[i], item, outer, fault))
			return false;
	}
	if (written->count > schema->most)
		return load_fault(load, items + schema->most * schema->size, NULL, 0, fault,
			"is one too many: at most %zu sections of this name", schema->most);
	return check_titles(load, schema, list, fault);
}

static bool
fill_section(struct load *load, const struct written_section *written, void *item,
	const struct load_item *outer, struct fault *fault)
{
	const struct schema_section *schema = written->schema;
	const struct load_item *added = add_item(load, item, written, outer);

	for (size_t i = 0; i < schema->row_count; i++) {
		if (!fill_row(load, &schema->rows[i], &written->settings[i], item, fault))
			return false;
	}
	for (size_t i = 0; i < schema->section_count; i++) {
		const struct schema_section *inner = schema->sections[i];
		const struct written_sections *found = &written->inner[i];
		void *at = (char *)item + inner->offset;

		if (!(inner->titled ? fill_list(load, inner, found, at, added, fault)
				    : fill_section(load, &found->items[0], at, added, fault)))
			return false;
	}
	return true;
}

bool
load_is_titled(const struct load *load, const struct schema_section *schema, const char *title,
	struct suggest *suggest)
{
	const char *settings = (const void *)load->settings;
	const struct schema_list *list = (const void *)(settings + schema->offset);

	for (size_t i = 0; i < list->count; i++) {
		const char *item = (const char *)list->items + i * schema->size;
		const struct schema_item *head = (const void *)item;

		if (strcmp(head->title, title) == 0)
			return true;
		if (suggest)
			suggest_consider(suggest, title, head->title);
	}
	return false;
}

/* A titled section that is always there, with defaults where it was not written. */
static void
add_standard(struct load *load, const struct schema_section *schema, const char *title)
{
	struct schema_list *list = (void *)((char *)load->settings + schema->offset);
	/* fill_list() left room for one more. */
	char *item = (char *)list->items + list->count * schema->size;
	struct schema_item *head = (void *)item;

	list->count++;
	head->title = title;
	head->where = "default";
	for (size_t i = 0; i < schema->row_count; i++)
		value_store_standard(&schema->rows[i], item, arena_of(load));
	add_item(load, item, NULL, load->items[0]);
}

bool
load_read(struct load *load, const char *path, struct fault *fault)
{
	struct arena *arena = arena_new(16 * 1024);
	struct settings *settings = arena_alloc(arena, sizeof *settings);

	*load = (struct load){ .scratch = arena_new(16 * 1024), .settings = settings };
	settings->arena = arena;
	settings->file = arena_strdup(arena, path);
	if (!source_read(&load->source, path, load->scratch, fault))
		return false;
	if (!written_parse(&load->source, load->scratch, &load->root, fault) ||
		!fill_section(load, &load->root, settings, NULL, fault))
		return false;
	if (!load_is_titled(load, &schema_limits, "default", NULL))
		add_standard(load, &schema_limits, "default");
	if (!load_is_titled(load, &schema_policy, schema_policy.title_standard, NULL))
		add_standard(load, &schema_policy, schema_policy.title_standard);
	if (settings->directory.count == 0)
		add_standard(load, &schema_directory, "local");
	return true;
}

void
load_fini(struct load *load)
{
	source_fini(&load->source);
	for (size_t i = 0; i < load->item_count; i++)
		mem_free(&load->items[i]);
	mem_free(&load->items);
	load->item_count = 0;
	arena_free(&load->scratch);
}
