/* SPDX-License-Identifier: BSD-2-Clause */
/* The envelope of a message while one filter changes it. */
#ifndef POLICY_MILTER_ENVELOPE_H
#define POLICY_MILTER_ENVELOPE_H

#include "policy/mail.h"
#include "wire/milter_answer.h"
#include "wire/milter_packet.h"

enum { MILTER_ENVELOPE_LIST_SIZE = 256 };

/* The first six may be read. */
struct milter_envelope {
	bool changed_sender;
	size_t count;              /* recipients there would be */
	unsigned added;            /* recipients */
	unsigned deleted;
	char added_list[MILTER_ENVELOPE_LIST_SIZE];   /* parted by blanks, cut to fit, for the log */
	char deleted_list[MILTER_ENVELOPE_LIST_SIZE];
	/* ---- its own */
	struct mail *mail;
	const char *filter;
	bool trusted;
	const char *sender;
	const char *allowed_sender;
	const char *envid;
	uint8_t ret;
	struct mail_recipient *recipients;
	unsigned refused;
};

/* mail is not changed before milter_envelope_put(); there is room for so many more recipients. */
void milter_envelope_init(struct milter_envelope *envelope, struct mail *mail, const char *filter,
	size_t more, struct arena *scratch);
/*
 * ADD_RCPT, ADD_RCPT_WITH (of its parameters NOTIFY and ORCPT count), DELETE_RCPT (local part
 * exactly, domain in any case), CHANGE_SENDER (RET and ENVID count; "<>" is the null sender), each
 * on what those before it left. What is no address, or none that goes with this message, is passed
 * over and logged; so is a sender or recipient that the session itself may not name, unless the
 * filter has change-envelope.
 */
void milter_envelope_change(struct milter_envelope *envelope, enum milter_answer what,
	const struct milter_path *path);
void milter_envelope_put(const struct milter_envelope *envelope);

#endif
