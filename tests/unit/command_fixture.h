/* SPDX-License-Identifier: BSD-2-Clause */
/* One command line, the command or the reply that it gives. */
#ifndef UNIT_COMMAND_FIXTURE_H
#define UNIT_COMMAND_FIXTURE_H

#include "unit.h"
#include "wire/smtp_command.h"

#define X10 "xxxxxxxxxx"
#define X50 X10 X10 X10 X10 X10
#define X100 X50 X50
#define X300 X100 X100 X100
#define X500 X300 X100 X100

enum {
	ALL = SMTP_OFFER_SIZE | SMTP_OFFER_8BITMIME | SMTP_OFFER_SMTPUTF8 | SMTP_OFFER_DSN |
	      SMTP_OFFER_AUTH,
};

static struct smtp_command command;
static struct smtp_reply reply;

static inline bool
parse(struct span line)
{
	memset(&reply, 0, sizeof reply);
	return smtp_command_parse(line, ALL, false, &command, &reply);
}

static inline bool
parse_text(const char *line)
{
	return parse(span_text(line));
}

#endif
