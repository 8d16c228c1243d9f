/* SPDX-License-Identifier: BSD-2-Clause */
/* How a header became another one. */
#include "filter/edits.h"

#include "policy/originators.h"

/* Line ends are LF to a filter; the server puts a blank in front where it keeps none of ours. */
static const char *
written(struct span value, bool leading_space, struct arena *arena)
{
	char *text;
	size_t length = 0;

	if (!leading_space && span_starts(value, " "))
		value = span_from(value, 1);
	text = arena_alloc(arena, value.length + 1);
	for (size_t i = 0; i < value.length; i++)
		if (value.start[i] != '\r')
			text[length++] = value.start[i];
	text[length] = '\0';
	return text;
}

/* All fields of one name. */
static size_t
edit_name(const char *name, const struct header *before, const struct header *after,
	bool leading_space, struct arena *arena, struct edit *to)
{
	size_t had = header_count(before, name);
	size_t has = 0;
	size_t count = 0;
	size_t old = header_next(before, name, 0);

	for (size_t at = header_next(after, name, 0); at < after->count;
		at = header_next(after, name, at + 1)) {
		struct span value = after->fields[at].value;
		bool is_new = old == before->count;

		has++;
		if (is_new || !span_equal(before->fields[old].value, value))
			to[count++] = (struct edit){ name, is_new ? 0 : has,
				written(value, leading_space, arena) };
		if (!is_new)
			old = header_next(before, name, old + 1);
	}
	for (size_t i = had; i > has; i--)
		to[count++] = (struct edit){ name, i, NULL };
	return count;
}

struct edits
edits_between(const struct header *before, const struct header *after, bool leading_space,
	struct arena *arena)
{
	struct edit *items = arena_alloc(arena, (before->count + after->count) * sizeof *items);
	struct edits edits = { .items = items };

	for (size_t i = 0; i < ORIGINATORS_CHANGED; i++)
		edits.count += edit_name(originators_names[i], before, after, leading_space, arena,
			items + edits.count);
	return edits;
}
