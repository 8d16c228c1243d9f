/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON for human eyes. */
#include "ctl/table.h"

#include <string.h>
#include <time.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "wire/utf8.h"

enum { COLUMNS_MAX = 16 };

static bool
has_control(struct span text)
{
	for (size_t i = 0; i < text.length; i++) {
		unsigned char byte = (unsigned char)text.start[i];
		if (byte < ' ' || byte == 0x7f)
			return true;
	}
	return false;
}

/* Senders, replies and the like come from outside: no control byte of theirs reaches the terminal. */
static void
add_safe(struct buf *to, const char *text)
{
	struct span span = span_text(text);
	size_t size = 4 * span.length + 1;
	char *escaped;

	if (!has_control(span) && utf8_is_valid(span) && !utf8_has_deceptive(span)) {
		buf_add_span(to, span);
		return;
	}
	escaped = mem_alloc(size);
	text_escape(span, escaped, size);
	buf_add_text(to, escaped);
	mem_free(&escaped);
}

static void
add_time(struct buf *to, json_int_t ms)
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm parts;
	char text[64];

	if (ms == 0 || !localtime_r(&seconds, &parts))
		return;
	strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
	buf_add_text(to, text);
}

/* The two largest units. */
static void
add_age(struct buf *to, json_int_t ms)
{
	long long seconds = ms / 1000;

	if (seconds >= 86400)
		buf_printf(to, "%lldd %lldh", seconds / 86400, seconds % 86400 / 3600);
	else if (seconds >= 3600)
		buf_printf(to, "%lldh %lldm", seconds / 3600, seconds % 3600 / 60);
	else if (seconds >= 60)
		buf_printf(to, "%lldm %llds", seconds / 60, seconds % 60);
	else
		buf_printf(to, "%llds", seconds);
}

static void
add_short(struct buf *to, json_int_t microseconds)
{
	double ms = (double)microseconds / 1000;

	if (microseconds == 0)
		buf_add_text(to, "-");
	else if (ms < 9.995)
		buf_printf(to, "%.2fms", ms);
	else if (ms < 999.5)
		buf_printf(to, "%.0fms", ms);
	else
		buf_printf(to, "%.1fs", ms / 1000);
}

static void
add_size(struct buf *to, json_int_t bytes)
{
	static const char units[] = "KMGT";
	double size = (double)bytes;
	size_t unit = 0;

	if (bytes < 1024) {
		buf_printf(to, "%lld", (long long)bytes);
		return;
	}
	for (size /= 1024; size >= 1023.95 && unit + 2 < sizeof units; unit++)
		size /= 1024;
	buf_printf(to, "%.1f%c", size, units[unit]);
}

static void
add_value(struct buf *to, const json_t *value, enum table_kind kind)
{
	size_t index;
	json_t *each;

	if (kind == TABLE_COUNT && json_is_array(value)) {
		buf_printf(to, "%zu", json_array_size(value));
	} else if (kind == TABLE_TIME && json_is_integer(value)) {
		add_time(to, json_integer_value(value));
	} else if (kind == TABLE_AGE && json_is_integer(value)) {
		add_age(to, json_integer_value(value));
	} else if (kind == TABLE_SHORT && json_is_integer(value)) {
		add_short(to, json_integer_value(value));
	} else if (kind == TABLE_SIZE && json_is_integer(value)) {
		add_size(to, json_integer_value(value));
	} else if (json_is_string(value)) {
		add_safe(to, json_string_value(value));
	} else if (json_is_integer(value)) {
		buf_printf(to, "%lld", (long long)json_integer_value(value));
	} else if (json_is_real(value)) {
		buf_printf(to, "%.1f", json_real_value(value));
	} else if (json_is_boolean(value)) {
		buf_add_text(to, json_is_true(value) ? "yes" : "no");
	} else if (json_is_array(value)) {
		json_array_foreach(value, index, each)
		{
			buf_add_text(to, index ? ", " : "");
			add_value(to, each, TABLE_TEXT);
		}
	}
}

/* In characters, of text that is UTF-8. */
static size_t
width_of(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

static size_t
column_count(const struct table_column *columns)
{
	size_t count = 0;

	while (columns[count].title && count < COLUMNS_MAX)
		count++;
	return count;
}

static void
print_cell(FILE *out, const char *text, size_t width, bool last)
{
	fputs(text, out);
	if (last)
		fputc('\n', out);
	else
		fprintf(out, "%*s", (int)(width - width_of(text) + 2), "");
}

void
table_print(FILE *out, const struct table_column *columns, const json_t *rows, bool headings)
{
	size_t count = column_count(columns);
	size_t row_count = json_array_size(rows);
	struct buf *cells = mem_alloc_array(row_count * count + 1, sizeof *cells);
	size_t widths[COLUMNS_MAX] = { 0 };

	for (size_t c = 0; c < count; c++)
		widths[c] = width_of(columns[c].title);
	for (size_t i = 0; i < row_count * count; i++) {
		const struct table_column *column = &columns[i % count];
		size_t width;

		add_value(&cells[i], json_object_get(json_array_get(rows, i / count), column->key),
			column->kind);
		width = width_of(buf_text(&cells[i]));
		if (width > widths[i % count])
			widths[i % count] = width;
	}
	for (size_t c = 0; headings && row_count > 0 && c < count; c++)
		print_cell(out, columns[c].title, widths[c], c + 1 == count);
	for (size_t i = 0; i < row_count * count; i++) {
		bool last = (i + 1) % count == 0;

		if (headings)
			print_cell(out, buf_text(&cells[i]), widths[i % count], last);
		else
			fprintf(out, "%s%c", buf_text(&cells[i]), last ? '\n' : '\t');
		buf_fini(&cells[i]);
	}
	mem_free(&cells);
}

/* Absent, null, "" and the empty list are all nothing to say. */
static const json_t *
value_of(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	bool nothing = json_is_null(value) ||
		(json_is_string(value) && json_string_length(value) == 0) ||
		(json_is_array(value) && json_array_size(value) == 0);

	return nothing ? NULL : value;
}

void
table_print_fields(FILE *out, const struct table_column *columns, const json_t *object)
{
	size_t widest = 0;

	for (const struct table_column *each = columns; each->title; each++) {
		if (value_of(object, each->key) && strlen(each->title) > widest)
			widest = strlen(each->title);
	}
	for (const struct table_column *each = columns; each->title; each++) {
		const json_t *value = value_of(object, each->key);
		struct buf text = BUF_INIT(0);

		if (!value)
			continue;
		add_value(&text, value, each->kind);
		fprintf(out, "%s:%*s%s\n", each->title, (int)(widest - strlen(each->title) + 1), "",
			buf_text(&text));
		buf_fini(&text);
	}
}

void
table_print_text(FILE *out, const char *text)
{
	struct buf safe = BUF_INIT(0);

	add_safe(&safe, text);
	fputs(buf_text(&safe), out);
	buf_fini(&safe);
}
