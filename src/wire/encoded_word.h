/* SPDX-License-Identifier: BSD-2-Clause */
/* Encoded words (RFC 2047): not to be shown, only to see what a reader would make of them. */
#ifndef WIRE_ENCODED_WORD_H
#define WIRE_ENCODED_WORD_H

#include "base/text.h"

/* What the encoded words in a text decode to, taken together. */
struct encoded_word_facts {
	bool found;       /* there is one at all */
	bool has_break;   /* CR, LF or NUL */
	bool has_at;      /* "@", in a charset where that byte is always an "@" */
	bool has_angle;   /* "<" or ">", the same */
};

/* Looks at every "=?charset?B or Q?text?=", wherever it stands; linear in the length. */
struct encoded_word_facts encoded_word_look(struct span text);

#endif
