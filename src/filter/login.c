/* SPDX-License-Identifier: BSD-2-Clause */
/* The login name as the source of identities is asked. */
#include "filter/login.h"

#include <string.h>

/* The length of the name before "@REALM"; the whole if that is not its end. */
static size_t
length_without(struct span name, struct span realm)
{
	size_t local;

	if (name.length < realm.length + 2)
		return name.length;
	local = name.length - realm.length - 1;
	return name.start[local] == '@' && span_equal_nocase(span_from(name, local + 1), realm)
		? local
		: name.length;
}

const char *
login_of(const char *given, const struct settings *settings, struct arena *arena)
{
	const char *realm = settings_realm(settings);

	switch (settings->filter.login_realm) {
	case FILTER_REALM_STRIP:
		return arena_strndup(arena, given,
			length_without(span_text(given), span_text(realm)));
	case FILTER_REALM_ADD:
		if (!strchr(given, '@'))
			return arena_printf(arena, "%s@%s", given, realm);
		break;
	case FILTER_REALM_KEEP:
		break;
	}
	return given;
}
