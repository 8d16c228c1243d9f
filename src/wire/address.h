/* SPDX-License-Identifier: BSD-2-Clause */
/* Mail addresses as the envelope writes them (RFC 5321 4.1.2, RFC 6531 3.3), in canonical form. */
#ifndef WIRE_ADDRESS_H
#define WIRE_ADDRESS_H

#include "base/text.h"
#include "wire/domain.h"

enum {
	ADDRESS_LOCAL_MAX_BYTES = 64,  /* as written, quotes included: RFC 5321 4.5.3.1.1 */
	ADDRESS_TEXT_MAX_BYTES = 254,  /* a path has 256 with its brackets: 4.5.3.1.3 */
	ADDRESS_TEXT_SIZE = 256,
};

enum address_kind {
	ADDRESS_NULL,    /* "<>", the sender of notices */
	ADDRESS_BARE,    /* "<postmaster>", the one local part that needs no domain */
	ADDRESS_MAILBOX, /* local part and domain name */
	ADDRESS_LITERAL, /* local part and address literal */
};

/*
 * A plain value: copy it, compare it, keep it anywhere. All zero is ADDRESS_NULL. local holds the
 * local part without quotes and backslashes, in the case it came in; domain is in lower case, with
 * A-labels, or a literal with its brackets. Both end in NUL; neither ever holds a control byte.
 */
struct address {
	uint8_t kind; /* enum address_kind */
	uint8_t local_length;
	uint8_t domain_length;
	char local[ADDRESS_LOCAL_MAX_BYTES + 1];
	char domain[DOMAIN_SIZE];
};

enum address_fault {
	ADDRESS_OK,
	ADDRESS_NO_BRACKETS,     /* a path must be <…> */
	ADDRESS_SYNTAX,
	ADDRESS_ROUTE,           /* <@a,@b:c@d>; RFC 5321 4.1.1.3 lets us decline */
	ADDRESS_NO_DOMAIN,
	ADDRESS_LOCAL_SYNTAX,
	ADDRESS_LOCAL_LONG,
	ADDRESS_DOMAIN_SYNTAX,
	ADDRESS_LONG,
	ADDRESS_NOT_ASCII,       /* 8-bit without ADDRESS_UTF8 */
	ADDRESS_NOT_UTF8,        /* malformed */
	ADDRESS_NOT_NORMAL,      /* not NFC, or with code points that deceive the eye */
};

enum { ADDRESS_UTF8 = 1 };       /* for flags: SMTPUTF8 is in force */

/* "local@domain" or "local@[literal]", all of text. */
enum address_fault address_parse(struct span text, unsigned flags, struct address *address_out);
/*
 * A path at the start of text: "<local@domain>", "<>" or "<postmaster>" in any case. *rest_out is
 * what stands behind the ">". Which kinds may stand where is for the caller to say.
 */
enum address_fault address_parse_path(struct span text, unsigned flags, struct address *address_out,
	struct span *rest_out);
const char *address_fault_text(enum address_fault fault);

/*
 * "local@domain", quoted only where it must be, "" for the null address; ended by NUL; returns the
 * length. What address_parse() made is written so that it parses to the same again.
 */
size_t address_format(const struct address *address, char to[ADDRESS_TEXT_SIZE]);

static inline struct span
address_local(const struct address *address)
{
	return span_of(address->local, address->local_length);
}

static inline struct span
address_domain(const struct address *address)
{
	return span_of(address->domain, address->domain_length);
}

/* Byte for byte in the local part: for recipients, whose case is their host's affair. */
bool address_equal(const struct address *a, const struct address *b);
/*
 * ASCII letters of the local part in any case: what counts for our own addresses and for all
 * rights, in the envelope and in the header alike. "Alice@Example.ORG" is alice@example.org.
 */
bool address_equal_own(const struct address *a, const struct address *b);
/*
 * "a+tag@d" gives a@d. False, and nothing written, where there is no separator, nothing in front of
 * it, or a dot.
 */
bool address_without_tag(const struct address *address, char separator, struct address *base_out);
/* A path as people and other servers write it, in its brackets or without: what stands within. */
struct span address_in_brackets(struct span path);
/* RFC 6409 4.2: a literal, or a domain with a dot in it. */
bool address_is_qualified(const struct address *address);
/* False if only a host with SMTPUTF8 can take it. */
bool address_is_ascii(const struct address *address);

#endif
