/* SPDX-License-Identifier: BSD-2-Clause */
/* AUTH (RFC 4954): the words and codes around an exchange, and the identity that comes of it. */
#ifndef SMTP_AUTHENTICATION_H
#define SMTP_AUTHENTICATION_H

#include "smtp/smtp.h"

void authentication_start(struct smtp *smtp, const struct smtp_auth *auth);
/* Parts of smtp_protocol. */
void authentication_on_challenge(struct span base64, void *context);
void authentication_on_login(enum login_end end, const char *text, void *context);
bool authentication_on_identity(struct span packed, struct session_identity *who_out,
	void *context);
/* Between transactions: what auth last said holds from now on. */
void authentication_renew(struct smtp *smtp);
void authentication_fini(struct smtp *smtp);

#endif
