/* SPDX-License-Identifier: BSD-2-Clause */
/* sallyport-milter's settings in force, and a source of identities that answers from a list. */
#ifndef UNIT_FILTER_FIXTURE_H
#define UNIT_FILTER_FIXTURE_H

#include "config_file.h"

#include "filter/snapshot.h"

struct identities {
	struct identities_settings settings;
};

/* Sources open now, and what the last question was. */
static size_t fixture_open;
static size_t fixture_questions;
static char fixture_login[256];
static char fixture_candidates[4096];

struct identities *
identities_new(const struct identities_settings *settings, struct fault *fault_out)
{
	struct identities *identities;

	if (strcmp(settings->directory, "/broken") == 0) {
		fault_set(fault_out, FAULT_MISSING, "the source is broken");
		return NULL;
	}
	identities = mem_alloc(sizeof *identities);
	identities->settings = *settings;
	fixture_open++;
	return identities;
}

void
identities_free(struct identities **identities)
{
	if (*identities)
		fixture_open--;
	mem_free(identities);
}

static void
note_question(const char *login, const struct settings_texts *candidates)
{
	size_t used = 0;

	fixture_questions++;
	snprintf(fixture_login, sizeof fixture_login, "%s", login);
	fixture_candidates[0] = '\0';
	for (size_t i = 0; i < candidates->count && used < sizeof fixture_candidates; i++)
		used += (size_t)snprintf(fixture_candidates + used,
			sizeof fixture_candidates - used, "%s%s", i ? " " : "",
			candidates->items[i]);
}

/* LOGIN@example.org is everybody's, and as a map tells: only if it was asked. */
static struct settings_texts
own_address(const struct identities *identities, const char *login,
	const struct settings_texts *candidates, struct arena *arena)
{
	const char **items = arena_alloc(arena, sizeof *items);
	size_t count = identities->settings.maps.count == 0;

	items[0] = arena_printf(arena, "%s@example.org", login);
	for (size_t i = 0; i < candidates->count; i++)
		if (strcmp(candidates->items[i], items[0]) == 0)
			count = 1;
	return (struct settings_texts){ items, count };
}

enum identities_found
identities_find(struct identities *identities, const char *login,
	const struct settings_texts *candidates, struct arena *arena,
	struct identity *identity_out, struct fault *fault_out)
{
	note_question(login, candidates);
	if (strcmp(login, "nobody") == 0)
		return IDENTITIES_UNKNOWN;
	if (strcmp(login, "away") == 0) {
		fault_set(fault_out, FAULT_BUSY, "the source is away");
		return IDENTITIES_UNSURE;
	}
	*identity_out = (struct identity){
		.login = arena_strdup(arena, login),
		.mechanism = "",
		.credential = "",
		.limits = "",
		.addresses = own_address(identities, login, candidates, arena),
	};
	return IDENTITIES_FOUND;
}

static inline void
fixture_load(const char *text)
{
	struct fault fault = FAULT_INIT;

	config_file_write("filter.conf", text);
	if (!snapshot_load("filter.conf", &fault))
		fail_msg("%s", fault.text);
}

#endif
