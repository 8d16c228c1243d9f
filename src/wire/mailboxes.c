/* SPDX-License-Identifier: BSD-2-Clause */
/* The mailbox lists of From, Sender and Resent-*: what could be read in two ways is refused. */
#include "wire/mailboxes.h"

#include "wire/display_name.h"
#include "wire/encoded_word.h"
#include "wire/octet.h"
#include "wire/utf8.h"

enum { COMMENT_MAX_DEPTH = 8 };

struct reader {
	struct span rest;
	bool utf8;
	struct arena *arena;
	struct fault *fault;
	char *text; /* display names, one behind the other; never longer than the value */
	size_t used;
	bool folded;  /* a line end in a quoted string or a comment */
	bool special; /* "@", "<" or ">" in a quoted string */
};

/* One mailbox in the making: its words so far. */
struct words {
	size_t count;
	struct span last; /* the last word as it stands, with its quotes */
	size_t start;	  /* of the display name in reader->text */
	bool spaced;	  /* blanks or a comment behind the last word */
	bool quoted;	  /* one of them is a quoted string */
	bool open;	  /* one of them begins an encoded word that does not end in it */
};

static bool
bad(const struct reader *reader, const char *what)
{
	return fault_set(reader->fault, FAULT_PEER, "%s", what);
}

static char
peek(const struct reader *reader)
{
	return reader->rest.length ? reader->rest.start[0] : '\0';
}

static void
skip(struct reader *reader, size_t length)
{
	reader->rest = span_from(reader->rest, length);
}

/*
 * RFC 5322 3.2.2: nested comments, quoted pairs. An address in a comment is what lenient readers
 * take for the author, so the bytes that make one are refused.
 */
static bool
skip_comment(struct reader *reader)
{
	struct span comment = reader->rest;
	struct encoded_text decoded;
	unsigned depth = 0;
	size_t i;

	for (i = 0; i < comment.length; i++) {
		char byte = comment.start[i];

		if (byte == '\\' && i + 1 < comment.length)
			byte = comment.start[++i];
		else if (byte == '(' && ++depth > COMMENT_MAX_DEPTH)
			return bad(reader, "comments are nested too deep");
		else if (byte == ')' && --depth == 0)
			break;
		else if (byte == '\n' && depth > 1)
			return bad(reader, "a line end in a nested comment");
		reader->folded |= byte == '\n';
		if (byte == '<' || byte == '>' || byte == '@')
			return bad(reader, "\"<\", \">\" or \"@\" in a comment");
	}
	if (i == comment.length)
		return bad(reader, "a comment without its end");
	encoded_word_decode(span_first(comment, i), reader->arena, &decoded);
	if (decoded.has_control || decoded.has_at || decoded.has_angle)
		return bad(reader, "an encoded word in a comment hides an address or a line end");
	skip(reader, i + 1);
	return true;
}

/* Sets *spaced if there was anything. */
static bool
skip_space(struct reader *reader, bool *spaced)
{
	while (reader->rest.length) {
		if (octet_is_space(peek(reader)))
			skip(reader, 1);
		else if (peek(reader) != '(')
			break;
		else if (!skip_comment(reader))
			return false;
		*spaced = true;
	}
	return true;
}

static void
put(struct reader *reader, char byte)
{
	reader->text[reader->used++] = byte;
}

/* RFC 5322 3.2.4: a quoted string; its text without the quotes goes to the display name. */
static bool
read_quoted(struct reader *reader)
{
	struct span rest = reader->rest;
	size_t i;

	for (i = 1; i < rest.length && rest.start[i] != '"'; i++) {
		reader->folded |= rest.start[i] == '\n';
		if (rest.start[i] == '\r' || rest.start[i] == '\n')
			continue;
		if (rest.start[i] == '\\' && ++i == rest.length)
			break;
		if (octet_is_control(rest.start[i]) && rest.start[i] != '\t')
			return bad(reader, "control byte in a quoted string");
		reader->special |= span_has_byte(SPAN_LITERAL("@<>"), rest.start[i]);
		put(reader, rest.start[i]);
	}
	if (i >= rest.length)
		return bad(reader, "a quoted string without its end");
	skip(reader, i + 1);
	return true;
}

/* An atom, with dots as people write them: "John Q. Public" (RFC 5322 4.1, obs-phrase). */
static bool
read_atom(struct reader *reader)
{
	struct span rest = reader->rest;
	size_t i = 0;

	while (i < rest.length && (octet_is_atext(rest.start[i]) || rest.start[i] == '.' ||
					  octet_is_8bit(rest.start[i])))
		put(reader, rest.start[i++]);
	skip(reader, i);
	return i > 0;
}

