/* SPDX-License-Identifier: BSD-2-Clause */
/* Message content as it comes in, by DATA (RFC 5321 4.5.2) or BDAT (RFC 3030): strict line ends. */
#ifndef WIRE_SMTP_DATA_H
#define WIRE_SMTP_DATA_H

#include "base/text.h"

/* What becomes of a CR or LF that stands alone. NUL is refused either way. */
enum smtp_newline {
	SMTP_NEWLINE_REJECT,
	SMTP_NEWLINE_NORMALIZE, /* it becomes CRLF, but never ends the data or hides a dot */
};

enum smtp_data_event {
	SMTP_DATA_MORE,   /* all input was taken */
	SMTP_DATA_HEADER, /* a piece of the header block, in order */
	SMTP_DATA_BODY,   /* a piece of the body, in order */
	SMTP_DATA_END,    /* the final dot, or the end of the chunk; the input stands behind it */
};

enum smtp_data_fault {
	SMTP_DATA_OK,
	SMTP_DATA_BARE_CR,
	SMTP_DATA_BARE_LF,
	SMTP_DATA_NUL,
};

/*
 * In the caller's storage. The fields above the line are results, true so far. The header block is
 * what stands before the first empty line; that empty line belongs to no piece, so the message is
 * header + CRLF + body. Header and body end in CRLF or are empty, always: a last line without its
 * end gets one.
 */
struct smtp_data {
	uint64_t size;             /* content bytes, unstuffed, with the empty line */
	uint64_t received;         /* bytes as they came, those skipped after a fault too */
	size_t longest_line;       /* bytes, without CRLF; past 998 no hop need take it */
	bool has_8bit;
	bool in_body;              /* the empty line was seen */
	enum smtp_data_fault fault; /* the first; from then on no pieces come, data is skipped */
	/* ---- the machine's own */
	enum smtp_newline newline;
	uint8_t state;
	bool chunked;
	bool last;
	bool line_by_crlf;
	uint64_t chunk_left;
	size_t line_bytes;
};

void smtp_data_init(struct smtp_data *data, enum smtp_newline newline);
/*
 * For BDAT: another chunk of this size begins. Line rules hold across chunk borders. For DATA it is
 * never called.
 */
void smtp_data_chunk(struct smtp_data *data, uint64_t size, bool last);
/*
 * Takes from the front of *in and gives the next piece, which is part of that input or static.
 * Call it until it says MORE (then give more) or END. Pieces are as long as the input allows; bytes
 * are looked at, not copied. A chunk of size 0 says END at once.
 */
enum smtp_data_event smtp_data_next(struct smtp_data *data, struct span *in,
	struct span *piece_out);
/* "bare LF in message" …; NULL for SMTP_DATA_OK. */
const char *smtp_data_fault_text(enum smtp_data_fault fault);

#endif
