/* SPDX-License-Identifier: BSD-2-Clause */
/* The roles: one executable each, and the bit that says which settings it may see. */
#ifndef CONFIG_ROLES_H
#define CONFIG_ROLES_H

#include "base/text.h"

enum role {
	ROLE_SUPER,
	ROLE_SMTP,
	ROLE_MAILBOX,
	ROLE_AUTH,
	ROLE_KEYS,
	ROLE_DIAL,
	ROLE_QUEUE,
	ROLE_RELAY,
	ROLE_CTL,
	ROLE_COUNT,
};

#define ROLE_BIT(role) (1u << (role))

/* "super", "smtp", …: the word in sallyport-ROLE, in the log and in the users section. */
const char *role_name(enum role role);
/* False if no role has that name. */
bool role_find(struct span name, enum role *role_out);

#endif
