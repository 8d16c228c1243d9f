/* SPDX-License-Identifier: BSD-2-Clause */
/* Unicode text from outside: is it well formed, normalised, and free of what deceives the eye? */
#ifndef WIRE_UTF8_H
#define WIRE_UTF8_H

#include "base/text.h"

/* Well-formed UTF-8: no overlong form, no surrogate, nothing past U+10FFFF. ASCII passes. */
bool utf8_is_valid(struct span text);
bool utf8_is_ascii(struct span text);
/* Does it hold U+0085, U+2028 or U+2029, at which some end a line? */
bool utf8_has_line_end(struct span text);
/* Is the (valid) text already in Normalization Form C? */
bool utf8_is_nfc(struct span text);
/*
 * Has the (valid) text a code point that may not stand in an address: control, format (zero width,
 * bidirectional, soft hyphen), separator, surrogate, private, unassigned, variation selector, or
 * one that compatibility normalisation (NFKC) would change, so that it looks like another letter?
 */
bool utf8_has_deceptive(struct span text);

#endif
