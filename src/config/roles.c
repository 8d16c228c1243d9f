/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of the roles. */
#include "base/role.h"

static const char *const role_names[ROLE_COUNT] = {
	[ROLE_SUPER] = "super",
	[ROLE_SMTP] = "smtp",
	[ROLE_MAILBOX] = "mailbox",
	[ROLE_AUTH] = "auth",
	[ROLE_KEYS] = "keys",
	[ROLE_DIAL] = "dial",
	[ROLE_QUEUE] = "queue",
	[ROLE_RELAY] = "relay",
	[ROLE_CTL] = "ctl",
};

const char *
role_name(enum role role)
{
	return role < ROLE_COUNT ? role_names[role] : "unknown";
}

bool
role_find(struct span name, enum role *role_out)
{
	for (size_t i = 0; i < ROLE_COUNT; i++) {
		if (span_is(name, role_names[i])) {
			*role_out = (enum role)i;
			return true;
		}
	}
	return false;
}
