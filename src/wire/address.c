/* SPDX-License-Identifier: BSD-2-Clause */
/* Mail addresses as the envelope writes them, in one canonical form. */
#include "wire/address.h"

#include <string.h>

#include "wire/octet.h"
#include "wire/utf8.h"

enum { LOCAL_QUOTED_MAX_BYTES = 2 * ADDRESS_LOCAL_MAX_BYTES + 2 };

/* A place in the text, and the canonical local part that was read up to it. */
struct reader {
	struct span rest;
	char local[ADDRESS_LOCAL_MAX_BYTES + 1];
	size_t length;
};

const char *
address_fault_text(enum address_fault fault)
{
	switch (fault) {
	case ADDRESS_OK:
		return "address is right";
	case ADDRESS_NO_BRACKETS:
		return "address must stand in <> with nothing between";
	case ADDRESS_SYNTAX:
		return "malformed address";
	case ADDRESS_ROUTE:
		return "source routes are not accepted";
	case ADDRESS_NO_DOMAIN:
		return "address has no domain";
	case ADDRESS_LOCAL_SYNTAX:
		return "malformed local part of address";
	case ADDRESS_LOCAL_LONG:
		return "local part of address is longer than 64 bytes";
	case ADDRESS_DOMAIN_SYNTAX:
		return "malformed domain of address";
	case ADDRESS_LONG:
		return "address is longer than 254 bytes";
	case ADDRESS_NOT_ASCII:
		return "address is not ASCII";
	case ADDRESS_NOT_UTF8:
		return "address is not valid UTF-8";
	case ADDRESS_NOT_NORMAL:
		return "address holds characters that are not normalised or not allowed";
	}
	return "malformed address";
}

static bool
add_local(struct reader *reader, char byte)
{
	if (reader->length == ADDRESS_LOCAL_MAX_BYTES)
		return false;
	reader->local[reader->length++] = byte;
	return true;
}

/* RFC 5321 4.1.2: Dot-string = Atom *("." Atom) */
static enum address_fault
read_dot_string(struct reader *reader)
{
	struct span rest = reader->rest;
	bool in_atom = false;
	size_t i;

	for (i = 0; i < rest.length; i++) {
		char byte = rest.start[i];

		if (byte == '.' && !in_atom)
			return ADDRESS_LOCAL_SYNTAX;
		if (byte != '.' && !octet_is_atext(byte) && !octet_is_8bit(byte))
			break;
		in_atom = byte != '.';
		if (!add_local(reader, byte))
			return ADDRESS_LOCAL_LONG;
	}
	reader->rest = span_from(rest, i);
	return in_atom ? ADDRESS_OK : ADDRESS_LOCAL_SYNTAX;
}

/*
 * RFC 5321 4.1.2: Quoted-string = DQUOTE *QcontentSMTP DQUOTE; only printable ASCII may be quoted
 * by a backslash. The empty one names nobody and is refused.
 */
static enum address_fault
read_quoted(struct reader *reader)
{
	struct span rest = reader->rest;
	size_t i = 1;

	while (i < rest.length && rest.start[i] != '"') {
		if (rest.start[i] == '\\') {
			i++;
			if (i == rest.length || octet_is_8bit(rest.start[i]))
				return ADDRESS_LOCAL_SYNTAX;
		}
		if (octet_is_control(rest.start[i]))
			return ADDRESS_LOCAL_SYNTAX;
		if (!add_local(reader, rest.start[i]))
			return ADDRESS_LOCAL_LONG;
		i++;
	}
	if (i >= rest.length || reader->length == 0)
		return ADDRESS_LOCAL_SYNTAX;
	i++; /* the closing quote */
	reader->rest = span_from(rest, i);
	return i > ADDRESS_LOCAL_MAX_BYTES ? ADDRESS_LOCAL_LONG : ADDRESS_OK;
}

static enum address_fault
read_local(struct reader *reader, unsigned flags)
{
	enum address_fault fault;
	struct span local;

	if (reader->rest.length && reader->rest.start[0] == '"')
		fault = read_quoted(reader);
	else
		fault = read_dot_string(reader);
	local = span_of(reader->local, reader->length);
	if (!utf8_is_ascii(local)) {
		if (!(flags & ADDRESS_UTF8))
			return ADDRESS_NOT_ASCII;
		if (fault == ADDRESS_OK && !utf8_is_valid(local))
			return ADDRESS_NOT_UTF8;
		if (fault == ADDRESS_OK && (!utf8_is_nfc(local) || utf8_has_deceptive(local)))
			return ADDRESS_NOT_NORMAL;
	}
	return fault;
}

/* As long as the shortest way to write it, so never longer than what was parsed. */
static size_t
format_local(const struct address *address, char to[LOCAL_QUOTED_MAX_BYTES])
{
	struct span local = address_local(address);
	bool quoted = !octet_is_dot_atom(local);
	size_t used = 0;

	if (quoted)
		to[used++] = '"';
	for (size_t i = 0; i < local.length; i++) {
		if (local.start[i] == '"' || local.start[i] == '\\')
			to[used++] = '\\';
		to[used++] = local.start[i];
	}
	if (quoted)
		to[used++] = '"';
	return used;
}

static enum address_fault
set_address(const struct reader *reader, struct span domain, unsigned flags,
	struct address *address_out)
{
	struct address address = { .kind = ADDRESS_MAILBOX };
	char local[LOCAL_QUOTED_MAX_BYTES];

