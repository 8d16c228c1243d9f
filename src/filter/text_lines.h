/* SPDX-License-Identifier: BSD-2-Clause */
/* Logical lines of Postfix's files: comments, blank lines, lines that continue the one before. */
#ifndef FILTER_TEXT_LINES_H
#define FILTER_TEXT_LINES_H

#include "base/buffer.h"

/*
 * Blank lines and those whose first byte beyond blanks is "#" are left out, wherever they stand. A
 * line that begins with a blank continues the one before; the line end between them is left out.
 */
struct text_lines {
	struct span rest;
	unsigned line;   /* of the file, how many were read */
	struct buf text; /* of the logical line */
};

enum text_lines_result {
	TEXT_LINES_DONE,
	TEXT_LINES_END,
	TEXT_LINES_BAD, /* one that continues nothing, or has a byte 0 */
};

/* As Postfix takes blanks: also line ends, tabs of both kinds and form feeds. */
bool text_lines_is_blank(char byte);
/* Without the blanks at both ends. */
struct span text_lines_trim(struct span text);

struct text_lines text_lines_start(struct span bytes); /* the bytes stay the caller's */
void text_lines_fini(struct text_lines *lines);
/* *line_out is where it began, also if BAD; the text is valid until the next call. */
enum text_lines_result text_lines_next(
	struct text_lines *lines, struct span *text_out, unsigned *line_out);

#endif
