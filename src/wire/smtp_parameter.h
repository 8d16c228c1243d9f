/* SPDX-License-Identifier: BSD-2-Clause */
/* The ESMTP parameters behind the path of MAIL and RCPT (RFC 5321 4.1.1.11). */
#ifndef WIRE_SMTP_PARAMETER_H
#define WIRE_SMTP_PARAMETER_H

#include "wire/smtp_command.h"

/*
 * text starts with a blank or is empty. On failure the reply is 555 5.5.4 for a parameter that is
 * unknown or was not offered, 501 5.5.4 for all else.
 */
bool smtp_parameter_parse_mail(struct span text, unsigned offers, struct smtp_mail *mail,
	struct smtp_reply *reply_out);
bool smtp_parameter_parse_rcpt(struct span text, unsigned offers, bool utf8, struct smtp_rcpt *rcpt,
	struct smtp_reply *reply_out);

#endif
