/* SPDX-License-Identifier: BSD-2-Clause */
/* The Message-ID field: is its value one, and which (RFC 5322 3.6.4)? */
#ifndef WIRE_MESSAGE_ID_H
#define WIRE_MESSAGE_ID_H

#include "base/text.h"

enum { MESSAGE_ID_MAX_BYTES = 995 };

/*
 * Exactly one <dot-atom@dot-atom> or <dot-atom@[literal]>, with blanks and folding around it;
 * the brackets are part of *id_out. utf8 allows what RFC 6532 allows.
 */
bool message_id_parse(struct span value, bool utf8, struct span *id_out);

#endif
