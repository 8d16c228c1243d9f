/* SPDX-License-Identifier: BSD-2-Clause */
/* The processes of a running Sallyport. */
#include "base/role.h"

static const char *const names[] = {
	[ROLE_SUPER] = "super",
	[ROLE_SMTP] = "smtp",
	[ROLE_MAILBOX] = "mailbox",
	[ROLE_AUTH] = "auth",
	[ROLE_KEYS] = "keys",
	[ROLE_DIAL] = "dial",
	[ROLE_QUEUE] = "queue",
	[ROLE_RELAY] = "relay",
	[ROLE_CTL] = "ctl",
	[ROLE_MILTER] = "milter",
};

const char *
role_name(enum role role)
{
	return names[role];
}

bool
role_find(struct span name, enum role *role_out)
{
	for (enum role role = ROLE_SUPER; role <= ROLE_CTL; role++) {
		if (span_is(name, names[role])) {
			*role_out = role;
			return true;
		}
	}
	return false;
}
