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

/* The rights of a session: every matching permit, less every matching deny. */
uint32_t rights_of(const struct mail_session *session);
/* The first permit that matches the session and is wanted, the listener's before the global; or NULL. */
const struct settings_permit *rights_find_permit(const struct mail_session *session,
	bool (*is_wanted)(const struct settings_permit *permit));
/*
 * MAIL FROM; "" is the null sender, which passes here and is judged by its From. Who may submit at
 * all is asked first. Neither rewritten nor on behalf: what queue judges stands as it will be sent.
 */
struct verdict rights_check_sender(const struct mail_session *session, const char *sender);
/*
 * The same, with the remedies of wrong-sender: *sender_out is sender, or what takes its place, which
 * lives as session and settings do. on-behalf: the primary address stands for an address that is
 * granted on behalf.
 */
struct verdict rights_judge_sender(const struct mail_session *session, const char *sender,
	const char **sender_out);
/*
 * RFC 6531 3.5: a sender that came without SMTPUTF8 and has need of it is refused, as the grammar of
 * MAIL refuses it; for whoever has not read it there.
 */
struct verdict rights_check_smtputf8(const char *sender, bool smtputf8);
struct verdict rights_check_recipient(const struct mail_session *session, const char *recipient);
/*
 * Of what was said of MAIL FROM and of the header, the one that decides: a refusal before a hold,
 * that before a change, that before a pass; the header's if they weigh the same.
 */
struct verdict rights_weigh(const struct verdict *envelope, const struct verdict *header);
/*
 * Is this a submission (a login, or a client trusted to relay or held to named senders), whose
 * header is checked and tidied, and not a stranger's mail passing by?
 */
bool rights_is_submission(const struct mail_session *session);

#endif
