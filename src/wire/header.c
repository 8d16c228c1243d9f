/* SPDX-License-Identifier: BSD-2-Clause */
/* A header block as a list of fields that can be read, changed and written again. */
#include "wire/header.h"

#include <assert.h>
#include <string.h>

#include "wire/octet.h"
#include "wire/utf8.h"

enum {
	FIRST_ROOM = 32,
	FOLD_COLUMNS = 78, /* RFC 5322 2.1.1 */
};

/* Where in the block the scan is; line counts from 1. */
struct scan {
	struct span rest;
	unsigned rules;
	unsigned line;
	struct fault *fault;
};

static bool
bad(const struct scan *scan, const char *what)
{
	return fault_set(scan->fault, FAULT_PEER, "header line %u: %s", scan->line, what);
}

void
header_init(struct header *header, struct arena *arena)
{
	*header = (struct header){ .arena = arena };
}

/* Takes one line; *line_out is without its CRLF. */
static bool
take_line(struct scan *scan, struct span *line_out)
{
	bool has_8bit = false;
	size_t length = octet_plain_run(scan->rest, &has_8bit);
	struct span end = span_from(scan->rest, length);

	scan->line++;
	if (end.length == 0)
		return bad(scan, "no CRLF at its end");
	if (end.start[0] == '\0')
		return bad(scan, "NUL byte");
	if (end.start[0] == '\n')
		return bad(scan, "bare LF");
	if (end.length < 2 || end.start[1] != '\n')
		return bad(scan, "bare CR");
	*line_out = span_first(scan->rest, length);
	scan->rest = span_from(end, 2);
	if (has_8bit && !(scan->rules & (HEADER_UTF8 | HEADER_RAW | HEADER_8BIT)))
		return bad(scan, "8-bit byte");
	return true;
}

/* For those that split lines as Python does: VT, FF, and the separators of files, groups, records. */
static bool
is_line_end(char byte)
{
	return byte == '\v' || byte == '\f' || (byte >= '\x1c' && byte <= '\x1e');
}

static bool
check_value(const struct scan *scan, struct span value)
{
	bool any = scan->rules & HEADER_8BIT;

	if (scan->rules & HEADER_RAW)
		return true;
	for (size_t i = 0; i < value.length; i++)
		if (any ? is_line_end(value.start[i])
			: octet_is_control(value.start[i]) && value.start[i] != '\t')
			return bad(scan, "control byte");
	if (!any && !utf8_is_valid(value))
		return bad(scan, "not valid UTF-8");
	if (!utf8_is_ascii(value) && utf8_has_line_end(value))
		return bad(scan, "a line end of Unicode");
	return true;
}

/* RFC 5322 2.2: name ":" value. The obsolete blank before the colon is where forgeries start. */
static bool
take_name(struct scan *scan, struct header_field *field)
{
	struct span line;
	size_t colon;

	if (!take_line(scan, &line))
		return false;
	if (line.length == 0)
		return bad(scan, "an empty line inside of the header");
	if (octet_is_blank(line.start[0]))
		return bad(scan, "the first line is a continuation");
	colon = span_find(line, ':');
	if (colon == line.length)
		return bad(scan, "no colon");
	if (colon == 0)
		return bad(scan, "no field name before the colon");
	if (octet_is_blank(line.start[colon - 1]))
		return bad(scan, "blank before the colon");
	for (size_t i = 0; i < colon; i++)
		if (!octet_is_ftext(line.start[i]))
			return bad(scan, "malformed field name");
	if (colon > HEADER_NAME_MAX_BYTES)
		return bad(scan, "field name is too long");
	field->name = span_first(line, colon);
	field->value = span_from(line, colon + 1);
	if (field->value.length == 0)
		field->value = span_of(line.start + line.length, 0);
	return check_value(scan, field->value);
}

/* Continuation lines; one of blanks alone is obsolete, and for some readers it ends the header. */
static bool
take_folded(struct scan *scan, struct header_field *field)
{
	struct span line;

	while (scan->rest.length && octet_is_blank(scan->rest.start[0])) {
		if (!take_line(scan, &line))
			return false;
		if (span_trim(line).length == 0)
			return bad(scan, "a continuation of blanks alone");
		if (!check_value(scan, line))
			return false;
		field->value.length = (size_t)(line.start + line.length - field->value.start);
	}
	field->whole = span_of(field->name.start,
		(size_t)(field->value.start + field->value.length - field->name.start) + 2);
	if (field->whole.length > HEADER_FIELD_MAX_BYTES)
		return fault_set(scan->fault, FAULT_LIMIT,
			"header field at line %u is longer than %d bytes", scan->line,
			HEADER_FIELD_MAX_BYTES);
	return true;
}