static bool
is_word_start(char byte)
{
	return byte == '"' || byte == '.' || octet_is_atext(byte) || octet_is_8bit(byte);
}

/* Words up to the first byte that is part of none. */
static bool
read_words(struct reader *reader, struct words *words)
{
	words->start = reader->used;
	while (is_word_start(peek(reader))) {
		struct span before = reader->rest;

		if (words->count && words->spaced)
			put(reader, ' ');
		words->count++;
		words->spaced = false;
		if (peek(reader) == '"' ? !read_quoted(reader) : !read_atom(reader))
			return false;
		words->last = span_first(before, before.length - reader->rest.length);
		words->quoted |= before.start[0] == '"';
		words->open |= encoded_word_is_open(words->last);
		if (!skip_space(reader, &words->spaced))
			return false;
	}
	/* Some look for the end of an encoded word through quotes, and lose count of them. */
	return !(words->quoted && words->open) || bad(reader, "an encoded word without its end");
}

/* A local part that a lenient reader could decode, or split, into another one. */
static bool
check_local(struct reader *reader, const struct address *address)
{
	struct span local = address_local(address);

	if (encoded_word_is_in(local) || encoded_word_is_open(local))
		return bad(reader, "an encoded word in an address");
	for (size_t i = 0; i < local.length; i++)
		if (span_has_byte(SPAN_LITERAL("@<>,"), local.start[i]))
			return bad(reader, "\"@\", \"<\", \">\" or a comma in a local part");
	return true;
}

static bool
read_address(struct reader *reader, struct span text, struct address *address_out)
{
	enum address_fault fault =
		address_parse(text, reader->utf8 ? ADDRESS_UTF8 : 0, address_out);

	if (text.length == 0)
		return bad(reader, "an empty address");
	if (text.start[0] == '@' && span_has_byte(text, ':'))
		fault = ADDRESS_ROUTE;
	if (fault != ADDRESS_OK)
		return bad(reader, address_fault_text(fault));
	return check_local(reader, address_out);
}

/* What stands before the ">", which may also be in a quoted local part. */
static size_t
angle_length(struct span text)
{
	size_t i = 0;

	if (text.length && text.start[0] == '"')
		for (i = 1; i < text.length && text.start[i] != '"'; i++)
			if (text.start[i] == '\\')
				i++;
	return i < text.length ? i + span_find(span_from(text, i), '>') : text.length;
}

/*
 * "<local@domain>" behind its display name, if any. Blanks and foldings beside the brackets are
 * CFWS (RFC 5322 3.4.1) that every reader drops; about the "@" they are refused.
 */
static bool
read_angle(struct reader *reader, struct address *address_out)
{
	size_t length;
	struct span inner;

	skip(reader, 1);
	while (reader->rest.length && octet_is_space(peek(reader)))
		skip(reader, 1);
	length = angle_length(reader->rest);
	if (length == reader->rest.length)
		return bad(reader, "a \"<\" without its \">\"");
	inner = span_first(reader->rest, length);
	while (inner.length && octet_is_space(inner.start[inner.length - 1]))
		inner.length--;
	skip(reader, length + 1);
	return read_address(reader, inner, address_out);
}

/* How far the domain behind the "@" goes. */
static size_t
domain_length(struct span text)
{
	size_t length = 0;

	if (text.length && text.start[0] == '[') {
		length = span_find(text, ']');
		return length < text.length ? length + 1 : length;
	}
	while (length < text.length &&
		(octet_is_alnum(text.start[length]) || octet_is_8bit(text.start[length]) ||
			text.start[length] == '-' || text.start[length] == '.'))
		length++;
	return length;
}

/* "local@domain" without brackets: the one word before, the "@" here. */
static bool
read_spec(struct reader *reader, const struct words *words, struct address *address_out)
{
	struct span spec;

	if (words->count != 1)
		return bad(reader, words->count
					   ? "\"@\" in a display name without quotes, or a blank "
					     "in an address"
					   : "an address without its local part");
	if (words->spaced)
		return bad(reader, "a blank or a comment inside of an address");
	spec = span_of(words->last.start,
		words->last.length + 1 + domain_length(span_from(reader->rest, 1)));
	skip(reader, spec.length - words->last.length);
	return read_address(reader, spec, address_out);
}

/* "alice@example.org <alice@example.org>", as scripts write it: harmless, as long as both are one.
 */
static bool
read_same(struct reader *reader, const struct address *address)
{
	struct address angle;

	if (!read_angle(reader, &angle))
		return false;
	return address_equal(&angle, address) ||
	       bad(reader, "another address as a display name without quotes");
}

