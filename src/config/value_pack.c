/* SPDX-License-Identifier: BSD-2-Clause */
/* One value of a setting: to bytes and from bytes. */
#include "config/value.h"

#include <string.h>

#include "config/target.h"

enum { VALUE_TEXT_MAX_BYTES = 8192, VALUE_LIST_MAX = 100000 };

/* What FLAGS, or one of CHOICE, can be at all. */
static bool
is_choice(const struct schema_row *row, uint32_t value)
{
	for (const struct schema_word *word = row->words; word->word; word++) {
		if (word->value == value)
			return true;
	}
	return false;
}

static uint32_t
all_flags(const struct schema_row *row)
{
	uint32_t all = 0;

	for (const struct schema_word *word = row->words; word->word; word++)
		all |= word->value;
	return all;
}

static void
pack_list(const struct schema_row *row, const struct schema_list *list, struct buf *to)
{
	pack_count(to, list->count);
	for (size_t i = 0; i < list->count; i++) {
		const struct network *network;

		if (row->kind == SCHEMA_TEXTS) {
			pack_text(to, ((const char *const *)list->items)[i]);
		} else if (row->kind == SCHEMA_DURATIONS) {
			pack_u64(to, ((const uint64_t *)list->items)[i]);
		} else if (row->kind == SCHEMA_NETWORKS) {
			network = &((const struct network *)list->items)[i];
			pack_span(to, span_of(network->address, NETWORK_BYTES));
			pack_u8(to, (uint8_t)network->bits);
		} else {
			pack_text(to, ((const struct endpoint *)list->items)[i].text);
		}
	}
}

void
value_pack(const struct schema_row *row, const void *item, struct buf *to)
{
	const void *from = (const char *)item + row->offset;

	switch (row->kind) {
	case SCHEMA_TEXT:
		pack_text(to, *(const char *const *)from);
		break;
	case SCHEMA_NUMBER:
	case SCHEMA_DURATION:
	case SCHEMA_SIZE:
		pack_u64(to, *(const uint64_t *)from);
		break;
	case SCHEMA_YES_NO:
		pack_bool(to, *(const bool *)from);
		break;
	case SCHEMA_CHOICE:
	case SCHEMA_FLAGS:
		pack_u32(to, *(const uint32_t *)from);
		break;
	case SCHEMA_TEXTS:
	case SCHEMA_DURATIONS:
	case SCHEMA_NETWORKS:
	case SCHEMA_ENDPOINTS:
		pack_list(row, from, to);
		break;
	case SCHEMA_ENDPOINT:
		pack_text(to, ((const struct endpoint *)from)->text);
		break;
	case SCHEMA_TARGET:
		pack_text(to, ((const struct route_target *)from)->text);
		break;
	case SCHEMA_KIND_COUNT:
		break;
	}
}

static struct network
unpack_network(struct unpack *from)
{
	struct network network = { .bits = 0 };
	struct span address = unpack_span(from, NETWORK_BYTES);

	network.bits = unpack_u8_max(from, NETWORK_BITS);
	if (address.length != NETWORK_BYTES)
		from->bad = true;
	else
		memcpy(network.address, address.start, NETWORK_BYTES);
	return network;
}

static void
unpack_endpoint(struct unpack *from, enum endpoint_rule rule, struct arena *arena,
	struct endpoint *endpoint_out)
{
	struct span text = unpack_span(from, VALUE_TEXT_MAX_BYTES);

	if (from->bad || !endpoint_parse(text, rule, 0, arena, endpoint_out, NULL))
		from->bad = true;
}

static void
unpack_list(const struct schema_row *row, struct unpack *from, struct arena *arena,
	struct schema_list *list_out)
{
	size_t count = unpack_count(from, VALUE_LIST_MAX);
	size_t size = value_element_size(row->kind);
	char *items = arena_alloc(arena, (count ? count : 1) * size);

	for (size_t i = 0; i < count && !from->bad; i++) {
		void *element = items + i * size;

		if (row->kind == SCHEMA_TEXTS)
			*(const char **)element = unpack_text(from, VALUE_TEXT_MAX_BYTES, arena);
		else if (row->kind == SCHEMA_DURATIONS)
			*(uint64_t *)element = unpack_u64(from);
		else if (row->kind == SCHEMA_NETWORKS)
			*(struct network *)element = unpack_network(from);
		else
			unpack_endpoint(from, ENDPOINT_LISTEN, arena, element);
	}
	*list_out = (struct schema_list){ items, count };
}

bool
value_unpack(const struct schema_row *row, void *item, struct unpack *from, struct arena *arena)
{
	void *to = (char *)item + row->offset;
	uint32_t word;
	struct span text;

	switch (row->kind) {
	case SCHEMA_TEXT:
		*(const char **)to = unpack_text(from, VALUE_TEXT_MAX_BYTES, arena);
		break;
	case SCHEMA_NUMBER:
	case SCHEMA_DURATION:
	case SCHEMA_SIZE:
		*(uint64_t *)to = unpack_u64(from);
		from->bad |= *(uint64_t *)to < row->least || *(uint64_t *)to > row->most;
		break;
	case SCHEMA_YES_NO:
		*(bool *)to = unpack_bool(from);
		break;
	case SCHEMA_CHOICE:
	case SCHEMA_FLAGS:
		word = unpack_u32(from);
		from->bad |= row->kind == SCHEMA_CHOICE ? !is_choice(row, word)
							: (word & ~all_flags(row)) != 0;
		*(uint32_t *)to = word;
		break;
	case SCHEMA_TEXTS:
	case SCHEMA_DURATIONS:
	case SCHEMA_NETWORKS:
	case SCHEMA_ENDPOINTS:
		unpack_list(row, from, arena, to);
		break;
	case SCHEMA_ENDPOINT:
		unpack_endpoint(from, ENDPOINT_CONNECT, arena, to);
		break;
	case SCHEMA_TARGET:
		text = unpack_span(from, VALUE_TEXT_MAX_BYTES);
		from->bad |= from->bad || !target_parse(text, arena, to, NULL);
		break;
	case SCHEMA_KIND_COUNT:
		from->bad = true;
		break;
	}
	return !from->bad;
}

void
value_store_zero(const struct schema_row *row, void *item)
{
	static const struct endpoint nowhere = { .text = "", .host = "", .path = "" };
	void *to = (char *)item + row->offset;

	/* Everything else is zero as the arena gives it. */
	if (row->kind == SCHEMA_TEXT)
		*(const char **)to = "";
	else if (row->kind == SCHEMA_ENDPOINT)
		*(struct endpoint *)to = nowhere;
	else if (row->kind == SCHEMA_TARGET)
		*(struct route_target *)to =
			(struct route_target){ .endpoint = nowhere, .text = "" };
}
