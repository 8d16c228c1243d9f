/* SPDX-License-Identifier: BSD-2-Clause */
/* The next hop of a route as written. */
#include "config/target.h"

static const struct {
	const char *word;
	enum route_scheme scheme;
	uint16_t port;
} schemes[] = {
	{ "smtp:", ROUTE_SMTP, 25 },
	{ "smtps:", ROUTE_SMTPS, 465 },
	{ "lmtp:", ROUTE_LMTP, 24 },
};

bool
target_parse(struct span text, struct arena *arena, struct route_target *target_out,
	struct fault *fault)
{
	for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
		struct route_target target = { .scheme = schemes[i].scheme };
		if (!span_starts(text, schemes[i].word))
			continue;
		struct span rest = span_from(text, span_text(schemes[i].word).length);
		if (!endpoint_parse(rest, ENDPOINT_CONNECT, schemes[i].port, arena, &target.endpoint,
			    fault))
			return false;
		target.text = arena_strndup(arena, text.start, text.length);
		*target_out = target;
		return true;
	}
	return fault_set(fault, FAULT_CONFIG,
		"is not a next hop: smtp:HOST:PORT, smtps:HOST:PORT, lmtp:HOST:PORT, lmtp:unix:PATH");
}
