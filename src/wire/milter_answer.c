/* SPDX-License-Identifier: BSD-2-Clause */
/* What the answers of a filter say. */
#include "wire/milter_answer.h"

#include <stdio.h>
#include <string.h>

#include "wire/milter_packet.h"
#include "wire/octet.h"
#include "wire/smtp_reply.h"

enum {
	/* Larger packets, and a bit for Sendmail's own tests: they change nothing that we do. */
	STEPS_IGNORED = 0x70000000,
	LINE_MAX_BYTES = 980, /* of a refusal; libmilter's own cap */
	LINES_MAX = 32,
};

static bool
take_u32(struct span *from, uint32_t *value_out)
{
	const unsigned char *bytes = (const unsigned char *)from->start;

	if (from->length < 4)
		return false;
	*value_out = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
		bytes[3];
	*from = span_from(*from, 4);
	return true;
}

/* Up to a NUL that must be there. */
static bool
take_text(struct span *from, struct span *text_out)
{
	size_t end = span_find(*from, '\0');

	if (end == from->length)
		return false;
	*text_out = span_first(*from, end);
	*from = span_from(*from, end + 1);
	return true;
}

/* ---- negotiation ----------------------------------------------------------------------------- */

static bool
is_separator(char byte)
{
	return octet_is_space(byte) || byte == ',';
}

static void
read_names(struct span text, struct arena *arena, struct milter_macro_list *list)
{
	size_t at = 0;

	*list = (struct milter_macro_list){ .given = true,
		.names = arena_alloc(arena, MILTER_MACROS_MAX * sizeof *list->names) };
	while (at < text.length && list->count < MILTER_MACROS_MAX) {
		size_t start;

		while (at < text.length && is_separator(text.start[at]))
			at++;
		start = at;
		while (at < text.length && !is_separator(text.start[at]))
			at++;
		if (at > start)
			list->names[list->count++] =
				span_of(arena_strndup(arena, text.start + start, at - start),
					at - start);
	}
}

static bool
read_lists(struct span rest, struct arena *arena, struct milter_offer *offer)
{
	uint32_t stage;
	struct span text;

	while (rest.length) {
		if (!take_u32(&rest, &stage) || !take_text(&rest, &text))
			return false;
		if (stage < MILTER_STAGE_COUNT && !offer->macros[stage].given)
			read_names(text, arena, &offer->macros[stage]);
	}
	return true;
}

bool
milter_offer_parse(struct span payload, uint32_t version, struct arena *arena,
	struct milter_offer *offer_out, struct fault *fault_out)
{
	struct milter_offer offer = { 0 };

	if (!take_u32(&payload, &offer.version) || !take_u32(&payload, &offer.actions) ||
		!take_u32(&payload, &offer.steps))
		return fault_set(fault_out, FAULT_PEER, "its negotiation is cut short");
	if (offer.version < MILTER_VERSION_MIN || offer.version > version)
		return fault_set(fault_out, FAULT_PEER, "it speaks version %u of the protocol, not %d to %u",
			offer.version, MILTER_VERSION_MIN, version);
	offer.odd_actions = offer.actions & ~(uint32_t)MILTER_MAY_ALL;
	offer.actions &= MILTER_MAY_ALL;
	offer.steps &= ~(uint32_t)STEPS_IGNORED;
	if (offer.steps & ~(uint32_t)MILTER_STEPS_ALL)
		return fault_set(fault_out, FAULT_PEER, "it asks for unknown steps: 0x%x",
			offer.steps & ~(uint32_t)MILTER_STEPS_ALL);
	/* Commands that a version does not have it does not want. */
	if (offer.version < 3)
		offer.steps |= MILTER_NO_UNKNOWN;
	if (offer.version < 4)
		offer.steps |= MILTER_NO_DATA;
	if (!read_lists(payload, arena, &offer))
		return fault_set(fault_out, FAULT_PEER, "its list of macros is cut short");
	*offer_out = offer;
	return true;
}

/* ---- refusals -------------------------------------------------------------------------------- */

/* "550 text" or "550-text"; only the last line has the blank. */
static bool
take_line(struct span *rest, struct span first, struct span *text_out)
{
	struct span line = span_cut(*rest, '\n', rest);
	bool last = rest->length == 0;

	if (line.length && line.start[line.length - 1] == '\r')
		line.length--;
	else if (!last)
		return false;
	if (line.length < 3 || memcmp(line.start, first.start, 3) != 0)
		return false;
	if (line.length > 3 && line.start[3] != (last ? ' ' : '-'))
		return false;
	if (line.length == 3 && !last)
		return false;
	*text_out = span_from(line, 4);
	return true;
}

/* Its enhanced code, if it has one that fits; the same on every line. */
static void
cut_enhanced(struct span *text, struct milter_refusal *refusal)
{
	size_t end = span_find(*text, ' ');
	struct span enhanced = span_first(*text, end);

	if (!smtp_reply_enhanced_fits(enhanced, refusal->code) ||
		enhanced.length >= sizeof refusal->enhanced)
		return;
	memcpy(refusal->enhanced, enhanced.start, enhanced.length);
	refusal->enhanced[enhanced.length] = '\0';
	*text = span_from(*text, end + 1);
}

