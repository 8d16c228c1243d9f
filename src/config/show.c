/* SPDX-License-Identifier: BSD-2-Clause */
/* The effective settings one by one, and what a setting is. */
#include "config/show.h"

#include "config/check.h"
#include "config/value.h"

struct showing {
	const struct load *load;
	struct show_item item;
	show_visit *visit;
	void *context;
};

static void
show_row(struct showing *showing, const struct schema_row *row, const void *item)
{
	struct buf value = BUF_INIT(0);

	value_format(row, item, &value);
	showing->item.row = row;
	showing->item.value = buf_text(&value);
	showing->item.written = load_is_written(showing->load, item, row->name);
	showing->visit(&showing->item, showing->context);
	buf_fini(&value);
}

static void
show_section(struct showing *showing, const struct schema_section *section, const void *item)
{
	struct schema_path *path = &showing->item.path;

	for (size_t i = 0; i < section->row_count; i++)
		show_row(showing, &section->rows[i], item);
	for (size_t i = 0; i < section->section_count; i++) {
		const struct schema_section *inner = section->sections[i];
		const char *at = (const char *)item + inner->offset;
		const struct schema_list *list = (const void *)at;

		path->sections[path->depth++] = inner;
		showing->item.titles[path->depth - 1] = NULL;
		if (!inner->titled)
			show_section(showing, inner, at);
		for (size_t n = 0; inner->titled && n < list->count; n++) {
			const char *each = (const char *)list->items + n * inner->size;
			const struct schema_item *head = (const void *)each;
			showing->item.titles[path->depth - 1] = head->title;
			show_section(showing, inner, each);
		}
		path->depth--;
	}
}

bool
show_settings(const char *path, show_visit *visit, void *context, struct fault *fault)
{
	struct load load;
	struct showing showing = { .load = &load, .visit = visit, .context = context };
	bool right = load_read(&load, path, fault) && check_all(&load, fault);

	if (right)
		show_section(&showing, &schema_root, load.settings);
	settings_free(&load.settings);
	load_fini(&load);
	return right;
}

void
show_name(const struct schema_path *path, const char *name, struct buf *to)
{
	for (size_t i = 0; i < path->depth; i++)
		buf_printf(to, "%s.", path->sections[i]->name);
	buf_add_text(to, name);
}

static void
add_kind(const struct schema_row *row, struct buf *to)
{
	buf_add_text(to, schema_kind_name(row->kind));
	if (row->words) {
		for (const struct schema_word *word = row->words; word->word; word++)
			buf_printf(to, "%s%s", word == row->words ? ": " : ", ", word->word);
	} else if (schema_is_list(row)) {
		buf_printf(to, ", at most %llu", (unsigned long long)row->most);
	} else if (row->most > 0) {
		buf_add_text(to, ", ");
		value_format_range(row, to);
	}
}

void
show_summary(const struct schema_row *row, struct buf *to)
{
	struct span rest = span_text(row->standard);

	add_kind(row, to);
	if (!row->standard) {
		buf_add_text(to, "; must be set");
	} else if (rest.length == 0) {
		buf_add_text(to, "; empty by default");
	} else if (schema_is_list(row)) {
		for (const char *between = "; default { "; rest.length; between = ", ") {
			struct span each = span_cut(rest, ' ', &rest);
			buf_printf(to, "%s%.*s", between, SPAN_PRINT(each));
		}
		buf_add_text(to, " }");
	} else {
		buf_printf(to, "; default %s", row->standard);
	}
}
