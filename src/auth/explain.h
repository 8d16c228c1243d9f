/* SPDX-License-Identifier: BSD-2-Clause */
/* What would be decided of a message, and by which line of the configuration. */
#ifndef AUTH_EXPLAIN_H
#define AUTH_EXPLAIN_H

#include <jansson.h>

#include "auth/account.h"
#include "base/fault.h"

/*
 * {listener, mail_from, login?, ip?, from?, rcpt?} as args; mail_from "" or "<>" is the null
 * sender, from the value of a From field. account: of login, or NULL without one. The answer is
 * {verdict, code, enhanced, text, where, rights, limits}: what the rights say of the first event
 * that is not passed, in the order MAIL, RCPT, header; verdict "continue" if all are. NULL with a
 * fault for arguments that make no sense.
 */
json_t *explain(const struct settings *settings, json_t *args, const struct account *account,
	int64_t now_ms, struct fault *fault_out);

#endif
