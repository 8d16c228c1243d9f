/* SPDX-License-Identifier: BSD-2-Clause */
/* The two messages of a SCRAM client, read strictly before Cyrus SASL sees them (RFC 5802 7). */
#ifndef AUTH_SCRAM_MESSAGE_H
#define AUTH_SCRAM_MESSAGE_H

#include "base/text.h"

enum scram_binding {
	SCRAM_BINDING_NONE,   /* "n": the client cannot */
	SCRAM_BINDING_UNSEEN, /* "y": it could, but saw no -PLUS offered */
	SCRAM_BINDING_NAMED,  /* "p=NAME" */
};

enum { SCRAM_NAME_MAX_BYTES = 255 };

struct scram_name {
	size_t length;
	char bytes[SCRAM_NAME_MAX_BYTES];
};

struct scram_first {
	enum scram_binding binding;
	struct span binding_name;  /* NAMED alone; points into the message */
	struct scram_name authzid; /* "=2C" and "=3D" undone; empty if there is none */
	struct scram_name login;
};

/* client-first-message. Whoever uses "m=" (mandatory extension) is refused, as the RFC says. */
bool scram_first_parse(struct span message, struct scram_first *first_out);
/* client-final-message: is its form right? What it proves is for Cyrus SASL to say. */
bool scram_final_is_valid(struct span message);

#endif
