/* SPDX-License-Identifier: BSD-2-Clause */
/* Who a permit or deny section is for. */
#include "config/principal.h"

#include "wire/utf8.h"

static const struct {
	const char *word;
	enum principal_kind kind;
} words[] = {
	{ "anonymous", PRINCIPAL_ANONYMOUS },
	{ "authenticated", PRINCIPAL_AUTHENTICATED },
	{ "login:", PRINCIPAL_LOGIN },
	{ "group:", PRINCIPAL_GROUP },
	{ "network:", PRINCIPAL_NETWORK },
	{ "certificate:", PRINCIPAL_CERTIFICATE },
};

bool
principal_on_title(void *item, struct arena *arena, struct fault *fault)
{
	struct settings_permit *permit = item;
	struct principal *principal = &permit->principal;
	struct span title = span_text(permit->title);

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		bool named = words[i].kind >= PRINCIPAL_LOGIN;
		if (named ? !span_starts(title, words[i].word) : !span_is(title, words[i].word))
			continue;
		struct span name = span_from(title, span_text(words[i].word).length);
		if (named && name.length == 0)
			break;
		/* Names are compared as they are; one that can never be met would deny nobody. */
		if (!utf8_is_nfc(name))
			return fault_set(fault, FAULT_CONFIG, "is not in Normalization Form C");
		principal->kind = words[i].kind;
		principal->text = permit->title;
		principal->name = arena_strndup(arena, name.start, name.length);
		if (principal->kind == PRINCIPAL_NETWORK)
			return network_parse(name, &principal->network, fault);
		return true;
	}
	return fault_set(fault, FAULT_CONFIG,
		"is not a principal: anonymous, authenticated, login:NAME, group:NAME, network:CIDR, "
		"certificate:NAME");
}
