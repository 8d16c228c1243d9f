/* SPDX-License-Identifier: BSD-2-Clause */
/* One value of a setting: from text into its struct. */
#include "config/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/syntax.h"
#include "config/target.h"
#include "config/units.h"

/* Where the value of a row lives. */
static void *
at(const struct schema_row *row, void *item)
{
	return (char *)item + row->offset;
}

static bool
check_range(const struct schema_row *row, uint64_t number, struct fault *fault)
{
	struct buf text = BUF_INIT(256);

	if (number >= row->least && number <= row->most)
		return true;
	value_format_range(row, &text);
	fault_set(fault, FAULT_CONFIG, "is out of range: %s", buf_text(&text));
	buf_fini(&text);
	return false;
}

static bool
parse_number(const struct schema_row *row, struct span text, uint64_t *number_out,
	struct fault *fault)
{
	uint64_t number;

	if (row->kind == SCHEMA_NUMBER && !text_parse_number(text, UINT64_MAX, &number))
		return fault_set(fault, FAULT_CONFIG, "is not a number");
	if (row->kind == SCHEMA_DURATION && !units_parse_duration(text, &number))
		return fault_set(fault, FAULT_CONFIG, "is not a duration, like 30s, 5m, 1h or 5d");
	if (row->kind == SCHEMA_SIZE && !units_parse_size(text, &number))
		return fault_set(fault, FAULT_CONFIG, "is not a size, like 512, 64K, 25M or 2G");
	if (!check_range(row, number, fault))
		return false;
	*number_out = number;
	return true;
}

static bool
parse_yes_no(struct span text, bool *yes_out, struct fault *fault)
{
	*yes_out = span_is(text, "yes") || span_is(text, "on") || span_is(text, "true");
	if (*yes_out || span_is(text, "no") || span_is(text, "off") || span_is(text, "false"))
		return true;
	return fault_set(fault, FAULT_CONFIG, "is neither yes nor no");
}

static bool
parse_word(const struct schema_row *row, struct span text, unsigned int *value_out,
	struct fault *fault)
{
	struct buf all = BUF_INIT(FAULT_TEXT_MAX_BYTES);

	for (const struct schema_word *word = row->words; word->word; word++) {
		if (span_is(text, word->word)) {
			*value_out = word->value;
			return true;
		}
	}
	for (const struct schema_word *word = row->words; word->word; word++)
		buf_printf(&all, "%s%s", word == row->words ? "" : ", ", word->word);
	fault_set(fault, FAULT_CONFIG, "is %s %s", row->words[1].word ? "none of" : "not",
		buf_text(&all));
	buf_fini(&all);
	return false;
}

static bool
parse_text(const struct schema_row *row, struct span text, struct arena *arena,
	const char **text_out, struct fault *fault)
{
	return (row->check ? row->check : syntax_text)(text, arena, text_out, fault);
}

static bool
store_scalar(const struct schema_row *row, void *to, struct span text, struct arena *arena,
	struct fault *fault)
{
	switch (row->kind) {
	case SCHEMA_TEXT:
		return parse_text(row, text, arena, to, fault);
	case SCHEMA_NUMBER:
	case SCHEMA_DURATION:
	case SCHEMA_SIZE:
		return parse_number(row, text, to, fault);
	case SCHEMA_YES_NO:
		return parse_yes_no(text, to, fault);
	case SCHEMA_CHOICE:
		return parse_word(row, text, to, fault);
	case SCHEMA_ENDPOINT:
		return endpoint_parse(text, ENDPOINT_CONNECT, 0, arena, to, fault);
	case SCHEMA_TARGET:
		return target_parse(text, arena, to, fault);
	case SCHEMA_FLAGS:
	case SCHEMA_TEXTS:
	case SCHEMA_DURATIONS:
	case SCHEMA_NETWORKS:
	case SCHEMA_ENDPOINTS:
	case SCHEMA_KIND_COUNT:
		break;
	}
	abort();
}

/* One element of a list into its place; elements of FLAGS are or-ed into theirs. */
static bool
store_element(const struct schema_row *row, void *element, struct span text, struct arena *arena,
	struct fault *fault)
{
	struct schema_row each = *row;
	unsigned int flag;

