/* SPDX-License-Identifier: BSD-2-Clause */
/* One file's text made plain. */
#include "config/source_scan.h"

#include "config/schema.h"
#include "config/source.h"

static char
peek(const struct source_scan *scan, size_t ahead)
{
	size_t at = scan->at + ahead;

	return at < scan->from.length ? scan->from.start[at] : '\0';
}

static bool
at_end(const struct source_scan *scan)
{
	return scan->at >= scan->from.length;
}

static bool
refuse(const struct source_scan *scan, unsigned int line, const char *reason, struct fault *fault)
{
	return fault_set(fault, FAULT_CONFIG, "%s:%u: %s", scan->file, line, reason);
}

static void
copy_byte(struct source_scan *scan)
{
	if (peek(scan, 0) == '\n')
		scan->line++;
	buf_add_byte(scan->to, scan->from.start[scan->at++]);
}

/* Control characters other than tab and line end have no business in the file, not even in comments. */
static bool
check_bytes(const struct source_scan *scan, struct fault *fault)
{
	unsigned int line = 1;

	for (size_t i = 0; i < scan->from.length; i++) {
		unsigned char byte = (unsigned char)scan->from.start[i];

		if (byte == '\n')
			line++;
		else if (byte == '\r')
			return refuse(scan, line, "has a carriage return; lines end in a line feed alone",
				fault);
		else if ((byte < ' ' && byte != '\t') || byte == 0x7f)
			return fault_set(fault, FAULT_CONFIG, "%s:%u: has a control character (%u)",
				scan->file, line, byte);
	}
	return true;
}

static void
skip_line_comment(struct source_scan *scan)
{
	while (!at_end(scan) && peek(scan, 0) != '\n')
		scan->at++;
}

static bool
skip_block_comment(struct source_scan *scan, struct fault *fault)
{
	unsigned int begin = scan->line;

	for (scan->at += 2; !at_end(scan); scan->at++) {
		if (peek(scan, 0) == '*' && peek(scan, 1) == '/') {
			scan->at += 2;
			buf_add_byte(scan->to, ' ');
			return true;
		}
		if (peek(scan, 0) == '\n') {
			scan->line++;
			buf_add_byte(scan->to, '\n');
		}
	}
	return refuse(scan, begin, "this comment does not end", fault);
}

/*
 * Does the word or string that begins here stand where a name does? Behind "=" it is a value, behind
 * a name a title.
 */
static bool
take_name(struct source_scan *scan)
{
	bool value = scan->last == '=' || scan->last == ',' || scan->last == '[';
	bool title = scan->last == 'w' && scan->named;

	scan->named = !value && !title;
	return scan->named;
}

/* A string in either kind of quotes, copied with them. */
static bool
copy_string(struct source_scan *scan, struct fault *fault)
{
	char quote = peek(scan, 0);

	take_name(scan);
	copy_byte(scan);
	while (!at_end(scan)) {
		char byte = peek(scan, 0);

		if (byte == '\n')
			break;
		if (byte == '$' && peek(scan, 1) == '{')
			return refuse(scan, scan->line,
				"\"${\" is refused: the environment is not part of the configuration",
				fault);
		if (byte == '\\') {
			if (peek(scan, 1) != quote && peek(scan, 1) != '\\')
				return refuse(scan, scan->line,
					"a backslash stands only before a quote or a backslash", fault);
			copy_byte(scan);
		}
		copy_byte(scan);
		if (byte == quote) {
			scan->last = 'w';
			return true;
		}
	}
	return refuse(scan, scan->line, "this string does not end on its line", fault);
}

static bool
is_word_byte(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
		(byte >= '0' && byte <= '9') || span_has_byte(SPAN_LITERAL("-_.:/@%"), byte);
}

static void
skip_blanks(struct source_scan *scan)
{
	while (peek(scan, 0) == ' ' || peek(scan, 0) == '\t')
		scan->at++;
}

