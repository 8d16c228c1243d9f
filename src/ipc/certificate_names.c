/* SPDX-License-Identifier: BSD-2-Clause */
/* The names of a client's certificate, as they go from role to role. */
#include "ipc/certificate_names.h"

#include <string.h>

#include "ipc/messages.h"

void
certificate_names_pack(struct buf *to, const struct certificate_names *names)
{
	pack_count(to, names->count);
	for (size_t i = 0; i < names->count; i++)
		pack_text(to, names->items[i]);
}

struct certificate_names
certificate_names_unpack(struct unpack *from, struct arena *arena)
{
	struct certificate_names names = { .count = unpack_count(from, CERTIFICATE_NAMES_MAX) };
	const char **items = arena_alloc(arena, names.count * sizeof *items);

	for (size_t i = 0; i < names.count; i++) {
		items[i] = unpack_text(from, MESSAGE_NAME_MAX_BYTES, arena);
		if (items[i][0] == '\0')
			from->bad = true;
	}
	names.items = items;
	return names;
}

bool
certificate_names_read(
	struct span packed, struct arena *arena, struct certificate_names *names_out)
{
	struct unpack from = unpack_start(packed);

	*names_out = (struct certificate_names){ NULL, 0 };
	if (packed.length > 0)
		*names_out = certificate_names_unpack(&from, arena);
	return unpack_done(&from);
}

struct certificate_names
certificate_names_copy(const struct certificate_names *names, struct arena *arena)
{
	const char **items = arena_alloc(arena, names->count * sizeof *items);

	for (size_t i = 0; i < names->count; i++)
		items[i] = arena_strdup(arena, names->items[i]);
	return (struct certificate_names){ .items = items, .count = names->count };
}

bool
certificate_names_equal(const struct certificate_names *a, const struct certificate_names *b)
{
	for (size_t i = 0; i < a->count && i < b->count; i++)
		if (strcmp(a->items[i], b->items[i]) != 0)
			return false;
	return a->count == b->count;
}
