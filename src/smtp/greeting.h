/* SPDX-License-Identifier: BSD-2-Clause */
/* What the server says of itself: banner, answers to EHLO and HELO, help. */
#ifndef SMTP_GREETING_H
#define SMTP_GREETING_H

#include "smtp/smtp.h"

/* "220 hostname ESMTP", after the policy was asked. */
void greeting_banner(struct smtp *smtp);
/* EHLO or HELO by its name; any transaction is over. */
void greeting_hello(struct smtp *smtp, struct span name, bool esmtp);
void greeting_help(struct smtp *smtp);

#endif