static bool
set_display(struct reader *reader, const struct words *words, struct mailbox *mailbox)
{
	const char *fault;

	mailbox->display = span_of(reader->text + words->start, reader->used - words->start);
	fault = display_name_fault(mailbox->display, reader->arena);
	if (fault)
		return bad(reader, fault);
	mailbox->poses = display_name_poses(mailbox->display, &mailbox->address, reader->arena);
	return true;
}

static bool
refuse_byte(struct reader *reader, const struct words *words)
{
	if (reader->rest.length == 0 || peek(reader) == ',')
		return bad(reader, words->count ? "a name without an address" : "an empty element");
	if (peek(reader) == ':')
		return bad(reader, "a group of addresses");
	return bad(reader, "a special character out of place");
}

static bool
read_mailbox(struct reader *reader, struct mailbox *mailbox)
{
	struct words words = { .count = 0 };
	bool spaced = false;

	if (!skip_space(reader, &spaced) || !read_words(reader, &words))
		return false;
	if (peek(reader) == '<') {
		if (!read_angle(reader, &mailbox->address) || !set_display(reader, &words, mailbox))
			return false;
	} else if (peek(reader) == '@') {
		reader->used = words.start;
		if (!read_spec(reader, &words, &mailbox->address) || !skip_space(reader, &spaced))
			return false;
		if (peek(reader) == '<' && !read_same(reader, &mailbox->address))
			return false;
	} else {
		return refuse_byte(reader, &words);
	}
	if (!skip_space(reader, &spaced))
		return false;
	if (reader->rest.length && peek(reader) != ',')
		return bad(reader,
			"something behind an address that is neither a comma nor a comment");
	return true;
}

/* Commas bound the number of mailboxes, so the list is made once. */
static size_t
count_most(struct span value)
{
	size_t count = 1;

	for (size_t i = 0; i < value.length && count < MAILBOXES_MAX; i++)
		count += value.start[i] == ',';
	return count;
}

/*
 * For some readers (Python's email.utils) a line end is the end of a quoted string or comment, so
 * that for the rest of the field they take what is quoted for what is not.
 */
static bool
check_folding(const struct reader *reader)
{
	return !(reader->folded && reader->special) ||
	       bad(reader, "\"<\", \">\" or \"@\" in quotes, and quotes or a comment of "
			   "several lines");
}

static bool
refuse_more(const struct reader *reader, size_t most)
{
	if (most == 1)
		return fault_set(reader->fault, FAULT_LIMIT, "more than one address");
	return fault_set(reader->fault, FAULT_LIMIT, "more than %zu addresses", most);
}

static bool
read_all(struct reader *reader, unsigned rules, struct mailboxes *mailboxes)
{
	size_t most = rules & MAILBOXES_ONE ? 1 : MAILBOXES_MAX;
	bool more;

	if (!skip_space(reader, &more))
		return false;
	if (reader->rest.length == 0)
		return bad(reader, "no address in it");
	do {
		if (mailboxes->count == most)
			return refuse_more(reader, most);
		if (!read_mailbox(reader, &mailboxes->list[mailboxes->count]))
			return false;
		mailboxes->count++;
		more = peek(reader) == ',';
		skip(reader, more);
	} while (more);
	return check_folding(reader);
}

/* Line ends stand only where a folding has them: CR LF and a blank. */
static bool
check_bytes(const struct reader *reader)
{
	struct span value = reader->rest;

	for (size_t i = 0; i < value.length; i++) {
		char byte = value.start[i];
		char next = i + 1 < value.length ? value.start[i + 1] : '\0';

		if (octet_is_control(byte) && !octet_is_space(byte))
			return bad(reader, "control byte");
		if ((byte == '\r' && next != '\n') || (byte == '\n' && !octet_is_blank(next)) ||
			(byte == '\n' && (i == 0 || value.start[i - 1] != '\r')))
			return bad(reader, "a line end that is no folding");
	}
	if (!reader->utf8 && !utf8_is_ascii(value))
		return bad(reader, "8-bit byte");
	return utf8_is_valid(value) || bad(reader, "not valid UTF-8");
}

bool
mailboxes_parse(struct span value, unsigned rules, struct arena *arena,
	struct mailboxes *mailboxes_out, struct fault *fault_out)
{
	struct reader reader = {
		.rest = value,
		.utf8 = (rules & MAILBOXES_UTF8) != 0,
		.arena = arena,
		.fault = fault_out,
	};
	struct mailboxes mailboxes = { .count = 0 };

	if (!check_bytes(&reader))
		return false;
	reader.text = arena_alloc(arena, value.length);
	mailboxes.list = arena_alloc(arena, count_most(value) * sizeof *mailboxes.list);
	if (!read_all(&reader, rules, &mailboxes))
		return false;
	*mailboxes_out = mailboxes;
	return true;
}
