/* SPDX-License-Identifier: BSD-2-Clause */
/* The commands of SMTP, read and run: parts of smtp_protocol. */
#ifndef SMTP_DIALOGUE_H
#define SMTP_DIALOGUE_H

#include "smtp/smtp.h"

void dialogue_on_line(struct span line, void *context);
void dialogue_on_long_line(void *context);
size_t dialogue_secret_from(struct span line);

#endif
