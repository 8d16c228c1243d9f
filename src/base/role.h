/* SPDX-License-Identifier: BSD-2-Clause */
/* The processes of a running Sallyport. doc/architecture.md says what each may do. */
#ifndef BASE_ROLE_H
#define BASE_ROLE_H

#include <stdbool.h>

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
	ROLE_COUNT,
	ROLE_CTL = ROLE_COUNT, /* the administrator's tool: no process of the daemon */
	ROLE_MILTER,           /* the filter for other mail servers: none of the daemon either */
	ROLE_END,
};

#define ROLE_BIT(role) (1u << (role))

const char *role_name(enum role role);                     /* "smtp", … ; "sallyport-NAME" is its program */
bool role_find(struct span name, enum role *role_out);

#endif
