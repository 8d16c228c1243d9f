/* SPDX-License-Identifier: BSD-2-Clause */
/* The safe pieces of a notice: what others chose cannot end a line, a field or a part. */
#include "queue/notice_text.h"

#include "wire/mail_date.h"
#include "wire/utf8.h"
#include "wire/xtext.h"

enum { FIELD_TEXT_MAX_BYTES = 520 }; /* what a hop said, an ORCPT: each in one line */

void
notice_text_add(struct buf *to, struct span text)
{
	char safe[FIELD_TEXT_MAX_BYTES];
	if (span_is_printable(text))
		buf_add_span(to, span_first(text, sizeof(safe) - 1));
	else
		buf_add(to, safe, text_escape(text, safe, sizeof(safe)));
}

void
notice_text_add_date(struct buf *to, const char *name, int64_t when_ms)
{
	char date[MAIL_DATE_SIZE];
	mail_date_format(when_ms / 1000, 0, date);
	buf_printf(to, "%s: %s\r\n", name, date);
}

bool
notice_text_has_8bit(struct span bytes)
{
	for (size_t i = 0; i < bytes.length; i++) {
		if ((unsigned char)bytes.start[i] > 127)
			return true;
	}
	return false;
}

/* Well-formed, without control bytes, and short enough for a line as it is. */
static bool
is_readable(struct span text)
{
	for (size_t i = 0; i < text.length; i++) {
		unsigned char byte = (unsigned char)text.start[i];
		if (byte < ' ' || byte == 127)
			return false;
	}
	return text.length < FIELD_TEXT_MAX_BYTES && utf8_is_valid(text);
}

void
notice_text_add_readable(struct buf *to, struct span text)
{
	if (is_readable(text))
		buf_add_span(to, text);
	else
		notice_text_add(to, text);
}

void
notice_text_add_xtext(struct buf *to, struct span xtext)
{
	struct buf decoded = BUF_INIT(FIELD_TEXT_MAX_BYTES);
	if (xtext_parse(xtext, &decoded) && span_is_printable(buf_span(&decoded)))
		notice_text_add(to, buf_span(&decoded));
	else
		notice_text_add(to, xtext);
	buf_fini(&decoded);
}

/* ---- addresses beyond ASCII */

/* RFC 6533 3, QCHAR: what stands for itself in utf-8-addr-xtext. */
static bool
is_qchar(uint32_t point)
{
	return point > ' ' && point < 127 && point != '\\' && point != '+' && point != '=';
}

/* RFC 6533 3: utf-8-addr-xtext, for a report in ASCII. */
static void
add_escaped(struct buf *to, struct span text)
{
	while (text.length) {
		uint32_t point = (unsigned char)text.start[0];
		size_t length = text_utf8(text, &point);
		if (is_qchar(point))
			buf_add_byte(to, (char)point);
		else
			buf_printf(to, "\\x{%02X}", (unsigned)point);
		text = span_from(text, length ? length : 1);
	}
}

void
notice_text_add_address(struct buf *to, struct span path, bool global)
{
	if (!notice_text_has_8bit(path)) {
		buf_add_text(to, "rfc822; ");
		notice_text_add(to, path);
		return;
	}
	buf_add_text(to, "utf-8; ");
	if (global && is_readable(path))
		buf_add_span(to, path);
	else
		add_escaped(to, path);
}

static void
add_point(struct buf *to, uint32_t point)
{
	if (point < 0x80) {
		buf_add_byte(to, (char)point);
	} else if (point < 0x800) {
		buf_add_byte(to, (char)(0xc0 | point >> 6));
		buf_add_byte(to, (char)(0x80 | (point & 0x3f)));
	} else {
		if (point < 0x10000) {
			buf_add_byte(to, (char)(0xe0 | point >> 12));
		} else {
			buf_add_byte(to, (char)(0xf0 | point >> 18));
			buf_add_byte(to, (char)(0x80 | (point >> 12 & 0x3f)));
		}
		buf_add_byte(to, (char)(0x80 | (point >> 6 & 0x3f)));
		buf_add_byte(to, (char)(0x80 | (point & 0x3f)));
	}
}

/* "\x{F6}" at the front: its length, or 0. smtp has checked that what begins so is whole. */
static size_t
take_escape(struct span text, uint32_t *point_out)
{
	size_t end = span_find(text, '}');
	uint32_t point = 0;
	if (!span_starts(text, "\\x{") || end == text.length || end > 9)
		return 0;
	for (size_t i = 3; i < end; i++) {
		char digit = text.start[i];
		if (digit >= '0' && digit <= '9')
			point = point << 4 | (uint32_t)(digit - '0');
		else if (digit >= 'A' && digit <= 'F')
			point = point << 4 | (uint32_t)(digit - 'A' + 10);
		else
			return 0;
	}
	*point_out = point;
	return end + 1;
}

/* The address itself, whichever of its two forms came. */
static void
unescape(struct span value, struct buf *to)
{
	while (value.length) {
		uint32_t point;
		size_t length = take_escape(value, &point);
		if (length)
			add_point(to, point);
		else
			buf_add_byte(to, value.start[0]);
		value = span_from(value, length ? length : 1);
	}
}

void
notice_text_add_orcpt(struct buf *to, struct span orcpt, bool global)
{
	struct span value;
	struct span type = span_cut(orcpt, ';', &value);
	notice_text_add(to, type);
	buf_add_text(to, ";");
	if (!span_is_nocase(type, "utf-8")) {
		notice_text_add_xtext(to, value);
		return;
	}
	struct buf address = BUF_INIT(0);
	unescape(value, &address);
	if (!utf8_is_valid(buf_span(&address)))
		notice_text_add(to, value);
	else if (global && is_readable(buf_span(&address)))
		buf_add_span(to, buf_span(&address));
	else
		add_escaped(to, buf_span(&address));
	buf_fini(&address);
}
