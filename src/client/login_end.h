/* SPDX-License-Identifier: BSD-2-Clause */
/* How a login ended: what counts as a failure, and what the log is told. */
#ifndef CLIENT_LOGIN_END_H
#define CLIENT_LOGIN_END_H

#include "client/login.h"

/* Neither what the client broke off, nor what is our fault. */
bool login_end_is_failure(enum login_end end);
/* Failed logins count by address, over all connections and front ends. */
void login_end_count(const struct session *session);
/* name and text: as auth says them for the log; NULL allowed. */
void login_end_log(const struct session *session, const char *mechanism, enum login_end end,
	const char *name, const char *text);

#endif
