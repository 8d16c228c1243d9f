/* SPDX-License-Identifier: BSD-2-Clause */
/* Originator fields under examination, and how they are changed; for originators.c alone. */
#ifndef POLICY_ORIGINATORS_CHANGE_H
#define POLICY_ORIGINATORS_CHANGE_H

#include "policy/remedy.h"
#include "wire/mailboxes.h"

/* One message's. */
struct originators {
	const struct mail_session *session;
	struct remedy remedy;
	struct header *header;
	struct arena *arena;
	bool smtputf8;
};

/* From best to worst. */
enum field_kind {
	FIELD_FINE,
	FIELD_SENDERLESS, /* several mailboxes, all fine, and no Sender */
	FIELD_WRONG,      /* somebody who is not the client's own */
	FIELD_UNCLEAR,    /* cannot be read with certainty */
};

struct field_finding {
	enum field_kind kind;
	struct verdict verdict; /* FINE: with what allowed it */
};

bool originators_parse(const struct originators *message, size_t at, unsigned rules,
	struct mailboxes *list_out, struct fault *fault_out);
/* Every mailbox of one field; on_behalf_ok: a Sender of the client's own stands beside it. */
struct field_finding originators_check_field(const struct originators *message, const char *name,
	size_t at, unsigned rules, bool on_behalf_ok);

/* As originators.h says; false if there was nothing to change, or the header has no room. */
bool originators_rewrite(struct originators *message);
bool originators_add_sender(struct originators *message);
/* The verdict, after posing-name has had its say on every field. */
struct verdict originators_check_names(struct originators *message, struct verdict verdict);

#endif
