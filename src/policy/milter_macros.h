/* SPDX-License-Identifier: BSD-2-Clause */
/* The macros that go with the commands to a filter. */
#ifndef POLICY_MILTER_MACROS_H
#define POLICY_MILTER_MACROS_H

#include "policy/mail.h"
#include "wire/milter_answer.h"
#include "wire/milter_packet.h"

/* What they speak of; what is not there yet is NULL, and has no macros. */
struct milter_facts {
	const struct mail_session *session;
	const struct mail *mail;
	const struct mail_recipient *recipient;
	const struct verdict *refused;      /* the recipient was, by this */
};

/*
 * Adds the macros packet for a command, or nothing if none has a value. Which: what the filter
 * asked for at that stage, else the usual ones; the settings' macros override a value, add one to
 * CONNECT if no stage has it, and with an empty value keep it back. A value is never empty, holds
 * no control byte, and is cut at 1 KiB. MAIL always sends the full set, and "i" if nothing that was
 * asked for has a value: filters keep old values.
 */
bool milter_macros_write(struct buf *out, enum milter_command command,
	const struct settings_milter *settings, const struct milter_offer *offer,
	const struct milter_facts *facts);

#endif
