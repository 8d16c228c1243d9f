/* SPDX-License-Identifier: BSD-2-Clause */
/* The commands that tell a filter of a session and a message: pure, from their structs to packets. */
#ifndef POLICY_MILTER_COMMANDS_H
#define POLICY_MILTER_COMMANDS_H

#include "policy/mail.h"
#include "policy/milter_verdict.h"
#include "wire/milter_packet.h"

enum {
	MILTER_FIELD_MAX_BYTES = 65000, /* name and value; a message with a longer one is refused */
};

/* Bits of the steps that a version has: those are offered with it. */
uint32_t milter_commands_steps(uint32_t version);

/* How a place from CONNECT to END is told of. */
struct milter_telling {
	enum milter_command command;
	uint32_t no;   /* steps: it does not want to hear of it … */
	uint32_t mute; /* … or hears it and does not answer */
};
const struct milter_telling *milter_commands_at(enum milter_place place);

/* False, and nothing added, for what the protocol cannot say. */
bool milter_commands_connect(struct buf *out, const struct mail_session *session);
bool milter_commands_helo(struct buf *out, const struct mail_session *session);
/* parameters: as received, parted by blanks; may be NULL. */
bool milter_commands_mail(struct buf *out, const char *sender, const char *parameters);
bool milter_commands_rcpt(struct buf *out, const struct mail_recipient *recipient);
/* Folded lines are joined by LF; without MILTER_LEADING_SPACE in steps one leading SP is left out. */
bool milter_commands_field(struct buf *out, const struct header_field *field, uint32_t steps);
/* The body from at on, as much as one packet takes. False also if it cannot be read back. */
bool milter_commands_body(struct buf *out, const struct mail *mail, uint64_t at, size_t *size_out);

/* Can each field of this header be said? NULL, or why not, fit for a reply. */
const char *milter_commands_check(const struct header *header);

#endif
