/* SPDX-License-Identifier: BSD-2-Clause */
/* SMTP replies both ways: ours as bytes, a hop's as code, enhanced code and safe text. */
#ifndef WIRE_SMTP_REPLY_H
#define WIRE_SMTP_REPLY_H

#include "base/buffer.h"
#include "wire/parse.h"

enum {
	SMTP_REPLY_LINE_MAX_BYTES = 512,  /* with CRLF, RFC 5321 4.5.3.1.5 */
	SMTP_REPLY_ENHANCED_SIZE = 10,    /* "5.123.123" and its NUL, RFC 3463 2 */
};

/* A reply as we decided it. The texts are borrowed: literals, or in an arena of whoever decided. */
struct smtp_reply {
	unsigned code;        /* 200 to 599; 0 means none */
	const char *enhanced; /* "5.5.4"; NULL or "" for none (greeting, EHLO, 3yz) */
	const char *text;     /* lines are parted by '\n' */
};

/*
 * Adds the reply to out, each line as "250-2.1.0 text" or "250 2.1.0 text". A line that is too long
 * goes on in another one, but a 334 challenge is one line always (RFC 4954 4). Whatever is not
 * printable ASCII becomes '?', so nothing a client sent can end a line. False if out is full; then
 * nothing was added.
 */
bool smtp_reply_format(const struct smtp_reply *reply, struct buf *out);
/* The same with the text made on the spot, cut at 1,000 bytes; enhanced may be NULL. */
bool smtp_reply_printf(struct buf *out, unsigned code, const char *enhanced, const char *format,
	...) __attribute__((format(printf, 4, 5)));

/* Is it "class.subject.detail" with the class of code? RFC 3463 2, RFC 2034 4. */
bool smtp_reply_enhanced_fits(struct span enhanced, unsigned code);

/*
 * Caps on what a hop may say. What is past the text cap is read and forgotten; past the others the
 * reply is bad.
 */
enum {
	SMTP_REPLY_IN_LINE_MAX_BYTES = 4096,
	SMTP_REPLY_IN_MAX_BYTES = 65536,
	SMTP_REPLY_IN_MAX_LINES = 256,
	SMTP_REPLY_IN_TEXT_MAX_BYTES = 8192,
};

/*
 * Reads one reply at a time, in pieces of any size. The fields above the line are the result and
 * valid after PARSE_DONE until the next feed. text has the lines without code and without a fitting
 * enhanced code, joined by '\n'; a backslash and any byte that is not printable ASCII stand there
 * as \xNN. An enhanced code of another class than the code is left in the text and not believed.
 */
struct smtp_reply_reader {
	unsigned code;                           /* 200 to 599 */
	char enhanced[SMTP_REPLY_ENHANCED_SIZE]; /* "" if absent or of another class than code */
	struct buf text;
	unsigned lines;
	const char *fault;                       /* after PARSE_BAD: what was wrong */
	/* ---- the reader's own */
	struct buf line;
	size_t bytes;
	bool complete;
	bool cut;                                /* text is full, the rest is forgotten */
};

void smtp_reply_reader_init(struct smtp_reply_reader *reader);
void smtp_reply_reader_fini(struct smtp_reply_reader *reader);
/*
 * Takes bytes from the front of *in up to the end of the reply, no further: what is left is the
 * next reply, or one that nobody asked for. Lines end in CRLF only. Not to be fed after PARSE_BAD.
 */
enum parse smtp_reply_reader_feed(struct smtp_reply_reader *reader, struct span *in);
/* The line with this number, from 0, of a reply that is done; empty past the end. */
struct span smtp_reply_reader_line(const struct smtp_reply_reader *reader, unsigned number);

#endif
