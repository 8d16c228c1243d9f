/* SPDX-License-Identifier: BSD-2-Clause */
/* What old devices say, in the words that the strict parsers read. */
#include "wire/smtp_lenient.h"

#include <string.h>

#include "wire/base64.h"
#include "wire/domain.h"
#include "wire/octet.h"

enum { VERB_BYTES = 4 }; /* of each that is rewritten */

static struct span
skip_blanks(struct span text)
{
	while (text.length && octet_is_blank(text.start[0]))
		text = span_from(text, 1);
	return text;
}

/* ---- HELO and EHLO ------------------------------------------------------------------------------ */

static bool
is_name_byte(char byte)
{
	return octet_is_alnum(byte) || byte == '.';
}

/* Labels of the bytes that may stand in a name, with one hyphen for whatever stood between. */
static void
add_name(struct span name, struct buf *out)
{
	char last = '.';

	while (name.length && !octet_is_alnum(name.start[name.length - 1]))
		name.length--;
	for (size_t i = 0; i < name.length; i++) {
		char byte = is_name_byte(name.start[i]) ? name.start[i] : '-';

		/* A label neither begins nor ends with one, and none is empty. */
		if (!octet_is_alnum(byte) && last == '.')
			continue;
		if (last == '-' && byte == '-')
			continue;
		if (last == '-' && byte == '.')
			buf_truncate(out, buf_length(out) - 1);
		buf_add_byte(out, byte);
		last = byte;
	}
}

static bool
add_literal(struct span name, struct buf *out)
{
	char literal[DOMAIN_SIZE];
	struct buf text = BUF_INIT(DOMAIN_SIZE);
	bool is_one;

	buf_printf(&text, "[IPv6:%.*s]", SPAN_PRINT(name));
	is_one = !text.overflow && domain_parse_literal(buf_span(&text), literal);
	buf_fini(&text);
	if (is_one)
		buf_add_text(out, literal);
	return is_one;
}

static bool
rewrite_hello(struct span line, struct buf *out)
{
	struct span name = span_trim(span_from(line, VERB_BYTES));
	size_t before;

	buf_add_span(out, span_first(line, VERB_BYTES));
	buf_add_byte(out, ' ');
	before = buf_length(out);
	if (domain_is_greeting(name)) {
		buf_add_span(out, name);
	} else if (!add_literal(name, out)) {
		add_name(name, out);
		if (!domain_is_greeting(span_from(buf_span(out), before))) {
			buf_truncate(out, before);
			buf_add_text(out, "unknown");
		}
	}
	return !out->overflow;
}

/* ---- MAIL and RCPT ------------------------------------------------------------------------------ */

/* One path, and what stands behind it. */
struct path {
	struct span inside; /* without brackets and outer blanks */
	struct span rest;
	bool has_domain;
};

/*
 * The length up to the byte that ends it, outside of quotes; the whole length if none does.
 * *has_at_out: was there an "@" before? False if a quote is left open.
 */
static bool
measure(struct span text, bool bracketed, size_t *length_out, bool *has_at_out)
{
	bool quoted = false;
	size_t at = 0;

	*has_at_out = false;
	for (; at < text.length; at++) {
		char byte = text.start[at];

		if (quoted && byte == '\\' && at + 1 < text.length)
			at++;
		else if (byte == '"')
			quoted = !quoted;
		else if (!quoted && (bracketed ? byte == '>' : octet_is_blank(byte)))
			break;
		else if (!quoted && byte == '@')
			*has_at_out = true;
	}
	*length_out = at;
	return !quoted;
}

static bool
find_path(struct span text, struct path *path_out)
{
	bool bracketed = span_starts(text, "<");
	size_t length;

	if (bracketed)
		text = span_from(text, 1);
	if (!measure(text, bracketed, &length, &path_out->has_domain) ||
		(bracketed && length == text.length))
		return false;
	path_out->inside = span_trim(span_first(text, length));
	path_out->rest = span_trim(span_from(text, length + bracketed));
	/* A second bracket or a blank could be read in two ways: the strict parser says no. */
	return (bracketed || path_out->inside.length > 0) &&
	       !span_has_byte(path_out->inside, '<') && !span_has_byte(path_out->inside, '>');
}

static bool
is_qualifiable(const struct path *path, bool is_rcpt)
{
	if (path->has_domain || path->inside.length == 0)
		return false;
	/* RFC 5321 4.5.1: it needs no domain. */
	if (is_rcpt && span_is_nocase(path->inside, "postmaster"))
		return false;
	return path->inside.start[0] == '"' || !span_has_byte(path->inside, ' ');
}

static bool
rewrite_path(struct span line, const char *word, const char *qualify_domain, struct buf *out)
{
	struct span text = skip_blanks(span_from(line, VERB_BYTES));
	struct path path;

	if (!span_starts_nocase(text, word))
		return false;
	text = skip_blanks(span_from(text, strlen(word)));
	if (span_starts(text, ":"))
		text = skip_blanks(span_from(text, 1));
	else if (!span_starts(text, "<"))
		return false;
	if (!find_path(text, &path))
		return false;
	buf_add_span(out, span_first(line, VERB_BYTES));
	buf_printf(out, " %s:<", word);
	buf_add_span(out, path.inside);
	if (qualify_domain[0] && is_qualifiable(&path, strcmp(word, "TO") == 0))
		buf_printf(out, "@%s", qualify_domain);
	buf_add_byte(out, '>');
	if (path.rest.length) {
		buf_add_byte(out, ' ');
		buf_add_span(out, path.rest);
	}
	return !out->overflow;
}

bool
smtp_lenient_rewrite(struct span line, const char *qualify_domain, struct buf *out)
{
	struct span text = span_trim(line);
	struct span verb = span_first(text, VERB_BYTES);

	buf_clear(out);
	if (text.length > VERB_BYTES && !octet_is_blank(text.start[VERB_BYTES]))
		return false;
	if (span_is_nocase(verb, "HELO") || span_is_nocase(verb, "EHLO"))
		return rewrite_hello(text, out);
	if (span_is_nocase(verb, "MAIL"))
		return rewrite_path(text, "FROM", qualify_domain, out);
	if (span_is_nocase(verb, "RCPT"))
		return rewrite_path(text, "TO", qualify_domain, out);
	return false;
}

/* ---- base64 ------------------------------------------------------------------------------------- */

struct secret *
smtp_lenient_base64(struct span text)
{
	size_t padding;
	struct secret *padded;
	struct secret *bytes;

	text = span_trim(text);
	while (text.length && text.start[text.length - 1] == '=')
		text.length--;
	padding = (4 - text.length % 4) % 4;
	padded = secret_alloc(text.length + padding);
	if (text.length)
		memcpy(secret_bytes(padded), text.start, text.length);
	memset((char *)secret_bytes(padded) + text.length, '=', padding);
	bytes = base64_parse_secret(secret_span(padded));
	secret_free(&padded);
	return bytes;
}
