/* SPDX-License-Identifier: BSD-2-Clause */
/* Encoded words (RFC 2047): not to be shown, only to see what a reader would make of them. */
#ifndef WIRE_ENCODED_WORD_H
#define WIRE_ENCODED_WORD_H

#include "base/memory.h"
#include "base/text.h"

/* A text with its encoded words decoded, and what stood in them. */
struct encoded_text {
	/*
	 * UTF-8 and ASCII as they are; what is neither, in other charsets, as "?". The text itself
	 * where it has no encoded word, else in the arena; never longer.
	 */
	struct span text;
	bool found;       /* there is an encoded word at all */
	bool has_control; /* CR, LF, NUL, another control byte, or a line end of Unicode */
	bool has_at;      /* "@" */
	bool has_angle;   /* "<" or ">" */
	bool is_opaque;   /* a charset, or bytes, that may stand for anything */
};

/*
 * Decodes every "=?charset?B or Q?text?=", wherever it stands, as leniently as readers do: blanks
 * within, charset tags of RFC 2231, bytes that are not of the alphabet; blanks between two of them
 * are dropped. Linear in the length.
 */
void encoded_word_decode(struct span text, struct arena *arena, struct encoded_text *decoded_out);

/* Is there one at all? */
bool encoded_word_is_in(struct span text);
/* Is there a "=?" that begins none? Readers search for its end in what follows, each in its way. */
bool encoded_word_is_open(struct span text);

#endif