	switch (row->kind) {
	case SCHEMA_FLAGS:
		if (!parse_word(row, text, &flag, fault))
			return false;
		*(uint32_t *)element |= flag;
		return true;
	case SCHEMA_TEXTS:
		return parse_text(row, text, arena, element, fault);
	case SCHEMA_DURATIONS:
		each.kind = SCHEMA_DURATION;
		each.most = UNITS_DURATION_MAX_MS;
		return parse_number(&each, text, element, fault);
	case SCHEMA_NETWORKS:
		return network_parse(text, element, fault);
	case SCHEMA_ENDPOINTS:
		return endpoint_parse(text, ENDPOINT_LISTEN, 0, arena, element, fault);
	case SCHEMA_TEXT:
	case SCHEMA_NUMBER:
	case SCHEMA_DURATION:
	case SCHEMA_SIZE:
	case SCHEMA_YES_NO:
	case SCHEMA_CHOICE:
	case SCHEMA_ENDPOINT:
	case SCHEMA_TARGET:
	case SCHEMA_KIND_COUNT:
		break;
	}
	abort();
}

size_t
value_element_size(enum schema_kind kind)
{
	switch (kind) {
	case SCHEMA_TEXTS:
		return sizeof(const char *);
	case SCHEMA_DURATIONS:
		return sizeof(uint64_t);
	case SCHEMA_NETWORKS:
		return sizeof(struct network);
	case SCHEMA_ENDPOINTS:
		return sizeof(struct endpoint);
	case SCHEMA_FLAGS:
	case SCHEMA_TEXT:
	case SCHEMA_NUMBER:
	case SCHEMA_DURATION:
	case SCHEMA_SIZE:
	case SCHEMA_YES_NO:
	case SCHEMA_CHOICE:
	case SCHEMA_ENDPOINT:
	case SCHEMA_TARGET:
	case SCHEMA_KIND_COUNT:
		break;
	}
	return 0;
}

static bool
store_list(const struct schema_row *row, void *to, const struct span *texts, size_t count,
	struct arena *arena, size_t *bad_out, struct fault *fault)
{
	size_t size = value_element_size(row->kind);
	char *items = size ? arena_alloc(arena, (count ? count : 1) * size) : to;

	*bad_out = 0;
	if (row->kind == SCHEMA_FLAGS)
		*(uint32_t *)to = 0;
	else if (count > row->most) {
		*bad_out = (size_t)row->most;
		return fault_set(fault, FAULT_CONFIG, "is one too many: at most %llu may be listed",
			(unsigned long long)row->most);
	}
	for (size_t i = 0; i < count; i++) {
		*bad_out = i;
		if (!store_element(row, items + i * size, texts[i], arena, fault))
			return false;
	}
	if (size)
		*(struct schema_list *)to = (struct schema_list){ items, count };
	return true;
}

/* The wrong text in front of what it is not. */
static void
add_text(struct fault *fault, struct span text)
{
	enum { SHOWN_MAX_BYTES = 60 };
	struct fault reason = *fault;
	char *to = fault->text;
	size_t size = sizeof fault->text;
	size_t used = 1 + text_escape(span_first(text, SHOWN_MAX_BYTES), to + 1, size - 1);

	/* Both parts are printable by now; fault_set() would escape the backslashes again. */
	to[0] = '"';
	snprintf(to + used, size - used, "\" %s", reason.text);
}

bool
value_store(const struct schema_row *row, void *item, const struct span *texts, size_t count,
	struct arena *arena, size_t *bad_out, struct fault *fault)
{
	bool stored;

	if (schema_is_list(row)) {
		stored = store_list(row, at(row, item), texts, count, arena, bad_out, fault);
	} else {
		*bad_out = 0;
		stored = store_scalar(row, at(row, item), texts[0], arena, fault);
	}
	if (!stored)
		add_text(fault, texts[*bad_out]);
	return stored;
}

void
value_store_standard(const struct schema_row *row, void *item, struct arena *arena)
{
	enum { STANDARD_MAX = 32 };
	struct span texts[STANDARD_MAX];
	struct span rest = span_text(row->standard);
	struct fault fault = FAULT_INIT;
	size_t count = 0;
	size_t bad;

	if (!schema_is_list(row))
		texts[count++] = rest;
	else
		while (rest.length && count < STANDARD_MAX)
			texts[count++] = span_cut(rest, ' ', &rest);
	if (!value_store(row, item, texts, count, arena, &bad, &fault))
		abort();
}
