/* SPDX-License-Identifier: BSD-2-Clause */
/* What a role is told: a walk of the schema table that writes, and its mirror that reads. */
#include "config/slice.h"

#include "base/digest.h"
#include "config/value.h"

enum { SLICE_ITEMS_MAX = 100000, SLICE_TITLE_MAX_BYTES = 8192 };

/* Two builds whose tables differ must not read each other's slices. */
static bool
add_to_digest(const struct schema_path *path, const struct schema_row *row, void *context)
{
	struct digest *digest = context;
	unsigned char kind = (unsigned char)row->kind;

	(void)path;
	digest_add(digest, span_text(row->name));
	digest_add(digest, span_of(&kind, 1));
	digest_add(digest, span_of(&row->roles, sizeof row->roles));
	return true;
}

static void
table_digest(unsigned char digest_out[DIGEST_BYTES])
{
	struct digest digest;

	digest_init(&digest);
	schema_walk(add_to_digest, &digest);
	digest_final(&digest, digest_out);
}

static void
pack_section(const struct schema_section *section, const void *item, enum role role,
	struct buf *to)
{
	for (size_t i = 0; i < section->row_count; i++) {
		if (section->rows[i].roles & ROLE_BIT(role))
			value_pack(&section->rows[i], item, to);
	}
	for (size_t i = 0; i < section->section_count; i++) {
		const struct schema_section *inner = section->sections[i];
		const void *at = (const char *)item + inner->offset;
		const struct schema_list *list = at;

		if (!schema_section_has_role(inner, role))
			continue;
		if (!inner->titled) {
			pack_section(inner, at, role, to);
			continue;
		}
		pack_count(to, list->count);
		for (size_t n = 0; n < list->count; n++) {
			const char *each = (const char *)list->items + n * inner->size;
			const struct schema_item *head = (const void *)each;
			pack_text(to, head->title);
			pack_text(to, head->where);
			pack_section(inner, each, role, to);
		}
	}
}

bool
settings_pack(const struct settings *settings, enum role role, struct buf *out)
{
	unsigned char digest[DIGEST_BYTES];

	table_digest(digest);
	buf_add(out, digest, sizeof digest);
	pack_u8(out, (uint8_t)role);
	pack_text(out, settings->file);
	pack_section(&schema_root, settings, role, out);
	return !out->overflow;
}

static bool unpack_section(const struct schema_section *section, void *item, enum role role,
	struct unpack *from, struct arena *arena);

static bool
unpack_items(const struct schema_section *section, struct schema_list *list, enum role role,
	struct unpack *from, struct arena *arena)
{
	size_t count = unpack_count(from, SLICE_ITEMS_MAX);
	char *items = arena_alloc(arena, (count ? count : 1) * section->size);

	for (size_t n = 0; n < count; n++) {
		char *each = items + n * section->size;
		struct schema_item *head = (void *)each;
		head->title = unpack_text(from, SLICE_TITLE_MAX_BYTES, arena);
		head->where = unpack_text(from, SLICE_TITLE_MAX_BYTES, arena);
		if (!unpack_section(section, each, role, from, arena))
			return false;
		if (section->on_title && !section->on_title(each, arena, NULL))
			return false;
	}
	*list = (struct schema_list){ items, count };
	return true;
}

static bool
unpack_section(const struct schema_section *section, void *item, enum role role,
	struct unpack *from, struct arena *arena)
{
	for (size_t i = 0; i < section->row_count; i++) {
		const struct schema_row *row = &section->rows[i];

		if (!(row->roles & ROLE_BIT(role)))
			value_store_zero(row, item);
		else if (!value_unpack(row, item, from, arena))
			return false;
	}
	for (size_t i = 0; i < section->section_count; i++) {
		const struct schema_section *inner = section->sections[i];
		void *at = (char *)item + inner->offset;

		if (inner->titled && !schema_section_has_role(inner, role))
			continue;
		if (!(inner->titled ? unpack_items(inner, at, role, from, arena)
				    : unpack_section(inner, at, role, from, arena)))
			return false;
	}
	return !from->bad;
}

struct settings *
settings_unpack(struct span slice, struct fault *fault)
{
	unsigned char digest[DIGEST_BYTES];
	struct arena *arena;
	struct settings *settings;

	table_digest(digest);
	if (slice.length < DIGEST_BYTES ||
		!span_equal(span_first(slice, DIGEST_BYTES), span_of(digest, DIGEST_BYTES))) {
		fault_set(fault, FAULT_PEER, "the settings come from another version of this program");
		return NULL;
	}
	struct unpack from = unpack_start(span_from(slice, DIGEST_BYTES));
	enum role role = unpack_u8_max(&from, ROLE_CTL);
	arena = arena_new(slice.length * 2);
	settings = arena_alloc(arena, sizeof *settings);
	settings->arena = arena;
	settings->file = unpack_text(&from, SLICE_TITLE_MAX_BYTES, arena);
	if (!unpack_section(&schema_root, settings, role, &from, arena) || !unpack_done(&from)) {
		fault_set(fault, FAULT_PEER, "the settings are not a whole slice");
		settings_free(&settings);
	}
	return settings;
}
