/* SPDX-License-Identifier: BSD-2-Clause */
/* What would be decided of a message, and by which line of the configuration. */
#ifndef AUTH_EXPLAIN_H
#define AUTH_EXPLAIN_H

#include <jansson.h>

#include "auth/account.h"
#include "base/fault.h"

/* The account that counts where the question names none: of the listener, or "". */
const char *explain_identity(const struct settings *settings, json_t *args);
/*
 * {listener, mail_from, login?, ip?, certificate?, rcpt?, smtputf8?, and from?, sender? or
 * header?} as args; mail_from "" or "<>" is the null sender; from and sender are values of these
 * fields; header is a whole header block in base64, as the client would send it. account: of
 * login, or NULL without one. The answer is {verdict, code, enhanced, text, where, rights, limits,
 * filters, becomes, steps}: what the rights say of MAIL, RCPT and the header, in this order up to
 * the first refusal, and of them what decides (rights_weigh()). verdict is a word of
 * verdict_word(); becomes holds the values that were put in: mail_from, from, sender, reply_to;
 * filters are those of the listener's policy, [{name, asked, missed, where, smallest, largest}],
 * as milter_condition_missed() tells. NULL with a fault for arguments that make no sense.
 */
json_t *explain(const struct settings *settings, json_t *args, const struct account *account,
	int64_t now_ms, struct fault *fault_out);

#endif