/* A filter's text is a format: "%%" is "%", and one alone is nothing. */
static char *
put_line(char *to, struct span line)
{
	line = span_first(line, LINE_MAX_BYTES);
	for (size_t i = 0; i < line.length; i++) {
		char byte = line.start[i];

		if (byte == '%' && !span_starts(span_from(line, i), "%%"))
			continue;
		i += byte == '%';
		*to++ = octet_is_control(byte) || octet_is_8bit(byte) ? '?' : byte;
	}
	return to;
}

static bool
read_refusal(struct span text, struct arena *arena, struct milter_refusal *refusal)
{
	struct span first = text;
	struct span rest = text;
	char *start = arena_alloc(arena, text.length + 1);
	char *to = start;

	for (unsigned lines = 0; rest.length; lines++) {
		struct span line;

		if (lines == LINES_MAX || !take_line(&rest, first, &line))
			return false;
		cut_enhanced(&line, refusal);
		if (lines)
			*to++ = '\n';
		to = put_line(to, line);
	}
	*to = '\0';
	refusal->text = start;
	return true;
}

bool
milter_refusal_parse(struct span payload, struct arena *arena, struct milter_refusal *refusal_out)
{
	struct milter_refusal refusal = { 0 };
	struct span text = payload;
	uint64_t code;
	bool whole = take_text(&payload, &text) && payload.length == 0;
	unsigned class = text.length ? (unsigned)(text.start[0] - '0') : 0;

	if (class != 4 && class != 5)
		return false;
	snprintf(refusal.enhanced, sizeof refusal.enhanced, "%u.7.1", class);
	if (whole && text_parse_number(span_first(text, 3), 599, &code) && code >= 400) {
		refusal.code = (unsigned)code;
		if (read_refusal(text, arena, &refusal)) {
			*refusal_out = refusal;
			return true;
		}
	}
	*refusal_out = (struct milter_refusal){ .code = class == 4 ? 451 : 550,
		.text = class == 4 ? "Command rejected; try again later" : "Command rejected" };
	snprintf(refusal_out->enhanced, sizeof refusal_out->enhanced, "%u.7.1", class);
	return true;
}

/* ---- changes --------------------------------------------------------------------------------- */

static bool
is_name(struct span name)
{
	for (size_t i = 0; i < name.length; i++)
		if (!octet_is_ftext(name.start[i]))
			return false;
	return name.length > 0 && name.length <= MILTER_NAME_MAX_BYTES;
}

/* Length of the line end that text begins with: CRLF, LF or CR. */
static size_t
line_end(struct span text)
{
	if (text.start[0] == '\r')
		return text.length > 1 && text.start[1] == '\n' ? 2 : 1;
	return text.start[0] == '\n';
}

/* A continuation without content is none: some readers take it for the end of the header. */
static bool
is_blank_line(struct span text)
{
	for (size_t i = 0; i < text.length && !line_end(span_from(text, i)); i++)
		if (!octet_is_blank(text.start[i]))
			return false;
	return true;
}

/* Line ends, blanks behind them, and nothing else that is no text. */
static struct span
fold_safely(struct span value, struct arena *arena)
{
	char *start = arena_alloc(arena, value.length * 3 + 1);
	char *to = start;

	for (size_t i = 0; i < value.length;) {
		size_t end = line_end(span_from(value, i));

		if (!end) {
			*to++ = octet_is_control(value.start[i]) && value.start[i] != '\t'
					? '?' : value.start[i];
			i++;
			continue;
		}
		i += end;
		if (is_blank_line(span_from(value, i))) {
			while (i < value.length && octet_is_blank(value.start[i]))
				i++;
			continue;
		}
		*to++ = '\r';
		*to++ = '\n';
		if (!octet_is_blank(value.start[i]))
			*to++ = '\t';
	}
	return span_of(start, (size_t)(to - start));
}

static bool
is_plain(struct span value)
{
	for (size_t i = 0; i < value.length; i++)
		if (octet_is_control(value.start[i]) && value.start[i] != '\t')
			return false;
	return true;
}

bool
milter_field_parse(struct span payload, bool indexed, struct arena *arena,
	struct milter_field *field_out, struct fault *fault_out)
{
	struct milter_field field = { 0 };

	if ((indexed && !take_u32(&payload, &field.index)) || !take_text(&payload, &field.name) ||
		!take_text(&payload, &field.value) || payload.length)
		return fault_set(fault_out, FAULT_PEER, "a change of the header is torn");
	if (field.index > INT32_MAX)
		return fault_set(fault_out, FAULT_PEER, "a change of the header at no place there is");
	if (!is_name(field.name))
		return fault_set(fault_out, FAULT_PEER, "a header field without a proper name");
	if (!is_plain(field.value))
		field.value = fold_safely(field.value, arena);
	*field_out = field;
	return true;
}

bool
milter_path_parse(struct span payload, struct milter_path *path_out)
{
	struct milter_path path = { .parameters = SPAN_EMPTY };

	if (!take_text(&payload, &path.path))
		return false;
	if (payload.length && (!take_text(&payload, &path.parameters) || payload.length))
		return false;
	*path_out = path;
	return true;
}

void
milter_reason_format(struct span payload, char *to, size_t to_size)
{
	text_escape(span_first(payload, span_find(payload, '\0')), to, to_size);
}