	if (domain.length && domain.start[0] == '[') {
		address.kind = ADDRESS_LITERAL;
		if (!domain_parse_literal(domain, address.domain))
			return ADDRESS_DOMAIN_SYNTAX;
	} else if (!(flags & ADDRESS_UTF8) && !utf8_is_ascii(domain)) {
		return ADDRESS_NOT_ASCII;
	} else if (!domain_parse(domain, address.domain)) {
		return ADDRESS_DOMAIN_SYNTAX;
	}
	memcpy(address.local, reader->local, reader->length);
	address.local_length = (uint8_t)reader->length;
	address.domain_length = (uint8_t)strlen(address.domain);
	if (format_local(&address, local) + 1 + address.domain_length > ADDRESS_TEXT_MAX_BYTES)
		return ADDRESS_LONG;
	*address_out = address;
	return ADDRESS_OK;
}

enum address_fault
address_parse(struct span text, unsigned flags, struct address *address_out)
{
	struct reader reader = { .rest = text };
	enum address_fault fault;

	if (text.length && text.start[0] == '@')
		return ADDRESS_LOCAL_SYNTAX;
	fault = read_local(&reader, flags);
	if (fault != ADDRESS_OK)
		return fault;
	if (reader.rest.length == 0)
		return ADDRESS_NO_DOMAIN;
	if (reader.rest.start[0] != '@')
		return ADDRESS_LOCAL_SYNTAX;
	return set_address(&reader, span_from(reader.rest, 1), flags, address_out);
}

/* RFC 5321 4.1.1.3: "<Postmaster>" without a domain, in any case */
static enum address_fault
set_bare(const struct reader *reader, struct address *address_out)
{
	struct span local = span_of(reader->local, reader->length);

	if (!span_is_nocase(local, "postmaster"))
		return ADDRESS_NO_DOMAIN;
	*address_out =
		(struct address){ .kind = ADDRESS_BARE, .local_length = (uint8_t)local.length };
	memcpy(address_out->local, local.start, local.length);
	return ADDRESS_OK;
}

enum address_fault
address_parse_path(
	struct span text, unsigned flags, struct address *address_out, struct span *rest_out)
{
	struct reader reader = { .rest = span_from(text, 1) };
	enum address_fault fault;
	struct span domain;
	struct span behind;

	if (text.length == 0 || text.start[0] != '<')
		return ADDRESS_NO_BRACKETS;
	if (span_starts(reader.rest, ">")) {
		*address_out = (struct address){ .kind = ADDRESS_NULL };
		*rest_out = span_from(reader.rest, 1);
		return ADDRESS_OK;
	}
	if (span_starts(reader.rest, "@"))
		return ADDRESS_ROUTE;
	if (span_starts(reader.rest, " "))
		return ADDRESS_NO_BRACKETS;
	fault = read_local(&reader, flags);
	if (fault != ADDRESS_OK)
		return fault;
	if (span_starts(reader.rest, ">")) {
		behind = span_from(reader.rest, 1);
		fault = set_bare(&reader, address_out);
	} else {
		if (!span_starts(reader.rest, "@"))
			return ADDRESS_LOCAL_SYNTAX;
		domain = span_from(reader.rest, 1);
		if (!span_has_byte(domain, '>'))
			return ADDRESS_NO_BRACKETS;
		domain = span_cut(domain, '>', &behind);
		fault = set_address(&reader, domain, flags, address_out);
	}
	if (fault == ADDRESS_OK)
		*rest_out = behind;
	return fault;
}

size_t
address_format(const struct address *address, char to[ADDRESS_TEXT_SIZE])
{
	size_t used = 0;

	if (address->kind != ADDRESS_NULL)
		used = format_local(address, to);
	if (address->kind == ADDRESS_MAILBOX || address->kind == ADDRESS_LITERAL) {
		to[used++] = '@';
		memcpy(to + used, address->domain, address->domain_length);
		used += address->domain_length;
	}
	to[used] = '\0';
	return used;
}

bool
address_equal(const struct address *a, const struct address *b)
{
	return a->kind == b->kind && span_equal(address_local(a), address_local(b)) &&
	       span_equal(address_domain(a), address_domain(b));
}

bool
address_equal_own(const struct address *a, const struct address *b)
{
	return a->kind == b->kind && span_equal_nocase(address_local(a), address_local(b)) &&
	       span_equal(address_domain(a), address_domain(b));
}

bool
address_without_tag(const struct address *address, char separator, struct address *base_out)
{
	struct span local = address_local(address);
	size_t at = span_find(local, separator);

	if (at == 0 || at == local.length || local.start[at - 1] == '.')
		return false;
	*base_out = *address;
	memset(base_out->local + at, 0, sizeof base_out->local - at);
	base_out->local_length = (uint8_t)at;
	return true;
}

struct span
address_in_brackets(struct span path)
{
	if (path.length >= 2 && path.start[0] == '<' && path.start[path.length - 1] == '>')
		return span_of(path.start + 1, path.length - 2);
	return path;
}

bool
address_is_qualified(const struct address *address)
{
	return address->kind == ADDRESS_LITERAL ||
	       (address->kind == ADDRESS_MAILBOX && span_has_byte(address_domain(address), '.'));
}

bool
address_is_ascii(const struct address *address)
{
	return utf8_is_ascii(address_local(address));
}
