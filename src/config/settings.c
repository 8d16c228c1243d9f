/* SPDX-License-Identifier: BSD-2-Clause */
/* Looking things up in frozen settings. */
#include "config/settings.h"

#include <string.h>

void
settings_free(struct settings **settings)
{
	struct settings *old = *settings;

	*settings = NULL;
	if (!old || old->holds-- > 0)
		return;
	struct arena *arena = old->arena;
	arena_free(&arena);
}

struct settings *
settings_hold(const struct settings *settings)
{
	struct settings *held = (struct settings *)(uintptr_t)settings;

	held->holds++;
	return held;
}

#define FIND_BY_TITLE(list, wanted)                                                                \
	do {                                                                                        \
		for (size_t i = 0; i < (list).count; i++) {                                         \
			if (strcmp((list).items[i].title, (wanted)) == 0)                           \
				return &(list).items[i];                                            \
		}                                                                                   \
		return NULL;                                                                        \
	} while (0)

const struct settings_tls *
settings_find_tls(const struct settings *settings, const char *title)
{
	FIND_BY_TITLE(settings->tls, title);
}

const struct settings_listener *
settings_find_listener(const struct settings *settings, const char *title)
{
	FIND_BY_TITLE(settings->listener, title);
}

const struct settings_limits *
settings_find_limits(const struct settings *settings, const char *title)
{
	FIND_BY_TITLE(settings->limits, title);
}

const struct settings_milter *
settings_find_milter(const struct settings *settings, const char *title)
{
	FIND_BY_TITLE(settings->milter, title);
}

const struct settings_policy *
settings_find_policy(const struct settings *settings, const struct settings_listener *listener)
{
	FIND_BY_TITLE(settings->policy, listener->policy);
}

bool
settings_is_authoritative(const struct settings *settings, struct span domain)
{
	for (size_t i = 0; i < settings->authoritative_domains.count; i++) {
		if (span_is_nocase(domain, settings->authoritative_domains.items[i]))
			return true;
	}
	return false;
}

const struct settings_domain *
settings_find_domain(const struct settings *settings, struct span domain)
{
	for (size_t i = 0; i < settings->domain.count; i++) {
		if (span_is_nocase(domain, settings->domain.items[i].title))
			return &settings->domain.items[i];
	}
	return NULL;
}

enum domain_recipients
settings_recipients(const struct settings *settings, struct span domain)
{
	const struct settings_domain *found = settings_find_domain(settings, domain);

	if (!settings_is_authoritative(settings, domain))
		return RECIPIENTS_ANY;
	return found ? found->recipients : RECIPIENTS_CALL_AHEAD;
}

char
settings_plus_address(const struct settings *settings, struct span domain)
{
	const struct settings_domain *found = settings_find_domain(settings, domain);

	return found ? found->plus_address[0] : 0;
}

const char *
settings_realm(const struct settings *settings)
{
	return settings->sasl.realm[0] ? settings->sasl.realm : settings->hostname;
}
