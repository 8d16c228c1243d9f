/* SPDX-License-Identifier: BSD-2-Clause */
/* Who may send as whom: a pure decision over identity, listener, client, envelope and header. */
#ifndef POLICY_RIGHTS_H
#define POLICY_RIGHTS_H

#include "policy/mail.h"
#include "policy/verdict.h"

/*
 * The same functions run in smtp, in queue (envelope), and in auth (explain). They read nothing but
 * their arguments. Texts and codes are those of RFC 6409 6.1–6.3: 530 5.7.0 where a login is
 * missing, 550 5.7.1 where it does not help.
 */

/* The rights of a session: every matching permit, less every matching deny. */
uint32_t rights_of(const struct mail_session *session);
/* MAIL FROM. sender is "" for the null sender, which passes here and is judged by its From. */
struct verdict rights_check_sender(const struct mail_session *session, const char *sender);
struct verdict rights_check_recipient(const struct mail_session *session, const char *recipient);
/*
 * Every mailbox of From, Sender, Resent-From and Resent-Sender. header is a whole header block.
 * sender is MAIL FROM. What cannot be parsed with certainty is refused, and the text says what.
 */
struct verdict rights_check_header(const struct mail_session *session, const char *sender,
	struct span header, bool smtputf8);

extern const struct stage_type rights_stage_type;

#endif
