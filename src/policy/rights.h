/* SPDX-License-Identifier: BSD-2-Clause */
/* Who may submit what to whom: a pure decision over identity, listener, client and envelope. */
#ifndef POLICY_RIGHTS_H
#define POLICY_RIGHTS_H

#include "policy/mail.h"
#include "policy/verdict.h"

/*
 * The same functions run in smtp, in queue (envelope), and in auth (explain). They read nothing but
 * their arguments. Texts and codes are those of RFC 6409 6.1–6.3: 530 5.7.0 where a login is
 * missing, 550 5.7.1 where it does not help.
 */

#define RIGHTS_NOT_AS_SENDER "Client does not have permission to send as this sender"

/* The rights of a session: every matching permit, less every matching deny. */
uint32_t rights_of(const struct mail_session *session);
/* The first permit that matches the session and is wanted, the listener's before the global; or NULL. */
const struct settings_permit *rights_find_permit(const struct mail_session *session,
	bool (*is_wanted)(const struct settings_permit *permit));
/* MAIL FROM. sender is "" for the null sender, which passes here and is judged by its From. */
struct verdict rights_check_sender(const struct mail_session *session, const char *sender);
struct verdict rights_check_recipient(const struct mail_session *session, const char *recipient);
/* The refusal, or where a permit of the session says so the hold, of a sender that is not its own. */
struct verdict rights_refuse_sender(const struct mail_session *session, const char *where);
/*
 * The address that takes the place of a wrong sender, in MAIL FROM and From, where a permit of the
 * session says wrong-sender = rewrite; "" where none does.
 */
const char *rights_rewrite_sender(const struct mail_session *session);
/*
 * Is this a submission (a login, or a client trusted to relay or held to named senders), whose
 * header is checked and tidied, and not a stranger's mail passing by?
 */
bool rights_is_submission(const struct mail_session *session);

#endif
