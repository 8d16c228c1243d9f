/* SPDX-License-Identifier: BSD-2-Clause */
/* Who a login is, and which addresses are its own. */
#include "filter/identities.h"

#include <assert.h>

#include "base/clock.h"
#include "filter/lookup_pool.h"
#include "filter/maps.h"

struct identities {
	uint64_t wait_ms;
	struct lookup_pool *pool; /* one of these two */
	struct maps *maps;
};

struct identities *
identities_new(const struct identities_settings *settings, struct fault *fault_out)
{
	struct identities *identities = mem_alloc(sizeof *identities);

	assert(settings->wait_ms > 0 && settings->wait_ms <= MAP_WAIT_MAX_MS);
	identities->wait_ms = settings->wait_ms;
	if (settings->directory[0])
		identities->pool = lookup_pool_new(settings->directory);
	else if (settings->maps.count == 0)
		fault_set(fault_out, FAULT_CONFIG, "neither a look-up socket nor a table is named");
	else
		identities->maps = maps_new(&settings->maps, &settings->local_domains,
			settings->delimiters, fault_out);
	if (!identities->pool && !identities->maps)
		identities_free(&identities);
	return identities;
}

void
identities_free(struct identities **identities)
{
	if (!*identities)
		return;
	lookup_pool_free(&(*identities)->pool);
	maps_free(&(*identities)->maps);
	mem_free(identities);
}

/* ---- the directory ---------------------------------------------------------------------------- */

static enum identities_found
take_answer(const struct lookup_answer *answer, struct arena *arena, struct identity *identity_out,
	struct fault *fault)
{
	switch (answer->result) {
	case LOOKUP_FOUND:
		if (identity_unpack(answer->identity, arena, identity_out))
			return IDENTITIES_FOUND;
		fault_set(fault, FAULT_PEER, "what the directory says is no identity");
		break;
	case LOOKUP_UNKNOWN:
		return IDENTITIES_UNKNOWN;
	case LOOKUP_UNSURE:
		fault_set(fault, FAULT_BUSY, "%.*s", SPAN_PRINT(answer->reason));
		break;
	case LOOKUP_RESULT_COUNT:
		break;
	}
	return IDENTITIES_UNSURE;
}

static enum identities_found
ask_directory(struct identities *identities, const char *login, struct arena *arena,
	struct identity *identity_out, struct fault *fault)
{
	enum identities_found found = IDENTITIES_UNSURE;
	struct buf content = BUF_INIT(0);
	struct lookup_answer answer;

	/* No account has such a name. */
	if (login[0] == '\0' || span_text(login).length > LOOKUP_LOGIN_MAX_BYTES)
		return IDENTITIES_UNKNOWN;
	if (lookup_pool_ask(identities->pool, span_text(login), identities->wait_ms, &content, &answer,
		    fault))
		found = take_answer(&answer, arena, identity_out, fault);
	buf_fini(&content);
	return found;
}

/* ---- maps ------------------------------------------------------------------------------------- */

/* False with a fault if it cannot be told. */
static bool
owns(struct identities *identities, const char *login, const char *address, uint64_t deadline_ms,
	bool *owns_out, struct fault *fault)
{
	struct buf logins = BUF_INIT(MAP_VALUE_MAX_BYTES);
	enum map_result result =
		maps_find(identities->maps, address, deadline_ms, &logins, fault);

	*owns_out = result == MAP_FOUND && maps_has_login(buf_span(&logins), login);
	buf_fini(&logins);
	return result != MAP_FAILED;
}

static enum identities_found
ask_maps(struct identities *identities, const char *login, const struct settings_texts *candidates,
	struct arena *arena, struct identity *identity_out, struct fault *fault)
{
	uint64_t deadline_ms = clock_steady_ms() + identities->wait_ms;
	const char **own = arena_alloc(arena, candidates->count * sizeof *own);
	size_t count = 0;

	for (size_t i = 0; i < candidates->count; i++) {
		bool is_own;

		if (!owns(identities, login, candidates->items[i], deadline_ms, &is_own, fault))
			return IDENTITIES_UNSURE;
		if (is_own)
			own[count++] = arena_strdup(arena, candidates->items[i]);
	}
	*identity_out = (struct identity){ .login = arena_strdup(arena, login),
		.mechanism = "",
		.credential = "",
		.addresses = { own, count },
		.limits = "",
		.protocols = IDENTITY_SMTP };
	return IDENTITIES_FOUND;
}

enum identities_found
identities_find(struct identities *identities, const char *login,
	const struct settings_texts *candidates, struct arena *arena, struct identity *identity_out,
	struct fault *fault_out)
{
	struct fault fault = FAULT_INIT;
	enum identities_found found = identities->pool
		? ask_directory(identities, login, arena, identity_out, &fault)
		: ask_maps(identities, login, candidates, arena, identity_out, &fault);

	if (found == IDENTITIES_UNSURE && fault_out)
		*fault_out = fault;
	return found;
}
