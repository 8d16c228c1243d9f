/* SPDX-License-Identifier: BSD-2-Clause */
/* Which route a recipient takes: a pure look-up in the settings. */
#include "config/routes.h"

/* A domain has no "@", so the last one ends the local part, quoted or not. */
static struct span
domain_of(const struct settings *settings, struct span path)
{
	for (size_t at = path.length; at > 0; at--) {
		if (path.start[at - 1] == '@')
			return span_from(path, at);
	}
	return span_text(settings->hostname);
}

/* How well a title fits: 0 not at all, 1 "*", more for a longer suffix, most for the whole name. */
static size_t
fit(struct span title, struct span domain)
{
	if (span_is(title, "*"))
		return 1;
	if (!span_starts(title, "."))
		return span_equal_nocase(title, domain) ? SIZE_MAX : 0;
	/* ".example.org" is every domain below, not example.org itself */
	if (domain.length > title.length &&
		span_equal_nocase(title, span_from(domain, domain.length - title.length)))
		return 1 + title.length;
	return 0;
}

const struct settings_route *
routes_find(const struct settings *settings, struct span path)
{
	struct span domain = domain_of(settings, path);
	const struct settings_route *best = NULL;
	size_t best_fit = 0;
	for (size_t i = 0; i < settings->route.count; i++) {
		const struct settings_route *route = &settings->route.items[i];
		size_t route_fit = fit(span_text(route->title), domain);
		if (route_fit > best_fit) {
			best = route;
			best_fit = route_fit;
		}
	}
	return best;
}
