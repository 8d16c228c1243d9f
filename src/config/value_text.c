/* SPDX-License-Identifier: BSD-2-Clause */
/* One value of a setting: back to the text that would be written for it. */
#include "config/units.h"
#include "config/value.h"

static void
format_number(enum schema_kind kind, uint64_t number, struct buf *to)
{
	if (kind == SCHEMA_DURATION || kind == SCHEMA_DURATIONS)
		units_format_duration(number, to);
	else if (kind == SCHEMA_SIZE)
		units_format_size(number, to);
	else
		buf_printf(to, "%llu", (unsigned long long)number);
}

void
value_format_range(const struct schema_row *row, struct buf *to)
{
	format_number(row->kind, row->least, to);
	buf_add_text(to, " to ");
	format_number(row->kind, row->most, to);
}

static void
format_text(const char *text, struct buf *to)
{
	buf_add_byte(to, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			buf_add_byte(to, '\\');
		buf_add_byte(to, *text);
	}
	buf_add_byte(to, '"');
}

static void
format_network(const struct network *network, struct buf *to)
{
	char text[NETWORK_TEXT_SIZE];

	network_format(network, text);
	format_text(text, to);
}

static void
format_choice(const struct schema_row *row, unsigned int value, struct buf *to)
{
	for (const struct schema_word *word = row->words; word->word; word++) {
		if (word->value == value)
			buf_add_text(to, word->word);
	}
}

static void
format_flags(const struct schema_row *row, uint32_t flags, struct buf *to)
{
	const char *between = " ";

	for (const struct schema_word *word = row->words; word->word; word++) {
		if (!(flags & word->value))
			continue;
		buf_printf(to, "%s%s", between, word->word);
		between = ", ";
	}
}

static void
format_list(const struct schema_row *row, const void *from, struct buf *to)
{
	const struct schema_list *list = from;

	buf_add_byte(to, '{');
	if (row->kind == SCHEMA_FLAGS)
		format_flags(row, *(const uint32_t *)from, to);
	for (size_t i = 0; row->kind != SCHEMA_FLAGS && i < list->count; i++) {
		buf_add_text(to, i ? ", " : " ");
		if (row->kind == SCHEMA_TEXTS)
			format_text(((const char *const *)list->items)[i], to);
		else if (row->kind == SCHEMA_DURATIONS)
			format_number(row->kind, ((const uint64_t *)list->items)[i], to);
		else if (row->kind == SCHEMA_NETWORKS)
			format_network(&((const struct network *)list->items)[i], to);
		else
			format_text(((const struct endpoint *)list->items)[i].text, to);
	}
	buf_add_text(to, " }");
}

void
value_format(const struct schema_row *row, const void *item, struct buf *to)
{
	const void *from = (const char *)item + row->offset;

	switch (row->kind) {
	case SCHEMA_TEXT:
		format_text(*(const char *const *)from, to);
		break;
	case SCHEMA_NUMBER:
	case SCHEMA_DURATION:
	case SCHEMA_SIZE:
		format_number(row->kind, *(const uint64_t *)from, to);
		break;
	case SCHEMA_YES_NO:
		buf_add_text(to, *(const bool *)from ? "yes" : "no");
		break;
	case SCHEMA_CHOICE:
		format_choice(row, *(const unsigned int *)from, to);
		break;
	case SCHEMA_ENDPOINT:
		format_text(((const struct endpoint *)from)->text, to);
		break;
	case SCHEMA_TARGET:
		format_text(((const struct route_target *)from)->text, to);
		break;
	case SCHEMA_FLAGS:
	case SCHEMA_TEXTS:
	case SCHEMA_DURATIONS:
	case SCHEMA_NETWORKS:
	case SCHEMA_ENDPOINTS:
		format_list(row, from, to);
		break;
	case SCHEMA_KIND_COUNT:
		break;
	}
}