static void
make_room(struct header *header)
{
	size_t room = header->room ? 2 * header->room : FIRST_ROOM;
	struct header_field *fields;

	if (header->count < header->room)
		return;
	fields = arena_alloc(header->arena, room * sizeof *fields);
	if (header->count)
		memcpy(fields, header->fields, header->count * sizeof *fields);
	header->fields = fields;
	header->room = room;
}

static void
put_field(struct header *header, size_t at, const struct header_field *field)
{
	make_room(header);
	memmove(header->fields + at + 1, header->fields + at,
		(header->count - at) * sizeof *header->fields);
	header->fields[at] = *field;
	header->count++;
	header->bytes += field->whole.length;
}

bool
header_parse(struct span block, unsigned rules, struct arena *arena, struct header *header_out,
	struct fault *fault_out)
{
	struct scan scan = { .rest = block, .rules = rules, .fault = fault_out };
	struct header header;

	header_init(&header, arena);
	if (block.length > HEADER_MAX_BYTES)
		return fault_set(
			fault_out, FAULT_LIMIT, "header is longer than %d bytes", HEADER_MAX_BYTES);
	while (scan.rest.length) {
		struct header_field field;

		if (header.count == HEADER_MAX_FIELDS)
			return fault_set(fault_out, FAULT_LIMIT, "header has more than %d fields",
				HEADER_MAX_FIELDS);
		if (!take_name(&scan, &field) || !take_folded(&scan, &field))
			return false;
		put_field(&header, header.count, &field);
	}
	*header_out = header;
	return true;
}

size_t
header_next(const struct header *header, const char *name, size_t from)
{
	struct span wanted = span_text(name);

	while (from < header->count && !span_equal_nocase(header->fields[from].name, wanted))
		from++;
	return from < header->count ? from : header->count;
}

size_t
header_find(const struct header *header, const char *name, size_t nth)
{
	size_t at = header_next(header, name, 0);

	while (nth-- && at < header->count)
		at = header_next(header, name, at + 1);
	return at;
}

size_t
header_count(const struct header *header, const char *name)
{
	size_t count = 0;

	for (size_t at = header_next(header, name, 0); at < header->count;
		at = header_next(header, name, at + 1))
		count++;
	return count;
}

/* The length of a line break in a value at this place: CRLF or LF before a blank; else 0. */
static size_t
break_length(struct span value, size_t at)
{
	size_t length = span_starts(span_from(value, at), "\r\n") ? 2
			: value.start[at] == '\n'		  ? 1
								  : 0;

	if (length == 0 || at + length == value.length || !octet_is_blank(value.start[at + length]))
		return 0;
	return length;
}

static bool
is_name(struct span name)
{
	for (size_t i = 0; i < name.length; i++)
		if (!octet_is_ftext(name.start[i]))
			return false;
	return name.length > 0 && name.length <= HEADER_NAME_MAX_BYTES;
}

/*
 * Writes "name: value CRLF" with CRLF in its foldings, to[] having room for twice the value.
 * Returns the length, or 0 if the value would break the block.
 */
static size_t
write_field(struct span name, struct span value, bool as_is, char *to)
{
	size_t line_start = 0;
	size_t used = name.length;
	bool blank = false; /* is the line so far blanks alone? */

	memcpy(to, name.start, name.length);
	to[used++] = ':';
	if (!as_is && (value.length == 0 || !octet_is_blank(value.start[0])))
		to[used++] = ' ';
	for (size_t i = 0; i < value.length; i++) {
		size_t step = break_length(value, i);

		if (step) {
			if (blank || used - line_start > HEADER_LINE_MAX_BYTES)
				return 0;
			memcpy(to + used, "\r\n", 2);
			used += 2;
			line_start = used;
			blank = true;
			i += step - 1;
			continue;
		}
		if (octet_is_control(value.start[i]) && value.start[i] != '\t')
			return 0;
		blank = blank && octet_is_blank(value.start[i]);
		to[used++] = value.start[i];
	}
	if (blank || used - line_start > HEADER_LINE_MAX_BYTES)
		return 0;
	memcpy(to + used, "\r\n", 2);
	return used + 2;
}