/* Behind the word include: ("PATH"). The word itself was not copied. */
static bool
include(struct source_scan *scan, struct fault *fault)
{
	static const char form[] = "an include is written include(\"FILE\"), on one line";
	size_t begin;

	skip_blanks(scan);
	if (peek(scan, 0) != '(')
		return refuse(scan, scan->line, form, fault);
	scan->at++;
	skip_blanks(scan);
	if (peek(scan, 0) != '"')
		return refuse(scan, scan->line, form, fault);
	begin = ++scan->at;
	while (!at_end(scan) && peek(scan, 0) != '"' && peek(scan, 0) != '\n')
		scan->at++;
	struct span path = span_of(scan->from.start + begin, scan->at - begin);
	if (peek(scan, 0) != '"' || path.length == 0)
		return refuse(scan, scan->line, form, fault);
	scan->at++;
	skip_blanks(scan);
	if (peek(scan, 0) != ')')
		return refuse(scan, scan->line, form, fault);
	scan->at++;
	return scan->on_include(path, scan->line, scan->context, fault);
}

static bool
copy_word(struct source_scan *scan, struct fault *fault)
{
	size_t begin = scan->at;

	while (is_word_byte(peek(scan, 0)))
		scan->at++;
	struct span word = span_of(scan->from.start + begin, scan->at - begin);
	/* Only where a setting's name could stand: "x = include" is a value like any other. */
	if (span_is(word, "include") && scan->last != '=' && scan->last != ',' && scan->last != '(')
		return include(scan, fault);
	buf_add_span(scan->to, word);
	scan->section = take_name(scan) ? word : SPAN_EMPTY;
	scan->last = 'w';
	return true;
}

/* The title of a section that was written without: `policy {` is `policy "default" {`. */
static void
add_title(struct source_scan *scan)
{
	for (size_t i = 0; i < schema_root.section_count; i++) {
		const struct schema_section *section = schema_root.sections[i];

		if (section->title_standard && span_is(scan->section, section->name))
			buf_printf(scan->to, "\"%s\" ", section->title_standard);
	}
}

/* Braces are those of a list behind "=", and of a section behind a word. */
static bool
copy_open_brace(struct source_scan *scan, struct fault *fault)
{
	bool list = scan->last == '=';

	if (scan->depth == SOURCE_SCAN_DEPTH_MAX)
		return refuse(scan, scan->line, "braces are nested too deep", fault);
	if (scan->depth == 0)
		add_title(scan);
	scan->braces[scan->depth++] = scan->line;
	copy_byte(scan);
	if (!list)
		buf_add_text(scan->to, " " SOURCE_SECTION_MARK "=0 ");
	scan->last = list ? '[' : '{';
	return true;
}

static bool
copy_close_brace(struct source_scan *scan, struct fault *fault)
{
	if (scan->depth == 0)
		return refuse(scan, scan->line, "this brace closes nothing", fault);
	scan->depth--;
	if (scan->last == '[')
		buf_add_text(scan->to, "\"" SOURCE_EMPTY_MARK "\"");
	copy_byte(scan);
	scan->last = '}';
	return true;
}

static bool
copy_token(struct source_scan *scan, struct fault *fault)
{
	char byte = peek(scan, 0);

	if (byte != ' ' && byte != '\t' && byte != '\n' && byte != '{')
		scan->section = SPAN_EMPTY;
	switch (byte) {
	case ' ':
	case '\t':
	case '\n':
		copy_byte(scan);
		return true;
	case '"':
	case '\'':
		return copy_string(scan, fault);
	case '{':
		return copy_open_brace(scan, fault);
	case '}':
		return copy_close_brace(scan, fault);
	case '=':
	case ',':
		scan->last = byte;
		copy_byte(scan);
		return true;
	default:
		if (is_word_byte(byte))
			return copy_word(scan, fault);
		return fault_set(fault, FAULT_CONFIG,
			"%s:%u: the character %c stands only in a quoted string", scan->file, scan->line,
			byte);
	}
}

bool
source_scan(struct source_scan *scan, struct span text, struct fault *fault)
{
	scan->from = text;
	scan->at = 0;
	scan->line = 1;
	scan->section = SPAN_EMPTY;
	scan->last = '}';
	if (!check_bytes(scan, fault))
		return false;
	while (!at_end(scan)) {
		char byte = peek(scan, 0);

		if (byte == '#' || (byte == '/' && peek(scan, 1) == '/'))
			skip_line_comment(scan);
		else if (byte == '/' && peek(scan, 1) == '*') {
			if (!skip_block_comment(scan, fault))
				return false;
		} else if (!copy_token(scan, fault))
			return false;
	}
	if (scan->depth > 0)
		return refuse(scan, scan->braces[scan->depth - 1], "this brace is not closed", fault);
	return true;
}
