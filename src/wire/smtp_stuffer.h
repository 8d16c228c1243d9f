/* SPDX-License-Identifier: BSD-2-Clause */
/* Message content as it goes out by DATA: dots stuffed, line ends right, whatever was stored. */
#ifndef WIRE_SMTP_STUFFER_H
#define WIRE_SMTP_STUFFER_H

#include "base/text.h"

/* In the caller's storage, the fields are its own. */
struct smtp_stuffer {
	uint8_t state;
	uint16_t line; /* bytes given of the line, without the extra dot */
};

enum { SMTP_STUFFER_LINE_MAX_BYTES = 998 }; /* RFC 5321 4.5.3.1.6, without CRLF */

void smtp_stuffer_init(struct smtp_stuffer *stuffer);
/*
 * Takes from the front of *in and gives the next piece to be sent: part of the input, or a static
 * text. False when *in is used up. Never gives a bare CR or LF (each becomes CRLF) or a NUL ('?'), and no
 * line that is too long: it is folded, by CRLF and a blank, between two characters of UTF-8.
 */
bool smtp_stuffer_next(struct smtp_stuffer *stuffer, struct span *in, struct span *piece_out);
/* What ends the data: ".\r\n", with a CRLF in front if the last line has none. Static. */
struct span smtp_stuffer_end(struct smtp_stuffer *stuffer);

#endif