bool
header_make_field(struct arena *arena, struct span name, struct span value, bool as_is,
	struct header_field *field_out)
{
	size_t lead = name.length + 1;
	size_t length;
	char *bytes;

	if (!is_name(name) || value.length > HEADER_FIELD_MAX_BYTES)
		return false;
	bytes = arena_alloc(arena, lead + 2 * value.length + 3);
	length = write_field(name, value, as_is, bytes);
	if (length == 0 || length > HEADER_FIELD_MAX_BYTES)
		return false;
	field_out->whole = span_of(bytes, length);
	field_out->name = span_of(bytes, name.length);
	field_out->value = span_of(bytes + lead, length - lead - 2);
	return true;
}

bool
header_insert(struct header *header, size_t at, struct span name, struct span value)
{
	struct header_field field;

	assert(at <= header->count);
	if (header->count == HEADER_MAX_FIELDS ||
		!header_make_field(header->arena, name, value, false, &field) ||
		field.whole.length > HEADER_MAX_BYTES - header->bytes)
		return false;
	put_field(header, at, &field);
	return true;
}

bool
header_add(struct header *header, struct span name, struct span value)
{
	return header_insert(header, header->count, name, value);
}

bool
header_replace(struct header *header, size_t at, struct span value)
{
	struct header_field field;
	size_t others;

	assert(at < header->count);
	others = header->bytes - header->fields[at].whole.length;
	if (!header_make_field(
		    header->arena, header->fields[at].name, value, false, &field) ||
		field.whole.length > HEADER_MAX_BYTES - others)
		return false;
	header->fields[at] = field;
	header->bytes = others + field.whole.length;
	return true;
}

void
header_delete(struct header *header, size_t at)
{
	assert(at < header->count);
	header->bytes -= header->fields[at].whole.length;
	header->count--;
	memmove(header->fields + at, header->fields + at + 1,
		(header->count - at) * sizeof *header->fields);
}

size_t
header_delete_all(struct header *header, const char *name)
{
	struct span unwanted = span_text(name);
	size_t kept = 0;
	size_t count = header->count;

	for (size_t i = 0; i < count; i++) {
		if (span_equal_nocase(header->fields[i].name, unwanted))
			header->bytes -= header->fields[i].whole.length;
		else
			header->fields[kept++] = header->fields[i];
	}
	header->count = kept;
	return count - kept;
}

bool
header_set(struct header *header, const struct header_field *fields, size_t count)
{
	size_t bytes = 0;

	if (count > HEADER_MAX_FIELDS)
		return false;
	for (size_t i = 0; i < count; i++)
		bytes += fields[i].whole.length;
	if (bytes > HEADER_MAX_BYTES)
		return false;
	header->fields = arena_dup(header->arena, fields, count * sizeof *fields);
	header->count = header->room = count;
	header->bytes = bytes;
	return true;
}

bool
header_format(const struct header *header, struct buf *out)
{
	if (header->bytes > buf_room(out))
		return false;
	for (size_t i = 0; i < header->count; i++)
		buf_add_span(out, header->fields[i].whole);
	return true;
}

struct span
header_unfold(struct span value, struct arena *arena)
{
	size_t used = 0;
	char *to;

	if (!span_has_byte(value, '\n'))
		return span_trim(value);
	to = arena_alloc(arena, value.length);
	for (size_t i = 0; i < value.length; i++)
		if (value.start[i] != '\r' && value.start[i] != '\n')
			to[used++] = value.start[i];
	return span_trim(span_of(to, used));
}

struct span
header_fold(struct span name, struct span value, struct arena *arena)
{
	struct span rest = span_trim(value);
	size_t column = name.length + 2; /* behind "name: " */
	char *to = arena_alloc(arena, 3 * rest.length + 1);
	size_t used = 0;

	while (rest.length) {
		size_t blanks = 0;
		size_t length;

		while (octet_is_blank(rest.start[blanks]))
			blanks++;
		length = blanks;
		while (length < rest.length && !octet_is_blank(rest.start[length]))
			length++;
		if (blanks && column + length > FOLD_COLUMNS) {
			memcpy(to + used, "\r\n", 2);
			used += 2;
			column = 0;
		}
		memcpy(to + used, rest.start, length);
		used += length;
		column += length;
		rest = span_from(rest, length);
	}
	return span_of(to, used);
}
