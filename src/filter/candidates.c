/* SPDX-License-Identifier: BSD-2-Clause */
/* The addresses of a message whose owners have to be known. */
#include "filter/candidates.h"

#include "policy/originators.h"
#include "wire/mailboxes.h"

struct candidates {
	const struct settings *settings;
	struct arena *arena;
	const char **items;
	size_t count;
};

static void
add_text(struct candidates *candidates, const struct address *address)
{
	char text[ADDRESS_TEXT_SIZE];

	address_format(address, text);
	for (size_t i = 0; i < candidates->count; i++)
		if (span_is(span_text(text), candidates->items[i]))
			return;
	if (text[0] && candidates->count < CANDIDATES_MAX)
		candidates->items[candidates->count++] = arena_strdup(candidates->arena, text);
}

static void
add_address(struct candidates *candidates, const struct address *address)
{
	char separator = settings_plus_address(candidates->settings, address_domain(address));
	struct address base;

	add_text(candidates, address);
	if (separator && address_without_tag(address, separator, &base))
		add_text(candidates, &base);
}

static void
add_written(struct candidates *candidates, struct span text)
{
	struct address address;

	if (address_parse(text, ADDRESS_UTF8, &address) == ADDRESS_OK)
		add_address(candidates, &address);
}

static void
add_fields(struct candidates *candidates, const struct header *header, const char *name)
{
	for (size_t at = header_next(header, name, 0);
		at < header->count && candidates->count < CANDIDATES_MAX;
		at = header_next(header, name, at + 1)) {
		struct mailboxes list;

		if (!mailboxes_parse(header->fields[at].value, MAILBOXES_UTF8, candidates->arena,
			    &list, NULL))
			continue;
		for (size_t i = 0; i < list.count; i++) {
			add_address(candidates, &list.list[i].address);
			if (list.list[i].poses)
				add_written(candidates, span_trim(list.list[i].display));
		}
	}
}

struct settings_texts
candidates_of(const struct settings *settings, const char *sender, const struct header *header,
	struct arena *arena)
{
	struct candidates candidates = {
		.settings = settings,
		.arena = arena,
		.items = arena_alloc(arena, CANDIDATES_MAX * sizeof(const char *)),
	};

	add_written(&candidates, span_text(sender));
	for (size_t i = 0; header && i < ORIGINATORS_JUDGED; i++)
		add_fields(&candidates, header, originators_names[i]);
	return (struct settings_texts){ candidates.items, candidates.count };
}
