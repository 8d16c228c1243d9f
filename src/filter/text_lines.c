/* SPDX-License-Identifier: BSD-2-Clause */
/* Logical lines of Postfix's files. */
#include "filter/text_lines.h"

bool
text_lines_is_blank(char byte)
{
	return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

struct span
text_lines_trim(struct span text)
{
	while (text.length && text_lines_is_blank(text.start[0]))
		text = span_from(text, 1);
	while (text.length && text_lines_is_blank(text.start[text.length - 1]))
		text.length--;
	return text;
}

struct text_lines
text_lines_start(struct span bytes)
{
	return (struct text_lines){ .rest = bytes };
}

void
text_lines_fini(struct text_lines *lines)
{
	buf_fini(&lines->text);
}

/* Neither blank nor a comment. */
static bool
has_text(struct span line)
{
	while (line.length && text_lines_is_blank(line.start[0]))
		line = span_from(line, 1);
	return line.length && line.start[0] != '#';
}

/* Does what follows belong to the logical line? A comment may, and what stands behind it. */
static bool
goes_on(const struct text_lines *lines)
{
	return lines->rest.length &&
		(text_lines_is_blank(lines->rest.start[0]) || lines->rest.start[0] == '#');
}

enum text_lines_result
text_lines_next(struct text_lines *lines, struct span *text_out, unsigned *line_out)
{
	buf_clear(&lines->text);
	while (lines->rest.length && (buf_length(&lines->text) == 0 || goes_on(lines))) {
		struct span line = span_cut(lines->rest, '\n', &lines->rest);

		lines->line++;
		if (!has_text(line))
			continue;
		if (buf_length(&lines->text) == 0)
			*line_out = lines->line;
		buf_add_span(&lines->text, line);
	}
	*text_out = buf_span(&lines->text);
	if (text_out->length == 0)
		return TEXT_LINES_END;
	if (text_lines_is_blank(text_out->start[0]) || span_has_byte(*text_out, '\0'))
		return TEXT_LINES_BAD;
	return TEXT_LINES_DONE;
}
