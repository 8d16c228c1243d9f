/* SPDX-License-Identifier: BSD-2-Clause */
/* Spans: bytes that somebody else owns. All bytes from outside travel as spans, never as char *. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Not ended by NUL, may hold any byte. Valid as long as its owner is; start may be NULL if empty. */
struct span {
	const char *start;
	size_t length;
};

#define SPAN_EMPTY ((struct span){ NULL, 0 })
#define SPAN_LITERAL(text) ((struct span){ (text), sizeof(text) - 1 })
/* For "%.*s". */
#define SPAN_PRINT(s) (int)(s).length, (s).start ? (s).start : ""

static inline struct span
span_of(const void *start, size_t length)
{
	return (struct span){ start, length };
}

struct span span_text(const char *text);                   /* NULL gives the empty span */
bool span_equal(struct span a, struct span b);
bool span_equal_nocase(struct span a, struct span b);      /* ASCII letters only */
bool span_is(struct span a, const char *text);
bool span_is_nocase(struct span a, const char *text);
bool span_starts(struct span a, const char *prefix);
bool span_starts_nocase(struct span a, const char *prefix);
bool span_has_byte(struct span a, char byte);
/* Is every byte a printable ASCII character or a blank? */
bool span_is_printable(struct span a);
/* The part from offset on; empty if offset is beyond the end. */
struct span span_from(struct span a, size_t offset);
struct span span_first(struct span a, size_t length);
struct span span_trim(struct span a);                      /* without outer blanks and tabs */
/* The part before the first byte; *rest_out is what stands behind it, empty if there was none. */
struct span span_cut(struct span a, char byte, struct span *rest_out);
/* Position of the byte, or the length if it is not there. */
size_t span_find(struct span a, char byte);

/* Decimal digits only, no sign, no blank, no overflow, at most max. *number_out only on success. */
bool text_parse_number(struct span text, uint64_t max, uint64_t *number_out);
/* One line of printable ASCII from any bytes: others as \xNN, cut to fit. Returns the length. */
size_t text_escape(struct span from, char *to, size_t to_size);
/*
 * The same for text that has been escaped before, line by line: backslashes stay, line ends become
 * blanks, and what still is not printable '?'. Ends in NUL, cut to fit. Returns the length.
 */
size_t text_flatten(struct span from, char *to, size_t to_size);
/* Bytes of the one well-formed UTF-8 character that the text begins with; 0 if there is none. */
size_t text_utf8(struct span text, uint32_t *point_out);
size_t text_hex(const void *bytes, size_t size, char *to, size_t to_size); /* 2 * size + NUL */
char text_lower(char byte);                                /* ASCII only */

#endif
