/* SPDX-License-Identifier: BSD-2-Clause */
/* The account that a listener's clients count as by their network, taken at the first MAIL. */
#ifndef SMTP_NETWORK_LOGIN_H
#define SMTP_NETWORK_LOGIN_H

#include "smtp/smtp.h"

/* Does the listener name an account, and has the client none of its own? */
bool network_login_is_due(const struct smtp *smtp);
/*
 * Asks auth, which knows from its own settings whom this listener's clients count as. The line, a
 * MAIL, is run when that is known, or answered: 454 if nobody can say or a limit is met, 550 if the
 * account may not be used.
 */
void network_login_start(struct smtp *smtp, struct span line);
bool network_login_is_waiting(const struct smtp *smtp);
void network_login_on_end(struct smtp *smtp, enum login_end end, const char *text);
void network_login_fini(struct smtp *smtp);

#endif
