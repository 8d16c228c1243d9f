/* SPDX-License-Identifier: BSD-2-Clause */
/* What scripts for rig_play() say again and again, and the listener they begin with. */
#ifndef SMTP_SCRIPT_H
#define SMTP_SCRIPT_H

#include "smtp_rig.h"

/* Logins in clear, so that a script begins with the greeting and nothing is in the way. */
#define CLEAR "login = plain insecure-networks = { \"192.0.2.0/24\" } insecure-login = allow\n"
#define GREETING "S: 220 mail.example.org ESMTP\n"
#define MAIL "C: MAIL FROM:<alice@example.org>\nS: 250 2.1.0 Ok\n"
#define RCPT "C: RCPT TO:<u@example.net>\nS: 250 2.1.5 Ok\n"
#define DATA "C: DATA\nS: 354 End data with <CR><LF>.<CR><LF>\n"
#define NOOP "C: NOOP\nS: 250 2.0.0 Ok\n"

#endif
