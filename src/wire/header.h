/* SPDX-License-Identifier: BSD-2-Clause */
/* A header block as a list of fields that can be read, changed and written again (RFC 5322 2.2). */
#ifndef WIRE_HEADER_H
#define WIRE_HEADER_H

#include "base/buffer.h"
#include "base/fault.h"
#include "base/memory.h"

enum {
	HEADER_MAX_BYTES = 256 * 1024,
	HEADER_FIELD_MAX_BYTES = 64 * 1024,
	HEADER_MAX_FIELDS = 4096,
	HEADER_LINE_MAX_BYTES = 998,  /* without CRLF, what we write; RFC 5322 2.1.1 */
	HEADER_NAME_MAX_BYTES = 255,
};

/* Rules for header_parse(). */
enum header_rule {
	HEADER_UTF8 = 1,  /* SMTPUTF8: 8-bit bytes must be valid UTF-8, RFC 6532 */
	HEADER_RAW = 2,   /* a stranger's mail: any byte in a value but NUL, CR, LF */
	HEADER_8BIT = 4,  /* the same but for what ends a line for some readers, who would see more fields */
};

struct header_field {
	struct span whole; /* from the name to the final CRLF, all lines, byte for byte */
	struct span name;
	struct span value; /* behind the colon, still folded, without the final CRLF */
};

/* A plain value; the bytes are in the parsed block or in the arena. Fields are numbered from 0. */
struct header {
	struct arena *arena;
	struct header_field *fields;
	size_t count;
	size_t bytes;      /* of the whole block as it would be written */
	size_t room;       /* the list's own */
};

/*
 * The block is the fields alone, without the empty line behind them; an empty block is an empty
 * list. Strict: name, colon, value, CRLF; blank before the colon, a line without a colon, a first
 * line that is folded, a line of blanks alone, NUL, bare CR or LF, other control bytes, line ends
 * of Unicode and 8-bit bytes (but see the rules) make it bad, and fault_out says what and in which
 * line: FAULT_PEER for the grammar, FAULT_LIMIT past a cap. The block must outlive the header.
 */
bool header_parse(struct span block, unsigned rules, struct arena *arena, struct header *header_out,
	struct fault *fault_out);
void header_init(struct header *header, struct arena *arena); /* an empty list */

/* The first field of this name at or behind from: its number, or header->count if there is none. */
size_t header_next(const struct header *header, const char *name, size_t from);
size_t header_count(const struct header *header, const char *name);
/* The nth (from 0) field of this name. To visit all of them, use header_next(): it is linear. */
size_t header_find(const struct header *header, const char *name, size_t nth);

/*
 * The value is what stands behind the colon; a blank is put in front if it has none. It may be
 * folded with CRLF or LF before a blank. False, and nothing changed, for a name or value that would
 * break the block (any other CR or LF, NUL, control byte, a line over 998, no ftext) or a cap.
 * at is 0 to count; later fields move. Name and value are copied.
 */
bool header_insert(struct header *header, size_t at, struct span name, struct span value);
bool header_add(struct header *header, struct span name, struct span value); /* at the end */
bool header_replace(struct header *header, size_t at, struct span value);
void header_delete(struct header *header, size_t at);
size_t header_delete_all(struct header *header, const char *name);           /* how many */

/*
 * A field that is in no header yet, for header_set(). as_is: the value stands right behind the
 * colon, with a blank or without. False as for header_insert(). Name and value are copied.
 */
bool header_make_field(struct arena *arena, struct span name, struct span value, bool as_is,
	struct header_field *field_out);
/*
 * These fields in the place of those there are; their bytes must live as long as the header. False,
 * and nothing changed, past a cap.
 */
bool header_set(struct header *header, const struct header_field *fields, size_t count);

/* The block again; unchanged fields byte for byte. False if out is full. */
bool header_format(const struct header *header, struct buf *out);

/* Without the line ends of folding and without outer blanks; in the arena if it was folded. */
struct span header_unfold(struct span value, struct arena *arena);
/*
 * A value of one line with CRLF put before blanks, so that lines stay within 78 columns if they
 * can; without outer blanks, in the arena.
 */
struct span header_fold(struct span name, struct span value, struct arena *arena);

#endif
